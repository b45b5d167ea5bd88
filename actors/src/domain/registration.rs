//! A player as a registration keeps him: every field checked, so that a `Player` is always a valid one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::{DomainError, Result};

/// Players of one request.
pub const MOST_PLAYERS: usize = 100;

/// -1 none, 0 mainland identity card, 1 passport, 2 military officer card, 3 Taiwan compatriot permit,
/// 4 Hong Kong / Macau travel permit, 5 Hong Kong / Macau home-return permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CertificateType(i64);

impl CertificateType {
    pub const IDENTITY_CARD: Self = Self(0);
    pub const MILITARY_CARD: Self = Self(2);

    pub fn new(code: i64) -> Option<Self> {
        (-1..=5).contains(&code).then_some(Self(code))
    }

    pub fn code(self) -> i64 {
        self.0
    }
}

/// What identifies a player: two registrations with the same certificate are the same person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Certificate {
    pub kind: CertificateType,
    /// Upper case, without blanks around it.
    pub number: String,
}

impl Certificate {
    /// At most 20 letters A to Z, digits and `-()/`; military cards also carry Chinese characters. Full-width forms and
    /// lower case are folded, so that one number has one spelling; look-alikes of other alphabets are refused. An
    /// identity card's check digit must hold. `Err` is the reason.
    pub fn new(kind: CertificateType, number: &str) -> std::result::Result<Self, &'static str> {
        let number: String = number.trim().chars().map(fold_width).map(|letter| letter.to_ascii_uppercase()).collect();
        if number.is_empty() || number.chars().count() > 20 {
            return Err("1 to 20 characters");
        }
        let chinese =
            |letter: char| kind == CertificateType::MILITARY_CARD && ('\u{4e00}'..='\u{9fff}').contains(&letter);
        if !number.chars().all(|letter| letter.is_ascii_alphanumeric() || "-()/".contains(letter) || chinese(letter)) {
            return Err("letters A to Z and digits only");
        }
        if kind == CertificateType::IDENTITY_CARD {
            identity_card(&number)?;
        }
        Ok(Self { kind, number })
    }

    /// The number as most eyes may see it: `440***********7510`, nothing of those of 8 characters and less.
    pub fn masked(&self) -> String {
        super::phone::masked(&self.number)
    }

    /// The text that its keyed hash is made of.
    pub fn lookup_text(&self) -> String {
        format!("{}|{}", self.kind.code(), self.number)
    }
}

/// `Ａ１（` → `A1(`: what Chinese keyboards type for the same characters.
fn fold_width(letter: char) -> char {
    match u32::from(letter) {
        code @ 0xff01..=0xff5e => char::from_u32(code - 0xfee0).unwrap_or(letter),
        0x3000 => ' ',
        _ => letter,
    }
}

/// Birth date and gender that an 18-digit identity number carries.
fn identity_card(number: &str) -> std::result::Result<(NaiveDate, Gender), &'static str> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const CHECKS: &[u8; 11] = b"10X98765432";
    let bytes: &[u8; 18] = number.as_bytes().try_into().map_err(|_| "must have 18 digits")?;
    let (digits, check) = bytes.split_at(17);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err("must have 18 digits");
    }
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    if check[0] != CHECKS[(sum % 11) as usize] {
        return Err("check digit is wrong");
    }
    let birth = NaiveDate::parse_from_str(&number[6..14], "%Y%m%d").map_err(|_| "carries no date")?;
    let gender = if (digits[16] - b'0') % 2 == 1 { Gender::Male } else { Gender::Female };
    Ok((birth, gender))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gender {
    None,
    Male,
    Female,
}

impl Gender {
    pub fn code(self) -> i64 {
        match self {
            Self::None => 0,
            Self::Male => 1,
            Self::Female => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Self> {
        [Self::None, Self::Male, Self::Female].into_iter().find(|gender| gender.code() == code)
    }
}

/// A player's fields as they came, before they are checked. Absent optional texts are "".
#[derive(Debug, Clone, Default)]
pub struct PlayerDraft {
    pub name: String,
    pub certificate_type: i64,
    pub certificate_no: String,
    pub mobile: String,
    pub email: String,
    pub country: String,
    pub province: String,
    pub city: String,
    pub address1: String,
    pub address2: String,
    pub zip: String,
    pub gender: i64,
    /// `YYYY-MM-DD`, a time behind it is ignored.
    pub birth_date: String,
    pub emergency_contact_name: String,
    pub emergency_contact_mobile: String,
    pub t_shirt_size: i64,
    pub extra_info_json: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Player {
    pub name: String,
    pub certificate_type: CertificateType,
    pub certificate_no: String,
    pub mobile: String,
    pub email: String,
    pub country: String,
    pub province: String,
    pub city: String,
    pub address1: String,
    pub address2: String,
    pub zip: String,
    pub gender: Gender,
    pub birth_date: NaiveDate,
    pub emergency_contact_name: String,
    pub emergency_contact_mobile: String,
    pub t_shirt_size: i64,
    pub extra_info_json: String,
}

/// The largest `extra_info_json`, in bytes.
const MOST_EXTRA_INFO: usize = 4096;

impl Player {
    /// Checks every field. `path` is the player's place in the request (`players[2]`), empty when the fields are the
    /// request's own members; `today` is the day in China.
    ///
    /// Errors: `InvalidField` naming the first member that is wrong.
    pub fn new(draft: PlayerDraft, path: &str, today: NaiveDate) -> Result<Self> {
        let refuse = |field: &str, reason: &'static str| DomainError::field(member(path, field), reason);
        let text = |field: &str, value: &str, required: bool, most: usize| -> Result<String> {
            let value = value.trim();
            if required && value.is_empty() {
                return Err(refuse(field, "is required"));
            }
            if value.chars().count() > most {
                return Err(DomainError::field(member(path, field), format!("at most {most} characters")));
            }
            if value.chars().any(is_hidden) {
                return Err(refuse(field, "no control characters"));
            }
            Ok(value.to_owned())
        };
        let phone = |field: &str, value: &str| -> Result<String> {
            let value = text(field, value, true, 18)?;
            if is_phone(&value) { Ok(value) } else { Err(refuse(field, "digits and dashes, 6 to 18")) }
        };

        let kind = CertificateType::new(draft.certificate_type)
            .ok_or_else(|| refuse("certificate_type", "must be -1 to 5"))?;
        let name = text("name", &draft.name, true, 32)?;
        let certificate =
            Certificate::new(kind, &draft.certificate_no).map_err(|reason| refuse("certificate_no", reason))?;
        let mobile = phone("mobile", &draft.mobile)?;
        let email = text("email", &draft.email, true, 32)?;
        if !is_email(&email) {
            return Err(refuse("email", "must look like a@b"));
        }
        let gender = Gender::from_code(draft.gender).ok_or_else(|| refuse("gender", "must be 0 to 2"))?;
        let birth_date =
            parse_date(&draft.birth_date).ok_or_else(|| refuse("birth_date", "must be a date, YYYY-MM-DD"))?;
        if birth_date >= today {
            return Err(refuse("birth_date", "must be in the past"));
        }
        if kind == CertificateType::IDENTITY_CARD {
            let (card_birth, card_gender) =
                identity_card(&certificate.number).map_err(|reason| refuse("certificate_no", reason))?;
            if card_birth != birth_date {
                return Err(refuse("birth_date", "does not agree with the certificate"));
            }
            if card_gender != gender {
                return Err(refuse("gender", "does not agree with the certificate"));
            }
        }
        if !(0..=8).contains(&draft.t_shirt_size) {
            return Err(refuse("t_shirt_size", "must be 0 to 8"));
        }
        let extra = draft.extra_info_json.trim();
        if extra.len() > MOST_EXTRA_INFO {
            return Err(refuse("extra_info_json", "at most 4096 bytes"));
        }
        if !extra.is_empty() && serde_json::from_str::<serde::de::IgnoredAny>(extra).is_err() {
            return Err(refuse("extra_info_json", "must hold JSON"));
        }
        Ok(Self {
            name,
            certificate_type: kind,
            certificate_no: certificate.number,
            mobile,
            email,
            country: text("country", &draft.country, true, 32)?,
            province: text("province", &draft.province, false, 32)?,
            city: text("city", &draft.city, false, 32)?,
            address1: text("address1", &draft.address1, false, 32)?,
            address2: text("address2", &draft.address2, false, 32)?,
            zip: text("zip", &draft.zip, false, 6)?,
            gender,
            birth_date,
            emergency_contact_name: text("emergency_contact_name", &draft.emergency_contact_name, true, 32)?,
            emergency_contact_mobile: phone("emergency_contact_mobile", &draft.emergency_contact_mobile)?,
            t_shirt_size: draft.t_shirt_size,
            extra_info_json: extra.to_owned(),
        })
    }

    /// What stays of a player whose person was erased: a player that says nothing.
    pub fn erased() -> Self {
        Self {
            name: "***".to_owned(),
            certificate_type: CertificateType(-1),
            certificate_no: String::new(),
            mobile: String::new(),
            email: String::new(),
            country: String::new(),
            province: String::new(),
            city: String::new(),
            address1: String::new(),
            address2: String::new(),
            zip: String::new(),
            gender: Gender::None,
            birth_date: NaiveDate::default(),
            emergency_contact_name: String::new(),
            emergency_contact_mobile: String::new(),
            t_shirt_size: 0,
            extra_info_json: String::new(),
        }
    }

    pub fn certificate(&self) -> Certificate {
        Certificate { kind: self.certificate_type, number: self.certificate_no.clone() }
    }
}

/// The wire name of a player's field.
pub(super) fn member(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

/// Control characters, and those that turn the direction of what follows: a name may not rewrite a list it stands in.
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `^\+?[0-9-]{6,18}$`, with the plus counted in the field's 18 characters.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (6..=18).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// One @ with text on both sides, no blanks.
fn is_email(text: &str) -> bool {
    match text.split_once('@') {
        Some((local, host)) => {
            !local.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
        }
        None => false,
    }
}

/// `YYYY-MM-DD`, or that with a time behind it.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let day = text.get(..10)?;
    let rest = &text[10..];
    let time_is_well_formed = rest.is_empty()
        || chrono::NaiveTime::parse_from_str(rest.trim_start_matches([' ', 'T']), "%H:%M:%S").is_ok()
        || chrono::DateTime::parse_from_rfc3339(text).is_ok();
    if !time_is_well_formed || !day.as_bytes()[..4].iter().all(u8::is_ascii_digit) {
        return None;
    }
    NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()
}

/// `XXS` … `XXXL` or their numbers 1 … 8; 0 and "" mean none.
pub fn parse_shirt_size(text: &str) -> Option<i64> {
    const LETTERS: [&str; 8] = ["XXS", "XS", "S", "M", "L", "XL", "XXL", "XXXL"];
    let text = text.trim();
    if text.is_empty() {
        return Some(0);
    }
    if let Some(index) = LETTERS.iter().position(|letters| letters.eq_ignore_ascii_case(text)) {
        return i64::try_from(index + 1).ok();
    }
    text.parse().ok().filter(|size| (0..=8).contains(size))
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
