//! What the server itself says of the game's places: watched while the day goes on, and, for an administrator, read
//! before and after it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::Plan;
use crate::bench::http::{self, HttpConnection};

/// Holds an administrator's bearer token.
pub const ADMIN_TOKEN: &str = "MATCHDAY_BENCH_ADMIN_TOKEN";
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A game's places as the administrators see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Places {
    /// 0: unlimited.
    pub limitation: i64,
    /// Free.
    pub balance: i64,
    pub paid: i64,
    pub holds: i64,
    pub withheld: i64,
}

impl Places {
    /// Why these numbers cannot be; `None` when they can.
    pub fn fault(self) -> Option<String> {
        let Self { limitation, balance, paid, holds, withheld } = self;
        if limitation == 0 {
            return None;
        }
        let sum = paid + holds + withheld + balance;
        (sum != limitation || balance < 0 || paid + holds > limitation).then(|| {
            format!(
                "oversold: {paid} paid, {holds} held, {withheld} withheld and {balance} free of {limitation} places"
            )
        })
    }
}

/// Reads the books; `None` without an administrator's token.
///
/// # Errors
/// The token is refused, or there is no such game.
pub async fn read(plan: &Plan) -> anyhow::Result<Option<Places>> {
    let Ok(token) = std::env::var(ADMIN_TOKEN) else { return Ok(None) };
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let mut request = Vec::new();
    let path = format!("/admin/api/v1/games/{}/queue", plan.args.game);
    http::get_as(&mut request, &plan.target.authority, &path, token.trim());
    let answer = connection.exchange(&request).await.context("reading the places")?;
    ensure!(answer.status == 200, "reading the places: HTTP {}; is {ADMIN_TOKEN} an administrator's?", answer.status);
    serde_json::from_slice(answer.body).map(Some).context("reading the places")
}

#[derive(Deserialize)]
struct Balances {
    balances: Vec<Balance>,
}

#[derive(Deserialize)]
struct Balance {
    game_id: String,
    limitation: i64,
    balance: i64,
}

/// What was seen of the free places from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watched {
    /// First time that no place was free.
    pub sold_out: Option<Instant>,
    /// The lowest number of free places.
    pub lowest: Option<i64>,
}

/// Looks at the free places again and again, until it is dropped; `watched` is what it saw.
pub async fn watch(plan: &Plan, watched: &std::cell::Cell<Watched>) {
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let mut request = Vec::new();
    let session = plan.sessions.first().map(String::as_str);
    http::post_json(
        &mut request,
        &plan.target.authority,
        "/api/reg",
        session,
        r#"{"cmd":"RegGetAllGamesBalanceInfo"}"#,
    );
    let game = plan.args.game.to_string();
    loop {
        if let Ok(answer) = connection.exchange(&request).await
            && let Ok(Balances { balances }) = serde_json::from_slice(answer.body)
            && let Some(it) = balances.iter().find(|it| it.game_id == game && it.limitation != 0)
        {
            let mut seen = watched.get();
            if it.balance <= 0 {
                seen.sold_out.get_or_insert_with(Instant::now);
            }
            seen.lowest = Some(seen.lowest.map_or(it.balance, |lowest| lowest.min(it.balance)));
            watched.set(seen);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_that_do_not_add_up_are_seen() {
        let good = Places { limitation: 10, balance: 2, paid: 5, holds: 3, withheld: 0 };
        assert_eq!(good.fault(), None);
        assert_eq!(Places { limitation: 0, balance: 0, ..good }.fault(), None, "unlimited");
        for bad in [
            Places { paid: 6, ..good },
            Places { balance: -1, paid: 8, ..good },
            Places { limitation: 7, balance: 0, withheld: -1, ..good },
        ] {
            assert!(bad.fault().is_some_and(|fault| fault.starts_with("oversold")), "{bad:?}");
        }
    }
}
