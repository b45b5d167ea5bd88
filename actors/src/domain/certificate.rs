//! The certificate that identifies a player: two registrations with it are one person, however it was written.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::registration::Gender;
use super::visible::{self, Layout};

/// Longest number as typed, in characters.
const MOST_TYPED: usize = 20;

/// -1 none, 0 mainland identity card, 1 passport, 2 military officer card, 3 Taiwan compatriot permit,
/// 4 Hong Kong / Macau travel permit, 5 Hong Kong / Macau home-return permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateType(i64);

impl CertificateType {
    pub const NONE: Self = Self(-1);
    pub const IDENTITY_CARD: Self = Self(0);
    pub const MILITARY_CARD: Self = Self(2);

    pub fn new(code: i64) -> Option<Self> {
        (-1..=5).contains(&code).then_some(Self(code))
    }

    pub fn code(self) -> i64 {
        self.0
    }
}

/// A certificate as it is compared and looked up. What was typed is kept with the player.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    pub kind: CertificateType,
    /// Its letters and digits, in one width and in upper case.
    pub number: String,
}

impl Certificate {
    /// At most 20 characters: letters A to Z and digits in any width, and between them blanks, dashes and `()/._·`, which say
    /// nothing about the person. Military cards also carry Chinese characters. Look-alikes of other alphabets are refused. An
    /// identity card's check digit must hold.
    ///
    /// Errors: the reason.
    pub fn new(kind: CertificateType, typed: &str) -> Result<Self, String> {
        let typed = typed.trim();
        if typed.is_empty() || typed.chars().count() > MOST_TYPED {
            return Err("1 to 20 characters".to_owned());
        }
        visible::check(typed, Layout::Line).map_err(|fault| fault.to_string())?;
        let chinese =
            |letter: char| kind == CertificateType::MILITARY_CARD && ('\u{4e00}'..='\u{9fff}').contains(&letter);
        if !typed.nfkc().all(|letter| letter.is_ascii_alphanumeric() || is_mark(letter) || chinese(letter)) {
            return Err("letters A to Z and digits only, blanks and -()/._· between them".to_owned());
        }
        let certificate = Self::stored(kind, typed);
        if certificate.number.is_empty() {
            return Err("must have a letter or a digit".to_owned());
        }
        // Compatibility forms unfold: one character may stand for four.
        if certificate.number.chars().count() > MOST_TYPED {
            return Err("1 to 20 characters".to_owned());
        }
        if kind == CertificateType::IDENTITY_CARD {
            certificate.identity_card()?;
        }
        Ok(certificate)
    }

    /// Of a number that was checked before.
    pub fn stored(kind: CertificateType, typed: &str) -> Self {
        let number = typed.nfkc().flat_map(char::to_uppercase).filter(|letter| letter.is_alphanumeric()).collect();
        Self { kind, number }
    }

    /// The text that its keyed hash is made of.
    pub fn lookup_text(&self) -> String {
        format!("{}|{}", self.kind.code(), self.number)
    }

    /// Birth date and gender that an 18-digit identity number carries.
    ///
    /// Errors: the reason.
    pub(super) fn identity_card(&self) -> Result<(NaiveDate, Gender), &'static str> {
        const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        const CHECKS: &[u8; 11] = b"10X98765432";
        let bytes: &[u8; 18] = self.number.as_bytes().try_into().map_err(|_| "must have 18 digits")?;
        let (digits, check) = bytes.split_at(17);
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err("must have 18 digits");
        }
        let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        if check[0] != CHECKS[(sum % 11) as usize] {
            return Err("check digit is wrong");
        }
        let birth = NaiveDate::parse_from_str(&self.number[6..14], "%Y%m%d").map_err(|_| "carries no date")?;
        let gender = if (digits[16] - b'0') % 2 == 1 { Gender::Male } else { Gender::Female };
        Ok((birth, gender))
    }
}

/// Marks that people and offices write between letters and digits, after compatibility forms are folded.
fn is_mark(letter: char) -> bool {
    matches!(letter, ' ' | '-' | '(' | ')' | '/' | '.' | '_' | '·' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passport(text: &str) -> Result<Certificate, String> {
        Certificate::new(CertificateType::new(1).unwrap(), text)
    }

    #[test]
    fn one_certificate_is_one_person_however_it_is_written() {
        for same in [
            "E7654321",
            "e7654321",
            " Ｅ７６５4321 ",
            "E7654321-",
            "(E7654321)",
            "（E7654321）",
            "E 7654321",
            "E\u{a0}765\u{3000}4321",
            "E-765-4321",
            "E–7654321",
            "E\u{2011}7654321",
            "E－7654321",
            "E−7654321",
            "E.765.4321",
            "E·7654321",
            "E_7654321",
            "E/7654321",
        ] {
            assert_eq!(passport(same).unwrap().lookup_text(), "1|E7654321", "{same}");
        }
        let card = Certificate::new(CertificateType::IDENTITY_CARD, "１１０１０５１９４９１２３１００２ｘ").unwrap();
        assert_eq!(card.number, "11010519491231002X");
        assert_eq!(Certificate::new(CertificateType::IDENTITY_CARD, "110105 19491231 002x"), Ok(card));
        let military = |text| Certificate::new(CertificateType::MILITARY_CARD, text).unwrap().number;
        assert_eq!(military("南字第01234567号"), military("南字第 01234567 号"));
        assert_ne!(passport("E7654321"), Certificate::new(CertificateType::MILITARY_CARD, "E7654321"));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "",
            " ",
            "-",
            "()",
            "（）",
            "---",
            "\u{415}7654321",
            "ß1",
            "İ1",
            "中文",
            "١٢٣",
            "E76***21",
            "E\u{202e}1",
            "E\u{200b}1",
            "7\u{301}",
            "½1",
            "E,1",
            "123456789012345678901",
        ] {
            assert!(passport(bad).is_err(), "{bad:?}");
        }
        assert!(passport("E\u{202e}1").unwrap_err().contains("U+202E"));
        for (bad, reason) in
            [("110105194912310021", "check digit is wrong"), ("1101051949123100", "must have 18 digits")]
        {
            assert_eq!(Certificate::new(CertificateType::IDENTITY_CARD, bad), Err(reason.to_owned()));
        }
    }
}
