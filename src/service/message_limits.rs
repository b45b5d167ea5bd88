//! How many codes are sent on a day: to one phone, from one address, for one account, and to everybody together. Counted
//! in SQL, in the transaction that makes the code: exact over nodes and restarts, because every message costs money.

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};

use super::address_key::AddressKey;
use super::known_addresses::{self, Subject};
use super::phones::Asker;
use super::sms_budget::{Budget, SmsBudget};
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::phones as store;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 86_400_000;
/// Days are those of Beijing.
const BEIJING_MS: i64 = 8 * 3_600_000;

/// The number of a day.
pub(super) fn day(now_ms: i64) -> i64 {
    (now_ms + BEIJING_MS).div_euclid(DAY_MS)
}

pub(super) fn retry_after(ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_seconds: seconds(ms) }
}

fn seconds(ms: i64) -> u32 {
    u32::try_from(ms.max(0) / 1000 + 1).unwrap_or(u32::MAX)
}

/// The limits that one message counts against.
pub(super) struct MessageLimits {
    enabled: bool,
    /// Keyed hash and most of a day. Always in the same order of kinds, so that two transactions never wait for each
    /// other in a circle.
    of_day: Vec<(String, i64)>,
    budget: SmsBudget,
    per_minute: i64,
    per_day: i64,
}

impl MessageLimits {
    /// Errors: `Busy` when it cannot be found out whether the address is known to the phone.
    pub async fn of(context: &Context, phone_key: &str, address: CallerAddress, asker: Asker) -> Result<Self> {
        let (sms, vault) = (&context.config.sms, &context.vault);
        let enabled = context.config.limits.enabled;
        let place = AddressKey::of(address);
        let key = |kind: &str, of: &str| vault.lookup_key(kind, of.as_bytes());
        let mut of_day = vec![
            (phone_key.to_owned(), sms.per_phone_per_day),
            (key("sms address", &place.to_string()), sms.per_address_per_day),
        ];
        match asker {
            Asker::SignedIn(account) => {
                of_day.push((key("sms account", &account.to_string()), sms.per_account_per_day));
                // Anybody can make an account. Strangers and accounts together leave the owner the rest.
                if enabled && !known_addresses::is_known(context, Subject::Phone(phone_key), address).await? {
                    of_day.push((key("sms accounts to", phone_key), sms.strangers_per_phone_per_day));
                }
            }
            Asker::Stranger => {
                // The owner of the phone also calls without a session; an address where they signed in before exempts them.
                if enabled && !known_addresses::is_known(context, Subject::Phone(phone_key), address).await? {
                    of_day.push((key("sms strangers to", phone_key), sms.strangers_per_phone_per_day));
                }
                of_day.push((key("sms strangers", &place.to_string()), sms.strangers_per_address_per_day));
                if let Some(site) = place.site() {
                    of_day.push((key("sms strangers network", &site.to_string()), sms.strangers_per_network_per_day));
                }
            }
        }
        Ok(Self {
            enabled,
            of_day: of_day.into_iter().map(|(key, most)| (key, most.into())).collect(),
            budget: context.sms_budget.clone(),
            per_minute: sms.per_minute.into(),
            per_day: sms.per_day.into(),
        })
    }

    /// Counts one message.
    ///
    /// Errors: `RateLimited`; `Busy` when a budget is used up, which is no fault of the caller. The transaction must be
    /// given up then.
    pub async fn count(&self, tx: &mut Tx, now_ms: i64) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        let (day, minute) = (day(now_ms), now_ms.div_euclid(MINUTE_MS));
        let day_left = (day + 1) * DAY_MS - BEIJING_MS - now_ms;
        for (key, most) in &self.of_day {
            if store::count_message(tx, day, key).await? > *most {
                return Err(retry_after(day_left));
            }
        }
        let minute_left = (minute + 1) * MINUTE_MS - now_ms;
        // Last, because all messages meet here: the rows are locked for the shortest time.
        for (budget, window, key, most, left) in [
            (Budget::Minute, minute, format!("all of minute {minute}"), self.per_minute, minute_left),
            (Budget::Day, day, "all".to_owned(), self.per_day, day_left),
        ] {
            if store::count_message(tx, day, &key).await? > most {
                self.budget.refuse(budget, window, most);
                return Err(DomainError::Busy { retry_after_seconds: seconds(left) });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_beijing() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        assert_eq!(day(at("2026-11-22T23:59:59+08:00")) + 1, day(at("2026-11-23T00:00:00+08:00")));
    }
}
