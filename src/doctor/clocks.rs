//! Clocks: signatures, codes and payment windows are only as good as they agree.

use chrono::Utc;

use super::Finding;
use crate::store::sql::db::Db;
use crate::store::sql::inspect;

const ABOUT: &str = "clock";
/// What a clock may be off before it is worth a word, and before signatures are refused, in milliseconds.
const NOTICED: i64 = 2_000;
const HARMFUL: i64 = 30_000;
/// Dates of HTTP have whole seconds, and answers are on their way for a while.
const NOTICED_BY_DATE: i64 = 6_000;
/// This program is not older: 2026-01-01.
const EARLIEST: i64 = 1_767_225_600_000;

pub fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// Another clock, compared with this machine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    pub of: String,
    /// How far it is ahead of ours, in milliseconds.
    pub ahead_ms: i64,
    /// How much of that is nothing.
    pub noticed_ms: i64,
}

impl Clock {
    /// Asked at `before` and answered at `after`, the clock said `time`: it is not known when in between, so only what
    /// lies outside counts.
    pub fn read(of: &str, before: i64, after: i64, time: i64) -> Self {
        let ahead_ms = if time < before { time - before } else { (time - after).max(0) };
        Self { of: of.to_owned(), ahead_ms, noticed_ms: NOTICED }
    }

    /// As `read`, of a `Date` header.
    pub fn of_date(of: &str, before: i64, after: i64, time: i64) -> Self {
        Self { noticed_ms: NOTICED_BY_DATE, ..Self::read(of, before, after, time) }
    }
}

pub async fn examine(db: Option<&Db>, redis: Option<Clock>, outside: &[Clock]) -> Vec<Finding> {
    let mut clocks: Vec<Clock> = redis.into_iter().collect();
    if let Some(db) = db {
        let before = now_ms();
        if let Ok(Some(time)) = inspect::clock(db).await {
            clocks.insert(0, Clock::read("the database", before, now_ms(), time));
        }
    }
    clocks.extend_from_slice(outside);
    judge(now_ms(), &clocks)
}

pub fn judge(now_ms: i64, clocks: &[Clock]) -> Vec<Finding> {
    if now_ms < EARLIEST {
        return vec![Finding::wrong(
            ABOUT,
            "this machine's clock says a time before this program was made. Set it, and let an NTP service keep it",
        )];
    }
    let mut found = Vec::new();
    for clock in clocks {
        let off = clock.ahead_ms.abs();
        if off < clock.noticed_ms {
            continue;
        }
        let side = if clock.ahead_ms > 0 { "ahead of" } else { "behind" };
        let words = format!(
            "the clock of {} is {}.{} s {side} this machine's. Let an NTP service keep both",
            clock.of,
            off / 1000,
            off % 1000 / 100
        );
        found.push(if off < HARMFUL { Finding::warning(ABOUT, words) } else { Finding::wrong(ABOUT, words) });
    }
    if found.is_empty() {
        let with: Vec<&str> = clocks.iter().map(|clock| clock.of.as_str()).collect();
        found.push(Finding::ok(
            ABOUT,
            if with.is_empty() {
                "this machine's; there is no other to compare it with".to_owned()
            } else {
                format!("agrees with {}", with.join(", "))
            },
        ));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_the_way_counts() {
        for (time, ahead) in [(900, -100), (1_000, 0), (1_500, 0), (2_000, 0), (2_100, 100)] {
            assert_eq!(Clock::read("x", 1_000, 2_000, time).ahead_ms, ahead, "{time}");
        }
    }

    #[test]
    fn what_is_said_of_clocks() {
        let said = |clocks: &[(&str, i64)]| {
            let read = |(of, ahead): &(&str, i64)| Clock::read(of, EARLIEST, EARLIEST, EARLIEST + ahead);
            let clocks: Vec<Clock> = clocks.iter().map(read).collect();
            judge(EARLIEST, &clocks).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        insta::assert_snapshot!(said(&[]), @"OK       clock: this machine's; there is no other to compare it with");
        insta::assert_snapshot!(said(&[("the database", 1_999), ("Redis", -1_999)]), @"OK       clock: agrees with the database, Redis");
        insta::assert_snapshot!(said(&[("the database", 2_500), ("Redis", -31_000)]), @"
        WARNING  clock: the clock of the database is 2.5 s ahead of this machine's. Let an NTP service keep both
        WRONG    clock: the clock of Redis is 31.0 s behind this machine's. Let an NTP service keep both
        ");
        let early = judge(0, &[]);
        insta::assert_snapshot!(early[0].to_string(), @"WRONG    clock: this machine's clock says a time before this program was made. Set it, and let an NTP service keep it");
        let date = Clock::of_date("wechat.base_url", EARLIEST, EARLIEST, EARLIEST + 5_999);
        assert_eq!(judge(EARLIEST, &[date])[0].verdict, crate::doctor::Verdict::Ok);
    }
}
