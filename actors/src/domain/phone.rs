//! Phone numbers: the one form in which they are judged, kept, looked up and sent to, and the form that most eyes may see.

use super::visible::is_visible;

/// Longest text that is read as a number, in characters as typed.
const MOST_TYPED: usize = 40;
/// Longest folded number, dashes included.
const MOST_CHARACTERS: usize = 18;
/// The shortest numbers in use, and the most digits that E.164 gives one.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

/// A number as it is kept: full-width characters folded, blanks and characters that nobody sees left out (address books add
/// them), China's prefix and dashes left out of a mainland mobile number. Folding twice changes nothing more.
///
/// Errors: the reason.
pub fn checked(text: &str) -> Result<String, &'static str> {
    const REASON: &str = "must hold 6 to 15 digits, a + may stand before them and dashes between, 18 characters in all";
    if text.trim().chars().count() > MOST_TYPED {
        return Err(REASON);
    }
    let folded = folded(text);
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let fits = DIGITS.contains(&digits) && folded.len() <= MOST_CHARACTERS;
    if fits && plain(folded.strip_prefix('+').unwrap_or(&folded)) { Ok(folded) } else { Err(REASON) }
}

/// The 11 digits of a mobile number of mainland China, to which messages can be sent.
pub fn mainland_mobile(text: &str) -> Option<String> {
    checked(text).ok().filter(|number| is_mainland_mobile(number))
}

/// The spelling that any text is looked up by as a number: as `checked` keeps it, without dashes. May be empty.
pub fn canonical(text: &str) -> String {
    let mut number = folded(text);
    number.retain(|letter| letter != '-');
    number
}

fn folded(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(narrow)
        .filter(|letter| is_visible(*letter) || (letter.is_control() && !letter.is_whitespace()))
        .collect();
    let plain: String = kept.chars().filter(|letter| *letter != '-').collect();
    let national = ["+86", "0086", "86"].into_iter().find_map(|prefix| plain.strip_prefix(prefix));
    [Some(plain.as_str()), national]
        .into_iter()
        .flatten()
        .find(|it| is_mainland_mobile(it))
        .map(str::to_owned)
        .unwrap_or(kept)
}

/// Full-width characters, and the dashes that word processors make of `-`.
fn narrow(letter: char) -> char {
    match u32::from(letter) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(letter),
        0x2010..=0x2015 | 0x2212 | 0xfe58 | 0xfe63 => '-',
        _ => letter,
    }
}

fn is_mainland_mobile(number: &str) -> bool {
    matches!(number.as_bytes(), [b'1', b'3'..=b'9', rest @ ..] if rest.len() == 9 && rest.iter().all(u8::is_ascii_digit))
}

/// `138****0001`; nothing of numbers of 8 characters and less.
pub fn masked(text: &str) -> String {
    let count = text.chars().count();
    let shown = |index: usize| count > 8 && (index < 3 || index + 4 >= count);
    text.chars().enumerate().map(|(index, letter)| if shown(index) { letter } else { '*' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mainland_mobile_has_one_spelling() {
        for same in [
            "13800138000",
            "+86 138 0013 8000",
            "+86\u{a0}138\u{a0}0013\u{a0}8000",
            "+86-138-0013-8000",
            "86-13800138000",
            "8613800138000",
            "008613800138000",
            " １３８００１３８０００",
            "＋８６－１３８００１３８０００",
            "\u{202d}+86 138 0013 8000\u{202c}",
            "138–0013–8000",
            "138\u{3000}0013\t8000\n",
        ] {
            assert_eq!(checked(same).as_deref(), Ok("13800138000"), "{same:?}");
            assert_eq!(mainland_mobile(same).as_deref(), Some("13800138000"), "{same:?}");
            assert_eq!(canonical(same), "13800138000", "{same:?}");
        }
        for other in ["+8613800138001", "+44 13800138000", "1380013800", "12800138000", "138001380000"] {
            assert_ne!(canonical(other), "13800138000", "{other}");
        }
        for other in ["", "1380013800", "12800138000", "23800138000", "138001380000", "1380013800x", "+44 7911123456"] {
            assert_eq!(mainland_mobile(other), None, "{other}");
        }
    }

    #[test]
    fn other_numbers_keep_their_prefix_and_dashes() {
        for (typed, kept, found_by) in [
            ("+86 10 6552 9988", "+861065529988", "+861065529988"),
            ("010-65529988", "010-65529988", "01065529988"),
            ("+44 7911 123456", "+447911123456", "+447911123456"),
            ("１１０-１１９", "110-119", "110119"),
            ("852–2345 6789", "852-23456789", "85223456789"),
        ] {
            assert_eq!(checked(typed).as_deref(), Ok(kept), "{typed}");
            assert_eq!(canonical(typed), found_by, "{typed}");
            assert_eq!(checked(kept).as_deref(), Ok(kept), "folding twice");
        }
    }

    #[test]
    fn a_number_holds_6_to_15_digits() {
        for good in ["123456", "+123456789012345", "1-2-3-4-5-6", "123456789012345"] {
            assert!(checked(good).is_ok(), "{good}");
        }
        let long = " 1".repeat(MOST_TYPED) + "23456";
        for bad in [
            "",
            "------",
            "+------",
            "12345",
            "1-2-3-4-5",
            "1234567890123456",
            "123-456-789-012-345",
            "12+3456",
            "++123456",
            "(010)65529988",
            "1380013800O",
            "12345\u{0}6",
            "١٢٣٤٥٦",
            &long,
        ] {
            assert!(checked(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_middle_is_masked() {
        assert_eq!(masked("13800000001"), "138****0001");
        assert_eq!(masked("1380000"), "*******");
        assert_eq!(masked(""), "");
    }
}
