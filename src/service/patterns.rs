//! Patterns that are matched as a whole and in any case; `*` stands for any characters, also none.

use crate::config::Config;

/// Whether `text` as a whole is what `pattern` describes. Takes at most the product of both lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
    let (mut at, mut seen) = (0, 0);
    // The last star, and where what it stands for ends so far.
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((star_at, end)) = star else { return false };
                star = Some((star_at, end + 1));
                at = star_at + 1;
                seen = end + 1;
            }
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// Whether one of the patterns does.
pub fn any_matches<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>, text: &str) -> bool {
    patterns.into_iter().any(|pattern| matches(pattern.as_ref(), text))
}

/// Whether nobody may be called so, in whatever dialect he registers: there is one table of accounts.
pub fn is_banned_name(config: &Config, name: &str) -> bool {
    any_matches(&config.sso.bad_names, name) || any_matches(&config.regist.bad_names, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_the_whole_must_match() {
        for (pattern, text, expected) in [
            ("admin", "ADMIN", true),
            ("admin", "admin1", false),
            ("admin*", "admin1", true),
            ("*admin*", "the-Administrator", true),
            ("*@example.org", "a@EXAMPLE.org", true),
            ("*@example.org", "a@example.org.evil", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("192.168.*", "192.168.7.9", true),
            ("192.168.*", "192.16.8.9", false),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        let (pattern, text) = ("*a".repeat(500) + "b", "a".repeat(5_000));
        assert!(!matches(&pattern, &text));
        assert!(any_matches(["x", "y*"], "yes") && !any_matches::<&str>([], "yes"));
    }
}
