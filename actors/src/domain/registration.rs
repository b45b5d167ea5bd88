//! A player as a registration keeps him: every field checked, so that a `Player` is always a valid one.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::phone;
use super::visible::{self, Layout};
use crate::error::{DomainError, Result};

pub use super::birth_date::birth_date;
pub use super::certificate::{Certificate, CertificateType};

/// Players of one request.
pub const MOST_PLAYERS: usize = 100;

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
    /// As typed.
    pub certificate_no: String,
    /// As `phone::checked` keeps it.
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

/// Longest texts, in characters. Passports give names 39 letters a line; 254 is the longest mail address that can be sent to.
const MOST_NAME: usize = 64;
const MOST_EMAIL: usize = 254;
const MOST_PLACE: usize = 64;
const MOST_ADDRESS: usize = 128;
const MOST_ZIP: usize = 12;
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
            let seen =
                if required { visible::check_said(value, Layout::Line) } else { visible::check(value, Layout::Line) };
            seen.map_err(|fault| DomainError::field(member(path, field), fault.to_string()))?;
            Ok(value.to_owned())
        };
        let phone = |field: &str, value: &str| -> Result<String> {
            if value.trim().is_empty() {
                return Err(refuse(field, "is required"));
            }
            phone::checked(value).map_err(|reason| refuse(field, reason))
        };

        let kind = CertificateType::new(draft.certificate_type)
            .ok_or_else(|| refuse("certificate_type", "must be -1 to 5"))?;
        let name = text("name", &draft.name, true, MOST_NAME)?;
        let certificate = Certificate::new(kind, &draft.certificate_no)
            .map_err(|reason| DomainError::field(member(path, "certificate_no"), reason))?;
        let mobile = phone("mobile", &draft.mobile)?;
        let email = text("email", &draft.email, true, MOST_EMAIL)?;
        if !is_email(&email) {
            return Err(refuse("email", "must look like a@b"));
        }
        let gender = Gender::from_code(draft.gender).ok_or_else(|| refuse("gender", "must be 0 to 2"))?;
        let birth_date = birth_date(&draft.birth_date, today).map_err(|reason| refuse("birth_date", reason))?;
        if kind == CertificateType::IDENTITY_CARD {
            let (card_birth, card_gender) =
                certificate.identity_card().map_err(|reason| refuse("certificate_no", reason))?;
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
            certificate_no: draft.certificate_no.trim().to_owned(),
            mobile,
            email,
            country: text("country", &draft.country, true, MOST_PLACE)?,
            province: text("province", &draft.province, false, MOST_PLACE)?,
            city: text("city", &draft.city, false, MOST_PLACE)?,
            address1: text("address1", &draft.address1, false, MOST_ADDRESS)?,
            address2: text("address2", &draft.address2, false, MOST_ADDRESS)?,
            zip: text("zip", &draft.zip, false, MOST_ZIP)?,
            gender,
            birth_date,
            emergency_contact_name: text("emergency_contact_name", &draft.emergency_contact_name, true, MOST_NAME)?,
            emergency_contact_mobile: phone("emergency_contact_mobile", &draft.emergency_contact_mobile)?,
            t_shirt_size: draft.t_shirt_size,
            extra_info_json: extra.to_owned(),
        })
    }

    /// What stays of a player whose person was erased: a player that says nothing.
    pub fn erased() -> Self {
        Self {
            name: "***".to_owned(),
            certificate_type: CertificateType::NONE,
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
        Certificate::stored(self.certificate_type, &self.certificate_no)
    }
}

/// The wire name of a player's field.
pub(super) fn member(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
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
