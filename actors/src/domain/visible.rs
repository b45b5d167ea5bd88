//! The characters of a text that people see. One rule for names, titles, chat lines and letters: a character that nobody sees, or that turns
//! the direction of its surroundings, is hidden. Joiners and selectors stay where they shape what stands around them.
//! The properties are those of the Unicode Character Database, from icu_properties.

use std::borrow::Cow;
use std::fmt;

use icu_properties::props::{DefaultIgnorableCodePoint, Emoji};
use icu_properties::{CodePointSetData, CodePointSetDataBorrowed};

const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
const EMOJI: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<Emoji>();

const ZWNJ: char = '\u{200c}';
const ZWJ: char = '\u{200d}';
/// Begins the flags of England, Scotland and Wales; letters of the tags block name them, and the last tag ends them.
const BLACK_FLAG: char = '\u{1f3f4}';
const LAST_TAG: char = '\u{e007f}';
/// Letters and digits of a flag's name.
const MOST_TAGS: usize = 6;
const KEYCAP: char = '\u{20e3}';

/// How a text is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A name or a title: no control characters.
    Line,
    /// Tabs and line feeds are part of it.
    Lines,
}

/// Why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The first character that is hidden.
    Hidden(char),
    /// There is nothing to see in it.
    Blank,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden(letter) => {
                write!(out, "must not have the hidden or control character U+{:04X}", u32::from(*letter))
            }
            Self::Blank => out.write_str("must have at least one visible character"),
        }
    }
}

impl Fault {
    /// For the dialects that speak Chinese.
    pub fn in_chinese(self) -> String {
        match self {
            Self::Hidden(letter) => format!("不能包含不可见字符或控制字符 U+{:04X}", u32::from(letter)),
            Self::Blank => "至少要有一个可见字符".to_owned(),
        }
    }
}

/// Whether a character shows by itself. Blanks do not.
pub fn is_visible(letter: char) -> bool {
    // Most text is ASCII or Han: neither needs the table.
    match letter {
        '!'..='~' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{2800}' | '\u{fff9}'..='\u{fffb}' => false,
        _ => !letter.is_control() && !letter.is_whitespace() && !IGNORABLE.contains(letter),
    }
}

pub fn has_visible(text: &str) -> bool {
    text.chars().any(is_visible)
}

/// A text that may be empty, but holds nothing hidden.
///
/// Errors: `Fault::Hidden`.
pub fn check(text: &str, layout: Layout) -> Result<(), Fault> {
    match Scan::new(text, layout).find(|found| !found.stays) {
        Some(found) => Err(Fault::Hidden(found.letter)),
        None => Ok(()),
    }
}

/// A text that must say something.
///
/// Errors: `Fault`.
pub fn check_said(text: &str, layout: Layout) -> Result<(), Fault> {
    check(text, layout)?;
    if has_visible(text) { Ok(()) } else { Err(Fault::Blank) }
}

/// The text without what is hidden. Doing it twice changes nothing more.
pub fn without_hidden(text: &str, layout: Layout) -> Cow<'_, str> {
    if check(text, layout).is_ok() {
        return Cow::Borrowed(text);
    }
    Scan::new(text, layout).filter(|found| found.stays).map(|found| found.letter).collect::<String>().into()
}

struct Found {
    letter: char,
    stays: bool,
}

/// Goes through a text and decides for each character from what stays before it and what follows.
struct Scan<'a> {
    rest: std::str::Chars<'a>,
    layout: Layout,
    /// The last character that stays.
    before: Option<char>,
    /// Tags of a flag that are still to come.
    tags: usize,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, layout: Layout) -> Self {
        Self { rest: text.chars(), layout, before: None, tags: 0 }
    }

    fn stays(&mut self, letter: char) -> bool {
        if self.tags > 0 {
            self.tags -= 1;
            return true;
        }
        let next = self.rest.clone().next();
        match letter {
            ' '..='~' => true,
            '\t' | '\n' | '\r' => self.layout == Layout::Lines,
            BLACK_FLAG => {
                self.tags = tags_of_flag(self.rest.clone());
                true
            }
            ZWJ | ZWNJ => {
                let joins = |it: char| is_visible(it) || is_selector(it);
                self.before.is_some_and(joins) && next.is_some_and(is_visible)
            }
            '\u{fe0e}' | '\u{fe0f}' => match self.before {
                // Digits are emoji only as keycaps.
                Some('0'..='9' | '#' | '*') => next == Some(KEYCAP),
                Some(before) => EMOJI.contains(before),
                None => false,
            },
            // Mongolian letters have shapes that only these choose.
            '\u{180b}'..='\u{180f}' => self.before.is_some_and(|it| matches!(it, '\u{1820}'..='\u{18aa}')),
            '\u{2028}' | '\u{2029}' => false,
            _ => is_visible(letter) || (letter.is_whitespace() && !letter.is_control()),
        }
    }
}

impl Iterator for Scan<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        let letter = self.rest.next()?;
        let stays = self.stays(letter);
        if stays {
            self.before = Some(letter);
        }
        Some(Found { letter, stays })
    }
}

/// Whether a character may stand between another one and its joiner.
fn is_selector(letter: char) -> bool {
    matches!(letter, '\u{fe0e}' | '\u{fe0f}' | '\u{180b}'..='\u{180f}' | LAST_TAG)
}

/// How many characters after a black flag make it another one; 0 when none do.
fn tags_of_flag(rest: std::str::Chars<'_>) -> usize {
    let is_tag = |letter: &char| matches!(letter, '\u{e0030}'..='\u{e0039}' | '\u{e0061}'..='\u{e007a}');
    let named = rest.clone().take(MOST_TAGS).take_while(is_tag).count();
    if named > 0 && rest.clone().nth(named) == Some(LAST_TAG) { named + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LAYOUTS: [Layout; 2] = [Layout::Line, Layout::Lines];

    #[test]
    fn what_shapes_the_visible_stays() {
        for text in [
            "",
            "张三",
            "Zoë O’Neil",
            "欧阳 娜娜",
            "a\u{a0}b\u{3000}c",
            // A family, a heart on fire, a keycap, an umbrella as a picture, a dark hand, two flags.
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "1\u{fe0f}\u{20e3}",
            "\u{2602}\u{fe0f}",
            "\u{1f44b}\u{1f3ff}",
            "\u{1f1e8}\u{1f1f3}",
            "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
            // Persian, Hindi, Mongolian.
            "می\u{200c}خواهم",
            "क\u{94d}\u{200d}ष",
            "ᠪ\u{180b}ᠠ",
        ] {
            for layout in LAYOUTS {
                assert_eq!(check(text, layout), Ok(()), "{text:?}");
                assert_eq!(without_hidden(text, layout), text);
            }
        }
        assert_eq!(check("a\tb\r\nc", Layout::Lines), Ok(()));
    }

    #[test]
    fn what_nobody_sees_or_turns_the_direction_is_hidden() {
        for letter in [
            '\u{0}',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{2029}',
            '\u{202a}',
            '\u{202d}',
            '\u{202e}',
            '\u{2060}',
            '\u{2064}',
            '\u{2066}',
            '\u{2069}',
            '\u{206a}',
            '\u{2800}',
            '\u{3164}',
            '\u{fe00}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e007f}',
            '\u{e0101}',
        ] {
            for layout in LAYOUTS {
                for text in [format!("张{letter}三"), format!("{letter}张三"), format!("张三{letter}")] {
                    assert_eq!(check(&text, layout), Err(Fault::Hidden(letter)), "U+{:04X}", u32::from(letter));
                    assert_eq!(without_hidden(&text, layout), "张三");
                }
            }
            assert!(!has_visible(&format!(" {letter}\u{3000}")));
        }
        for control in ['\t', '\n', '\r'] {
            assert_eq!(check(&format!("a{control}b"), Layout::Line), Err(Fault::Hidden(control)));
        }
    }

    #[test]
    fn joiners_and_selectors_alone_are_hidden() {
        for (text, shown) in [
            ("\u{200d}a", "a"),
            ("a\u{200d}", "a"),
            ("a \u{200d}b", "a b"),
            ("a\u{200d}\u{200d}b", "a\u{200d}b"),
            ("a\u{200d}\u{202e}b", "ab"),
            ("1\u{fe0f}", "1"),
            ("a\u{fe0f}", "a"),
            ("\u{2602}\u{fe0f}\u{fe0f}", "\u{2602}\u{fe0f}"),
            ("\u{1f3f4}\u{e0067}", "\u{1f3f4}"),
            ("\u{1f3f4}\u{e007f}", "\u{1f3f4}"),
            ("葛\u{e0100}", "葛"),
            ("\u{200b}\u{3164}", ""),
        ] {
            assert_eq!(without_hidden(text, Layout::Lines), shown, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_must_say_something_has_something_to_see() {
        for blank in ["", " ", "\u{3000}", "\n"] {
            assert_eq!(check_said(blank, Layout::Lines), Err(Fault::Blank), "{blank:?}");
        }
        assert_eq!(check_said("\u{3164}", Layout::Lines), Err(Fault::Hidden('\u{3164}')));
        assert_eq!(check_said(".", Layout::Line), Ok(()));
        assert_eq!(Fault::Hidden('\u{202e}').to_string(), "must not have the hidden or control character U+202E");
    }

    proptest! {
        #[test]
        fn leaving_out_is_done_once(text in "[a1 \\n❤\u{200b}-\u{200f}\u{2028}-\u{202e}\u{fe0f}\u{20e3}\u{1f3f4}\u{e0067}\u{e007f}\u{3164}]{0,12}") {
            for layout in LAYOUTS {
                let once = without_hidden(&text, layout).into_owned();
                prop_assert_eq!(check(&once, layout), Ok(()), "{:?}", once);
                prop_assert_eq!(&without_hidden(&once, layout).into_owned(), &once);
                prop_assert_eq!(has_visible(&once), has_visible(&text));
            }
        }
    }
}
