//! Counts tries per key in fixed windows, in bounded memory. Forgotten at a restart and when too many keys are tried at
//! once, so it slows guessing down and is nobody's only guard.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};
use quick_cache::sync::Cache;

/// Keys that are remembered; the least used are forgotten first.
const KEYS: usize = 20_000;

pub struct Attempts {
    window_ms: i64,
    /// High half: the window's number; low half: tries in it.
    tries: Cache<String, Arc<AtomicU64>>,
}

impl Attempts {
    pub fn new(window_seconds: u32) -> Self {
        Self { window_ms: i64::from(window_seconds) * 1000, tries: Cache::new(KEYS) }
    }

    /// Counts one try of `key`. Errors: `RateLimited` when `most` were made in the window of `now_ms`.
    pub fn take(&self, key: &str, most: u32, now_ms: i64) -> Result<()> {
        let window = self.window(now_ms);
        let cell = self.cell(key);
        let taken = cell.fetch_update(Ordering::AcqRel, Ordering::Acquire, |packed| {
            let tries = tries_in(packed, window);
            (tries < most).then(|| pack(window, tries + 1))
        });
        taken.map(drop).map_err(|_| self.refusal(now_ms))
    }

    /// Whether a further try of `key` would be refused. Errors: `RateLimited`.
    pub fn check(&self, key: &str, most: u32, now_ms: i64) -> Result<()> {
        let tries = self.tries.get(key).map_or(0, |cell| tries_in(cell.load(Ordering::Acquire), self.window(now_ms)));
        if tries < most { Ok(()) } else { Err(self.refusal(now_ms)) }
    }

    fn window(&self, now_ms: i64) -> u32 {
        // Wraps after centuries; only equality matters.
        (now_ms / self.window_ms) as u32
    }

    fn cell(&self, key: &str) -> Arc<AtomicU64> {
        self.tries
            .get_or_insert_with::<_, std::convert::Infallible>(key, || Ok(Arc::default()))
            .unwrap_or_else(|never| match never {})
    }

    fn refusal(&self, now_ms: i64) -> DomainError {
        let left = self.window_ms - now_ms.rem_euclid(self.window_ms);
        DomainError::RateLimited { retry_after_seconds: u32::try_from(left / 1000 + 1).unwrap_or(u32::MAX) }
    }
}

fn pack(window: u32, tries: u32) -> u64 {
    u64::from(window) << 32 | u64::from(tries)
}

fn tries_in(packed: u64, window: u32) -> u32 {
    if (packed >> 32) as u32 == window { packed as u32 } else { 0 }
}

/// What one person at an address is counted by: an IPv6 household owns a whole /64. All callers without a known address
/// are one.
pub fn address_key(address: CallerAddress) -> String {
    match address.ip() {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("{:x}", address.to_bits() >> 64),
        None => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_refused_over_the_limit_until_the_window_ends() {
        let attempts = Attempts::new(60);
        let now = 120_000;
        for _ in 0..3 {
            attempts.check("a", 3, now).unwrap();
            attempts.take("a", 3, now).unwrap();
        }
        let refused = DomainError::RateLimited { retry_after_seconds: 51 };
        assert_eq!(attempts.take("a", 3, now + 10_000), Err(refused.clone()));
        assert_eq!(attempts.check("a", 3, now + 10_000), Err(refused));
        assert_eq!(attempts.take("b", 3, now), Ok(()));
        assert_eq!(attempts.take("a", 3, now + 60_000), Ok(()));
    }

    #[test]
    fn an_ipv6_household_is_one_key() {
        let key = |text: &str| address_key(CallerAddress::known(text.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }

    #[test]
    fn callers_without_an_address_are_one_key_of_their_own() {
        let unknown = address_key(CallerAddress::Unknown);
        assert_eq!(unknown, address_key(CallerAddress::Unknown));
        for known in ["0.0.0.0", "::", "127.0.0.1"] {
            assert_ne!(unknown, address_key(CallerAddress::known(known.parse().unwrap())));
        }
    }
}
