//! The byte order mark that programs of Windows write before UTF-8. It says nothing about the text behind it.

const MARK: &str = "\u{feff}";

/// A body without its mark. Signatures and hashes are over the body as it came, mark and all.
pub fn without(body: &[u8]) -> &[u8] {
    body.strip_prefix(MARK.as_bytes()).unwrap_or(body)
}

/// A text without its mark.
pub fn without_in(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mark_in_front_is_passed_over() {
        for (text, left) in [("\u{feff}{}", "{}"), ("{}", "{}"), ("", ""), ("\u{feff}\u{feff}", "\u{feff}")] {
            assert_eq!(without_in(text), left);
            assert_eq!(without(text.as_bytes()), left.as_bytes());
        }
        assert_eq!(without(b"\xef\xbb"), b"\xef\xbb");
    }
}
