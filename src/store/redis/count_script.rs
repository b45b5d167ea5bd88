//! The one script that decides over counts, and its keys: `matchday:limit:{GROUP}:RULE:HASH`. The braces keep the keys of a
//! decision on one machine of a Redis Cluster. A key lives no longer than its count matters, and its hash is keyed.

use std::sync::LazyLock;

use actors::counts::{Act, Count, CountKey, Rule, Verdict};
use redis::aio::ConnectionLike;
use redis::{ErrorKind, RedisError, RedisResult};
use sha1::{Digest, Sha1};

const TEXT: &str = include_str!("count.lua");
const KEY_PREFIX: &str = "matchday:limit:";

static NAME: LazyLock<String> = LazyLock::new(|| hex::encode(Sha1::digest(TEXT.as_bytes())));

pub const PROBE_GROUP: &str = "probe";
/// A count that only shows whether Redis decides.
pub const PROBE: Count = {
    let key = CountKey([0; 16]);
    Count { rule: Rule::new("probe", 1_000_000, 1), key, wide_key: key }
};

/// One decision, as `Counts::decide` describes it.
pub async fn decide(
    connection: &mut impl ConnectionLike,
    act: Act,
    group: &'static str,
    counts: &[Count],
) -> RedisResult<Verdict> {
    let outcome = match call("EVALSHA", &NAME, act, group, counts).query_async(connection).await {
        // Redis was restarted, or never saw the script.
        Err(error) if error.code() == Some("NOSCRIPT") => {
            call("EVAL", TEXT, act, group, counts).query_async(connection).await
        }
        outcome => outcome,
    };
    let (by, wait_us): (usize, i64) = outcome?;
    match by {
        0 => Ok(Verdict::Admitted),
        by if by <= counts.len() => Ok(Verdict::Refused { by: by - 1, wait_us }),
        _ => Err(RedisError::from((ErrorKind::UnexpectedReturnType, "a count that does not exist"))),
    }
}

fn call(command: &str, script: &str, act: Act, group: &str, counts: &[Count]) -> redis::Cmd {
    let mut call = redis::cmd(command);
    call.arg(script).arg(counts.len());
    for count in counts {
        call.arg(key(group, count));
    }
    call.arg(match act {
        Act::Take => "take",
        Act::Look => "look",
        Act::GiveBack => "give back",
    });
    for count in counts {
        call.arg(count.rule.window_us()).arg(count.rule.interval_us());
    }
    call
}

fn key(group: &str, count: &Count) -> String {
    format!("{KEY_PREFIX}{{{group}}}:{}:{}", count.rule.name, count.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_a_decision_share_their_hash_tag() {
        let count =
            |name| Count { rule: Rule::per_minute(name, 1), key: CountKey([0xab; 16]), wide_key: CountKey([0; 16]) };
        let hash = "ab".repeat(16);
        assert_eq!(key("sso", &count("address")), format!("matchday:limit:{{sso}}:address:{hash}"));
        assert_eq!(key("sso", &count("application")), format!("matchday:limit:{{sso}}:application:{hash}"));
    }
}
