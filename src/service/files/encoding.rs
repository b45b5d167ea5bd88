//! The bytes of a file as text. UTF-8 needs no word; anything else must be named, because every byte sequence of Big5 is
//! also some text in GB18030, and a wrong guess imports rubbish.

use std::borrow::Cow;

use actors::error::{DomainError, Result};
use encoding_rs::{BIG5, GB18030};

use super::sheet::BYTE_ORDER_MARK;

/// What the sender says a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    #[default]
    Utf8,
    Gb18030,
    Big5,
}

impl Encoding {
    /// `utf-8`, `gb18030` or `big5`, in any case.
    ///
    /// Errors: `InvalidField` on `encoding`.
    pub fn named(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "utf-8" => Ok(Self::Utf8),
            "gb18030" => Ok(Self::Gb18030),
            "big5" => Ok(Self::Big5),
            _ => Err(DomainError::field("encoding", "must be utf-8, gb18030 or big5")),
        }
    }
}

/// A file's text. A byte order mark is believed before the sender.
///
/// Errors: `InvalidField` on `encoding` when the bytes are not of the encoding; `Malformed` for UTF-16 and for bytes that
/// are no text.
pub fn decode(bytes: &[u8], encoding: Encoding) -> Result<Cow<'_, str>> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(DomainError::Malformed("the file is UTF-16: save it as \"CSV UTF-8\"".into()));
    }
    if bytes.contains(&0) {
        return Err(DomainError::Malformed("the file is not a text".into()));
    }
    let legacy = match encoding {
        _ if bytes.starts_with(BYTE_ORDER_MARK.as_bytes()) => None,
        Encoding::Utf8 => None,
        Encoding::Gb18030 => Some((GB18030, "the file is not GB18030")),
        Encoding::Big5 => Some((BIG5, "the file is not Big5")),
    };
    match legacy {
        Some((legacy, reason)) => legacy
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or_else(|| DomainError::field("encoding", reason)),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Cow::Borrowed(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text))),
            Err(_) => Err(DomainError::field(
                "encoding",
                "the file is not UTF-8: save it as \"CSV UTF-8\", or say encoding=gb18030 (simplified Chinese Excel) or \
                 encoding=big5 (traditional Chinese Excel)",
            )),
        },
    }
}

/// The text with all of its line ends as `\n`, also those within cells: old programs for the Mac write `\r` alone, and
/// files that were joined have several kinds.
pub fn with_line_feeds(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_8_needs_no_word_and_a_mark_is_believed() {
        for encoding in [Encoding::Utf8, Encoding::Gb18030, Encoding::Big5] {
            assert_eq!(decode("\u{feff}姓名".as_bytes(), encoding).unwrap(), "姓名", "{encoding:?}");
        }
        assert_eq!(decode("姓名".as_bytes(), Encoding::Utf8).unwrap(), "姓名");
    }

    #[test]
    fn anything_else_must_be_named() {
        let (simplified, traditional) = (GB18030.encode("姓名,欧阳").0, BIG5.encode("姓名,歐陽").0);
        assert_eq!(decode(&simplified, Encoding::Gb18030).unwrap(), "姓名,欧阳");
        assert_eq!(decode(&traditional, Encoding::Big5).unwrap(), "姓名,歐陽");
        for bytes in [&simplified, &traditional] {
            let Err(DomainError::InvalidField { field, reason }) = decode(bytes, Encoding::Utf8) else {
                panic!("taken for UTF-8")
            };
            assert_eq!(field, "encoding");
            assert!(reason.contains("encoding=gb18030") && reason.contains("encoding=big5"), "{reason}");
        }
        for (bytes, encoding) in [(&b"\x81"[..], Encoding::Gb18030), (b"\xff", Encoding::Big5)] {
            assert!(matches!(decode(bytes, encoding), Err(DomainError::InvalidField { .. })), "{encoding:?}");
        }
    }

    #[test]
    fn utf_16_and_what_is_no_text_are_refused_whatever_is_said() {
        for encoding in [Encoding::Utf8, Encoding::Gb18030, Encoding::Big5] {
            for bad in [&b"\xff\xfeA\0"[..], b"\xfe\xff\0A", b"a\0b"] {
                assert!(matches!(decode(bad, encoding), Err(DomainError::Malformed(_))), "{bad:?}");
            }
        }
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(Encoding::named("Big5"), Ok(Encoding::Big5));
        assert_eq!(Encoding::named("UTF-8"), Ok(Encoding::Utf8));
        assert!(Encoding::named("latin1").is_err());
    }

    #[test]
    fn every_line_end_becomes_one() {
        assert_eq!(with_line_feeds("a\rb\r\nc\nd\r\r\n"), "a\nb\nc\nd\n\n");
    }
}
