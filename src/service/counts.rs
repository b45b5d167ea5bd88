//! How many of something each caller has open: counted up to a limit, and forgotten at zero, so that a map of counts holds
//! no more keys than there are open things.

use std::collections::HashMap;
use std::hash::Hash;

use actors::error::{DomainError, Result};

/// How long somebody with too many is told to wait.
const RETRY_AFTER_SECONDS: u32 = 30;

/// Errors: `RateLimited` when `key` has `limit` already; nothing is counted then.
pub fn count<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K, limit: u32) -> Result<()> {
    let count = counts.entry(key).or_default();
    if *count >= limit {
        return Err(DomainError::RateLimited { retry_after_seconds: RETRY_AFTER_SECONDS });
    }
    *count += 1;
    Ok(())
}

pub fn discount<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_the_limit_and_who_has_none_is_forgotten() {
        let mut counts = HashMap::new();
        assert!(count(&mut counts, "a", 2).is_ok() && count(&mut counts, "a", 2).is_ok());
        assert!(count(&mut counts, "a", 2).is_err() && count(&mut counts, "b", 2).is_ok());
        discount(&mut counts, "a");
        assert!(count(&mut counts, "a", 2).is_ok());
        for key in ["a", "a", "b", "unknown"] {
            discount(&mut counts, key);
        }
        assert!(counts.is_empty());
    }
}
