//! Limits per person and address on expensive calls. Counted in this process; switched off as a whole for load tests
//! and private networks.

use std::hash::Hash;
use std::num::NonZeroU32;

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::attempts::address_key;
use crate::config::Limits as Settings;

/// Keys a limiter may remember. With more active at once nobody is limited until the housekeeping loop tidies, at most
/// a minute later: memory stays bounded, and what the limits protect has bounds of its own.
const MOST_KEYS: usize = 200_000;

const FEEDS_PER_MINUTE: u32 = 10;

pub struct RateLimits {
    enabled: bool,
    sign_in: Limit<CallerAddress>,
    enqueue: Limit<AccountId>,
    certificate_query: Limit<AccountId>,
    feed: Limit<AccountId>,
    sso_app: Limit<i64>,
    sso_address: Limit<String>,
}

struct Limit<K: Hash + Eq + Clone> {
    limiter: DefaultKeyedRateLimiter<K>,
    clock: DefaultClock,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn per_minute(count: u32) -> Self {
        let count = NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self { limiter: RateLimiter::keyed(Quota::per_minute(count)), clock: DefaultClock::default() }
    }

    fn check(&self, key: &K) -> Result<()> {
        if self.limiter.len() > MOST_KEYS {
            // Tidying walks all keys; doing it here would make every request of a flood pay for it.
            return Ok(());
        }
        self.limiter.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now()).as_secs() + 1;
            DomainError::RateLimited { retry_after_seconds: u32::try_from(wait).unwrap_or(u32::MAX) }
        })
    }

    fn tidy(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl RateLimits {
    /// Questions of SSO that one network address may ask in a minute, and one application.
    pub fn new(settings: &Settings, checks_per_address: u32, checks_per_application: u32) -> Self {
        Self {
            enabled: settings.enabled,
            sign_in: Limit::per_minute(settings.logins_per_minute_per_address),
            enqueue: Limit::per_minute(settings.enqueues_per_minute_per_account),
            certificate_query: Limit::per_minute(settings.certificate_queries_per_minute),
            feed: Limit::per_minute(FEEDS_PER_MINUTE),
            sso_app: Limit::per_minute(checks_per_application),
            sso_address: Limit::per_minute(checks_per_address),
        }
    }

    /// Errors (all): `RateLimited` with the seconds to wait.
    pub fn sign_in(&self, address: CallerAddress) -> Result<()> {
        if self.enabled { self.sign_in.check(&address) } else { Ok(()) }
    }

    pub fn enqueue(&self, account: AccountId) -> Result<()> {
        if self.enabled { self.enqueue.check(&account) } else { Ok(()) }
    }

    pub fn certificate_query(&self, account: AccountId) -> Result<()> {
        if self.enabled { self.certificate_query.check(&account) } else { Ok(()) }
    }

    /// Letters to the organiser.
    pub fn feed(&self, account: AccountId) -> Result<()> {
        if self.enabled { self.feed.check(&account) } else { Ok(()) }
    }

    /// Questions whether a name or a mail address has an account.
    pub fn sso_check(&self, app: i64, address: CallerAddress) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        self.sso_address.check(&address_key(address))?;
        self.sso_app.check(&app)
    }

    /// Forgets who has not called lately. Called now and then by the housekeeping loop.
    pub fn tidy(&self) {
        self.sign_in.tidy();
        self.enqueue.tidy();
        self.certificate_query.tidy();
        self.feed.tidy();
        self.sso_app.tidy();
        self.sso_address.tidy();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(enabled: bool) -> RateLimits {
        RateLimits::new(
            &Settings {
                enabled,
                logins_per_minute_per_address: 3,
                enqueues_per_minute_per_account: 2,
                certificate_queries_per_minute: 1,
                event_streams: 1,
                event_streams_per_address: 1,
                bundle_downloads: 1,
                bundle_downloads_per_address: 1,
            },
            2,
            3,
        )
    }

    #[test]
    fn limit_is_per_key_and_says_when_to_come_back() {
        let limits = limits(true);
        assert_eq!(limits.enqueue(AccountId(1)), Ok(()));
        assert_eq!(limits.enqueue(AccountId(1)), Ok(()));
        assert!(matches!(limits.enqueue(AccountId(1)), Err(DomainError::RateLimited { retry_after_seconds: 1..=31 })));
        assert_eq!(limits.enqueue(AccountId(2)), Ok(()));
    }

    #[test]
    fn questions_are_counted_by_application_and_by_address() {
        let limits = limits(true);
        let address = |text: &str| CallerAddress::known(text.parse().unwrap());
        for (app, from, may) in [
            (1, "10.0.0.1", true),
            (1, "10.0.0.1", true),
            // The address asked twice, and its refused questions are not the application's.
            (1, "10.0.0.1", false),
            (1, "10.0.0.1", false),
            (1, "10.0.0.2", true),
            (1, "10.0.0.3", false),
            (2, "10.0.0.4", true),
        ] {
            assert_eq!(limits.sso_check(app, address(from)).is_ok(), may, "{app} {from}");
        }
    }

    #[test]
    fn switched_off_nothing_is_limited() {
        let limits = limits(false);
        for _ in 0..100 {
            assert_eq!(limits.certificate_query(AccountId(1)), Ok(()));
        }
    }
}
