//! Made-up people who want to run: valid in every field, never the same certificate twice.

use std::fmt::Write as _;

/// Passport numbers hold at most 20 characters.
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// A run's own space of passport numbers, so that a second run against the same database does not meet the first.
#[derive(Debug, Clone, Copy)]
pub struct Passports {
    run: u32,
}

impl Passports {
    pub fn new(run: u32) -> Self {
        Self { run }
    }

    /// `E`, seven digits of the run and eight of the person, in base 36.
    pub fn number(self, person: u32) -> String {
        let mut number = String::with_capacity(16);
        number.push('E');
        push_base36(&mut number, self.run, 7);
        push_base36(&mut number, person, 8);
        number
    }
}

fn push_base36(out: &mut String, value: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = u64::from(value) / 36_u64.pow(place) % 36;
        out.push(char::from(DIGITS[usize::try_from(digit).unwrap_or(0)]));
    }
}

/// Replaces `out` by the body of a RegGetQueueToken for `group` people, of whom the first is number `first`.
pub fn enqueue_body(out: &mut String, game: i64, passports: Passports, first: u32, group: u32) {
    out.clear();
    // Writing to a String cannot fail.
    let _ = write!(out, r#"{{"cmd":"RegGetQueueToken","game_id":"{game}","players":["#);
    for member in 0..group {
        let person = first + member;
        let comma = if member == 0 { "" } else { "," };
        let (passport, gender) = (passports.number(person), 1 + person % 2);
        let (year, day) = (1960 + person % 40, 1 + person % 28);
        let _ = write!(
            out,
            r#"{comma}{{"name":"Runner {person}","certificate_type":1,"certificate_no":"{passport}","mobile":"139{:08}","email":"runner{person}@example.org","country":"China","province":"","city":"Shenzhen","address1":"","address2":"","zip":"518000","gender":{gender},"birth_date":"{year}-06-{day:02}","emergency_contact_name":"Contact {person}","emergency_contact_mobile":"138{:08}","t_shirt_size":4,"extra_info_json":"{{}}"}}"#,
            person % 100_000_000,
            person % 100_000_000,
        );
    }
    out.push_str("]}");
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn passports_are_unique_and_short() {
        let mut seen = HashSet::new();
        for run in [0, 1, u32::MAX] {
            for person in [0, 1, 35, 36, 1_000_000, u32::MAX] {
                let number = Passports::new(run).number(person);
                assert!(number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                assert!(seen.insert(number));
            }
        }
    }

    #[test]
    fn body_is_json_with_every_required_field() {
        let mut body = String::new();
        enqueue_body(&mut body, 7, Passports::new(3), 100, 2);
        let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(parsed["cmd"], "RegGetQueueToken");
        assert_eq!(parsed["game_id"], "7");
        let players = parsed["players"].as_array().unwrap();
        assert_eq!(players.len(), 2);
        assert_ne!(players[0]["certificate_no"], players[1]["certificate_no"]);
        for field in [
            "name",
            "certificate_type",
            "certificate_no",
            "mobile",
            "email",
            "country",
            "gender",
            "birth_date",
            "emergency_contact_name",
            "emergency_contact_mobile",
        ] {
            assert!(!players[1][field].is_null(), "{field}");
        }
        for text in ["name", "email", "country", "emergency_contact_name"] {
            assert!(players[1][text].as_str().unwrap().len() <= 32, "{text}");
        }
    }
}
