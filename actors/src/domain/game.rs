//! A game's rules: when registration is open and who may take part.

use chrono::{Datelike, NaiveDate};

use super::ids::{CompetitionId, GameId};
use super::money::Fen;
use super::registration::{Gender, Player, member};
use crate::error::{DomainError, Ineligible, Result};

/// What a registration is judged by. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    pub id: GameId,
    pub competition: CompetitionId,
    pub competition_title: String,
    pub name: String,
    pub price: Fen,
    /// 0 anybody, 1 men only, 2 women only.
    pub gender_req: i64,
    /// Years at the start of the game; 0 = no limit.
    pub min_age_req: i64,
    pub max_age_req: i64,
    pub start_time: i64,
    pub registration_open_at: Option<i64>,
    pub registration_close_at: Option<i64>,
}

impl Game {
    /// Errors: `RegistrationNotOpen`, `RegistrationOver`.
    pub fn check_window(&self, now_ms: i64) -> Result<()> {
        if self.registration_open_at.is_some_and(|open| now_ms < open) {
            return Err(DomainError::RegistrationNotOpen);
        }
        let close = self.registration_close_at.unwrap_or(self.start_time).min(self.start_time);
        if now_ms >= close {
            return Err(DomainError::RegistrationOver);
        }
        Ok(())
    }

    /// Whether registration is open at this moment.
    pub fn is_open(&self, now_ms: i64) -> bool {
        self.check_window(now_ms).is_ok()
    }

    /// `path` is the player's place in the request, such as `players[0]`, or empty as for `Player::new`.
    ///
    /// Errors: `NotEligible`.
    pub fn check_player(&self, player: &Player, path: &str) -> Result<()> {
        let refuse = |field: &str, why| Err(DomainError::NotEligible { field: member(path, field).into(), why });
        let gender_fits = match self.gender_req {
            1 => player.gender == Gender::Male,
            2 => player.gender == Gender::Female,
            _ => true,
        };
        if !gender_fits {
            return refuse("gender", Ineligible::Gender);
        }
        let age = age_on(player.birth_date, beijing_date(self.start_time));
        if self.min_age_req > 0 && age < self.min_age_req {
            return refuse("birth_date", Ineligible::TooYoung);
        }
        if self.max_age_req > 0 && age > self.max_age_req {
            return refuse("birth_date", Ineligible::TooOld);
        }
        Ok(())
    }
}

/// Full years between two dates; a birthday on 29 February counts from 1 March in other years.
pub fn age_on(birth: NaiveDate, day: NaiveDate) -> i64 {
    let had_birthday = (day.month(), day.day()) >= (birth.month(), birth.day());
    i64::from(day.year() - birth.year()) - i64::from(!had_birthday)
}

/// The calendar day in China at an instant.
pub fn beijing_date(ms: i64) -> NaiveDate {
    const EIGHT_HOURS_MS: i64 = 8 * 3_600_000;
    chrono::DateTime::from_timestamp_millis(ms.saturating_add(EIGHT_HOURS_MS)).unwrap_or_default().date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn age_turns_on_the_birthday() {
        assert_eq!(age_on(date("2000-05-10"), date("2020-05-09")), 19);
        assert_eq!(age_on(date("2000-05-10"), date("2020-05-10")), 20);
        assert_eq!(age_on(date("2004-02-29"), date("2022-02-28")), 17);
        assert_eq!(age_on(date("2004-02-29"), date("2022-03-01")), 18);
    }

    #[test]
    fn beijing_day_begins_at_16_utc() {
        assert_eq!(beijing_date(1_767_196_799_000), date("2025-12-31"));
        assert_eq!(beijing_date(1_767_196_800_000), date("2026-01-01"));
    }
}
