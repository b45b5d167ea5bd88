//! Phone numbers: one spelling to look them up by, and the form that most eyes may see.

/// One spelling of what people type: full-width digits folded, blanks and dashes gone, China's prefix left out. Empty
/// when nothing is left.
pub fn canonical(text: &str) -> String {
    let digits: String = text
        .trim()
        .chars()
        .map(|letter| match u32::from(letter) {
            code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(letter),
            _ => letter,
        })
        .filter(|letter| !letter.is_whitespace() && *letter != '-')
        .collect();
    let national = digits.strip_prefix("+86").or_else(|| digits.strip_prefix("0086"));
    match national {
        Some(number) if number.len() == 11 && number.starts_with('1') => number.to_owned(),
        _ => digits,
    }
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
    fn one_number_has_one_spelling() {
        for same in ["13800000001", "+86 138-0000-0001", "008613800000001", " １３８０００００００１"] {
            assert_eq!(canonical(same), "13800000001", "{same}");
        }
        for other in ["+8613800000002", "+44 13800000001", "1380000000"] {
            assert_ne!(canonical(other), "13800000001", "{other}");
        }
        assert_eq!(canonical("+86 10"), "+8610", "only mobile numbers lose the prefix");
    }

    #[test]
    fn the_middle_is_masked() {
        assert_eq!(masked("13800000001"), "138****0001");
        assert_eq!(masked("1380000"), "*******");
        assert_eq!(masked(""), "");
    }
}
