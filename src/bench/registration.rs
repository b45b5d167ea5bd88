//! The calls a registrant makes: sign in, take a queue token, ask for its state. Encodes requests and reads answers.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::http::{self, HttpConnection};
use super::target::Target;

const TOO_FAST: i64 = 10010;
const HTTP_TOO_MANY_REQUESTS: u16 = 429;

/// Answers that were no success, by what they were.
pub type Refusals = BTreeMap<String, u64>;

pub fn merge(into: &mut Refusals, from: Refusals) {
    for (name, count) in from {
        *into.entry(name).or_default() += count;
    }
}

/// The answer of the command dialect, as far as a load generator reads it.
#[derive(Debug, Clone, Deserialize, PartialEq)]
pub struct Reply {
    pub result: i64,
    #[serde(default)]
    pub msg: String,
    #[serde(default)]
    pub token: String,
    #[serde(default)]
    pub queue_state: i64,
    #[serde(default)]
    pub order_no: String,
    /// How many wait ahead, the token itself included.
    #[serde(default)]
    pub count: i64,
    #[serde(default)]
    pub query_interval: f64,
    #[serde(default)]
    pub retry_after: Option<f64>,
}

impl Reply {
    /// Result of an overloaded server: nothing was taken, try again.
    pub const BUSY: i64 = -1000;

    pub fn waiting(&self) -> bool {
        self.result == 0 && self.queue_state == 0
    }

    /// When the pages would ask again: at least a second, whatever the server says.
    pub fn query_interval(&self) -> Duration {
        Duration::from_secs_f64(self.query_interval.clamp(1.0, 3_600.0))
    }

    /// Refused for now: nothing was taken, and the server says when to come back.
    pub fn busy(&self) -> Option<Duration> {
        let seconds = self.retry_after.filter(|_| self.result == Self::BUSY)?;
        Some(Duration::from_secs_f64(seconds.clamp(0.0, 3_600.0)))
    }

    /// Pause before a refused request is worth repeating, between 10 ms and 5 s.
    pub fn pause(&self) -> Duration {
        let seconds = self.retry_after.unwrap_or(0.1).clamp(0.01, 5.0);
        Duration::from_secs_f64(seconds)
    }
}

/// The outcome of a token in words; `None` while it waits.
pub fn outcome_name(queue_state: i64) -> Option<&'static str> {
    match queue_state {
        0 => None,
        1 => Some("ordered"),
        2 => Some("full"),
        3 => Some("failed"),
        4 => Some("already registered"),
        _ => Some("other state"),
    }
}

#[derive(Deserialize)]
struct SignedIn {
    token: String,
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    msg: String,
    #[serde(default)]
    error_code: i64,
}

/// Signs in the sandbox's person `bench-<number>` and returns the session token.
///
/// # Errors
/// The server is not reachable, has no sandbox sign-in, or limits sign-ins.
pub async fn sign_in(connection: &mut HttpConnection, target: &Target, number: u32) -> anyhow::Result<String> {
    let mut request = Vec::new();
    let body = format!(r#"{{"code":"sandbox:bench-{number}"}}"#);
    http::post_json(&mut request, &target.authority, "/api/v1/token/user", None, &body);
    let response =
        connection.exchange(&request).await.with_context(|| format!("cannot sign in at {}", target.authority))?;
    if let Ok(signed_in) = serde_json::from_slice::<SignedIn>(response.body) {
        return Ok(signed_in.token);
    }
    let refusal: Refusal = serde_json::from_slice(response.body).unwrap_or_default();
    if refusal.error_code == TOO_FAST || response.status == HTTP_TOO_MANY_REQUESTS {
        bail!(
            "too fast: the server limits sign-ins per address; start it with MATCHDAY__LIMITS__ENABLED=false for a load test"
        );
    }
    bail!(
        "sign-in refused with HTTP {} / {} ({}); the load generator needs the sandbox provider (MATCHDAY__WECHAT__PROVIDER=sandbox)",
        response.status,
        refusal.error_code,
        refusal.msg
    )
}

/// Signs in `accounts` people over a few connections at once.
pub async fn sign_in_all(target: &Target, accounts: u32, limit: Duration) -> anyhow::Result<Vec<String>> {
    const CONNECTIONS: u32 = 8;
    let lane = |first: u32| async move {
        let mut connection = HttpConnection::new(target.clone(), limit);
        let mut tokens = Vec::new();
        let mut number = first;
        while number < accounts {
            tokens.push((number, sign_in(&mut connection, target, number).await?));
            number += CONNECTIONS;
        }
        anyhow::Ok(tokens)
    };
    let lanes = futures_util::future::try_join_all((0..CONNECTIONS).map(lane)).await?;
    let mut tokens: Vec<(u32, String)> = lanes.into_iter().flatten().collect();
    tokens.sort_unstable_by_key(|(number, _)| *number);
    Ok(tokens.into_iter().map(|(_, token)| token).collect())
}

/// Replaces `out` by a poll of `queue_token`.
pub fn poll_request(out: &mut Vec<u8>, target: &Target, session: &str, queue_token: &str) {
    let body = format!(r#"{{"cmd":"RegQueryQueueTokenState","token":"{queue_token}"}}"#);
    http::post_json(out, &target.authority, "/api/reg", Some(session), &body);
}

/// One command; an error is what it is counted under.
pub async fn ask(connection: &mut HttpConnection, request: &[u8]) -> Result<Reply, String> {
    let response = connection.exchange(request).await.map_err(|error| error.to_string())?;
    serde_json::from_slice(response.body).map_err(|_| format!("HTTP {} without a result", response.status))
}

/// The code and the first line of its text, which does not depend on the request.
pub fn refusal_name(reply: &Reply) -> String {
    let text = reply.msg.lines().next().unwrap_or_default();
    format!("result {} {text}", reply.result).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_with_and_without_extras() {
        let waiting: Reply =
            serde_json::from_str(r#"{"result":0,"msg":"","token":"a","queue_state":0,"count":12,"query_interval":3}"#)
                .unwrap();
        assert!(waiting.waiting() && waiting.count == 12);
        let busy: Reply = serde_json::from_str(r#"{"result":-1000,"msg":"x","retry_after":2}"#).unwrap();
        assert!(!busy.waiting());
        assert_eq!((busy.pause(), busy.busy()), (Duration::from_secs(2), Some(Duration::from_secs(2))));
        assert_eq!((waiting.query_interval(), waiting.busy()), (Duration::from_secs(3), None));
        let forever: Reply = serde_json::from_str(r#"{"result":-1000,"retry_after":1e9}"#).unwrap();
        assert_eq!(forever.pause(), Duration::from_secs(5));
        assert!(serde_json::from_str::<Reply>("{}").is_err());
    }

    #[test]
    fn every_decided_state_has_a_name() {
        assert_eq!(outcome_name(0), None);
        assert!((1..=9).all(|state| outcome_name(state).is_some()));
    }
}
