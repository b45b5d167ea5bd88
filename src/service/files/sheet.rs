//! Cells as spreadsheets read and write them: no cell becomes a formula, no long number becomes 1.1E17, and what is
//! written comes back the same. Files come as UTF-8 or as Excel saves them in Chinese.

use std::borrow::Cow;

use actors::error::{DomainError, Result};
use encoding_rs::GB18030;

/// What Excel knows UTF-8 by.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What a spreadsheet may take for the begin of a formula.
fn begins_formula(letter: char) -> bool {
    matches!(letter, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠')
}

/// A text as a cell. An apostrophe before a formula's begin makes it a text; a tab behind digits keeps them from being
/// read as a number, a date or 1.1E17, and is not seen.
pub fn cell(text: &str) -> Cow<'_, str> {
    let begin = text.trim_start_matches(' ').chars().next();
    if begin.is_some_and(|letter| begins_formula(letter) || letter == '\'') {
        return format!("'{text}").into();
    }
    if text.chars().any(char::is_numeric) {
        return format!("{text}\t").into();
    }
    text.into()
}

/// A file that is written.
pub type Lines = csv::Writer<Vec<u8>>;

pub fn lines() -> Lines {
    // A quoted cell may hold the tab that keeps digits a text, also where a tab ends a cell.
    csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new())
}

/// What was written. Errors: `Internal`.
pub fn finish(lines: Lines) -> Result<String> {
    String::from_utf8(lines.into_inner().map_err(internal)?).map_err(internal)
}

pub fn internal(error: impl std::fmt::Display) -> DomainError {
    tracing::error!(%error, "writing a file");
    DomainError::Internal
}

/// The text of a cell that `cell` or a person wrote.
pub fn text(cell: &str) -> &str {
    let cell = cell.trim();
    let is_mark = |rest: &&str| rest.trim_start().chars().next().is_some_and(|it| begins_formula(it) || it == '\'');
    cell.strip_prefix('\'').filter(is_mark).map_or(cell, str::trim)
}

/// Whether a cell is a number that a spreadsheet has shortened, such as `4.40106E+17`.
pub fn is_shortened_number(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once(['E', 'e']) else { return false };
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    exponent.strip_prefix('+').is_some_and(plain) && plain(digits)
}

/// UTF-8 with or without its mark, else GB18030.
///
/// Errors: `Malformed`.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(DomainError::Malformed("the file is UTF-16: save it as \"CSV UTF-8\"".into()));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)),
        Err(_) => GB18030
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or(DomainError::Malformed("the file is neither UTF-8 nor GB18030".into()))?,
    };
    if text.contains('\0') {
        return Err(DomainError::Malformed("the file is not a text".into()));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula_and_every_text_comes_back() {
        let texts = [
            "=1+1",
            "+8613800000001",
            "-1",
            "@SUM(A1)",
            "＝1",
            "＋1",
            "－1",
            "＠x",
            " =1",
            "'=1",
            "'x",
            "'",
            "''",
            "-(A)",
            "440106199003077510",
            "1E123456",
            "3-12",
            "DEC12",
            "١٢",
            "张三",
            "O'Neil",
            "",
        ];
        for original in texts {
            let written = cell(original);
            assert!(!written.trim_start_matches(' ').chars().next().is_some_and(begins_formula), "{original:?}");
            assert_eq!(text(&written), original.trim(), "{written:?}");
            let number = original.starts_with(|letter: char| letter.is_numeric());
            assert_eq!(written.ends_with('\t'), number || original == "DEC12", "{written:?}");
        }
        assert_eq!(text("'440106199003077510"), "'440106199003077510", "only our own mark is taken off");
    }

    #[test]
    fn shortened_numbers_are_seen() {
        for short in ["4.40106E+17", "1E+10", "4e+17"] {
            assert!(is_shortened_number(short), "{short}");
        }
        for other in ["440106199003077510", "E1234567", "1E123456", "E+1", "4.4"] {
            assert!(!is_shortened_number(other), "{other}");
        }
    }

    #[test]
    fn files_are_utf_8_or_gb18030() {
        assert_eq!(decode("\u{feff}姓名".as_bytes()).unwrap(), "姓名");
        assert_eq!(decode(&GB18030.encode("姓名,欧阳").0).unwrap(), "姓名,欧阳");
        for bad in [&b"\xff\xfeA\0"[..], b"\x81", b"a\0b"] {
            assert!(matches!(decode(bad), Err(DomainError::Malformed(_))), "{bad:?}");
        }
    }
}
