//! The name an account signs in with: as typed for people's eyes, folded for comparison. It is taken for all dialects.

use unicode_normalization::UnicodeNormalization;

use super::visible::is_visible;

/// Longest name of any dialect, in characters.
pub const MOST_CHARACTERS: usize = 30;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginName {
    typed: String,
    folded: String,
}

impl LoginName {
    /// `None`: empty, over `MOST_CHARACTERS`, or with blanks or characters that nobody sees. A dialect may allow less.
    pub fn new(typed: &str) -> Option<Self> {
        let folded: String = typed.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let unfit = |text: &str| {
            let count = text.chars().count();
            count == 0 || count > MOST_CHARACTERS || !text.chars().all(is_visible)
        };
        (!unfit(typed) && !unfit(&folded)).then(|| Self { typed: typed.to_owned(), folded })
    }

    pub fn typed(&self) -> &str {
        &self.typed
    }

    /// What names are compared by: compatibility forms and letter case are one.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_in_any_width_and_case_is_one_name() {
        let folded = |text: &str| LoginName::new(text).map(|name| name.folded);
        for same in ["Runner-1", "runner-1", "ＲＵＮＮＥＲ－１", "RUNNER-1"] {
            assert_eq!(folded(same).as_deref(), Some("runner-1"), "{same}");
        }
        assert_eq!(folded("跑者").as_deref(), Some("跑者"));
        assert_eq!(LoginName::new("Runner").unwrap().typed(), "Runner");
        for bad in ["", " ", "a b", "a\u{202e}b", "a\u{0}", &"a".repeat(31), "㍿㍿㍿㍿㍿㍿㍿㍿"] {
            assert_eq!(LoginName::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_nobody_sees_makes_no_name() {
        for letter in [
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{2060}',
            '\u{2063}',
            '\u{206a}',
            '\u{feff}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{3164}',
            '\u{ffa0}',
            '\u{17b4}',
            '\u{180e}',
            '\u{2800}',
            '\u{fe0f}',
            '\u{e0041}',
            '\u{e0101}',
        ] {
            for name in [format!("run{letter}ner"), format!("{letter}runner"), format!("runner{letter}")] {
                assert_eq!(LoginName::new(&name), None, "U+{:04X}", u32::from(letter));
            }
        }
        assert!(LoginName::new("Zoë-日本-한국-Ünal_1.2").is_some());
    }
}
