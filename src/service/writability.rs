//! Whether the database can be written, as far as is known. A database that only reads, and a disk that is full, answer
//! every question and lose every registration; so a small row is written now and then, whoever asks for readiness.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::context::Context;
use crate::store::sql::write_probe::{self, Unwritten};

/// Intervals without a written row after which the database counts as one that cannot be written. One row may wait behind
/// a flood of registrations.
const MISSED: u32 = 3;

pub struct Writability {
    state: Mutex<State>,
    limit: Duration,
}

#[derive(Debug, Clone, Copy)]
struct State {
    written: Instant,
    refused: bool,
}

impl Writability {
    /// A server that starts has just looked at its schema, and counts as able to write.
    pub fn new(every_seconds: u64) -> Self {
        let state = State { written: Instant::now(), refused: false };
        Self { state: Mutex::new(state), limit: Duration::from_secs(every_seconds) * MISSED }
    }

    pub fn can_write(&self, now: Instant) -> bool {
        let state = *self.lock();
        !state.refused && now.saturating_duration_since(state.written) <= self.limit
    }

    fn learn(&self, outcome: Result<(), Unwritten>, now: Instant) {
        let before = self.can_write(now);
        {
            let mut state = self.lock();
            match outcome {
                Ok(()) => *state = State { written: now, refused: false },
                Err(Unwritten::Refused) => state.refused = true,
                // What was refused before is not known to be better.
                Err(Unwritten::Failed) => {}
            }
        }
        match (before, self.can_write(now)) {
            (true, false) => tracing::error!("the database takes no writes; /readyz is red"),
            (false, true) => tracing::info!("the database takes writes again"),
            _ => {}
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Writes a row every `database.write_check_seconds`, one at a time, until the server stops.
pub async fn run(context: &Context) {
    let node = format!("{:016x}", rand::random::<u64>());
    let every = Duration::from_secs(context.config.database.write_check_seconds);
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut tidied = false;
    loop {
        ticks.tick().await;
        let outcome = write_probe::write(&context.db, &node).await;
        context.writability.learn(outcome, Instant::now());
        if outcome.is_ok() && !tidied {
            tidied = write_probe::tidy(&context.db).await.is_ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refusal_or_three_missed_rows_are_enough_and_one_row_is_enough_again() {
        let known = Writability::new(5);
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(known.can_write(after(14)) && !known.can_write(after(16)));
        known.learn(Err(Unwritten::Failed), after(5));
        assert!(known.can_write(after(5)), "busy for a moment");
        assert!(!known.can_write(after(16)));
        known.learn(Ok(()), after(20));
        assert!(known.can_write(after(35)));
        known.learn(Err(Unwritten::Refused), after(21));
        assert!(!known.can_write(after(21)));
        known.learn(Err(Unwritten::Failed), after(22));
        assert!(!known.can_write(after(22)), "busy is no proof of the contrary");
        known.learn(Ok(()), after(23));
        assert!(known.can_write(after(23)));
    }
}
