//! Keeps requests from a service that does not answer: after some failures in a row the circuit opens and everything is
//! refused at once; after a while one request is let through, and its outcome decides.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Failures in a row that open the circuit.
const FAILURES: u32 = 5;
/// How long it stays open before the next attempt.
const OPEN: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
pub struct Circuit(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    open_until: Option<Instant>,
}

impl Circuit {
    /// Whether a request may leave now. While the circuit is open one a period may; a request that is never reported
    /// stands in nobody's way after that period.
    pub fn admits(&self, now: Instant) -> bool {
        let mut state = self.state();
        match state.open_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                state.open_until = Some(now + OPEN);
                true
            }
        }
    }

    /// Takes what came of a request: any answer of the service counts as answered, also a refusal of that one request.
    /// Returns whether this opened the circuit.
    pub fn report(&self, answered: bool, now: Instant) -> bool {
        let mut state = self.state();
        if answered {
            *state = State::default();
            return false;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures < FAILURES {
            return false;
        }
        state.open_until.replace(now + OPEN).is_none()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is two numbers; a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_try_at_a_time() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for _ in 1..FAILURES {
            assert!(circuit.admits(start));
            assert!(!circuit.report(false, start));
        }
        assert!(circuit.admits(start));
        assert!(circuit.report(false, start), "the fifth opens it");
        assert!(!circuit.admits(start + OPEN / 2));
        assert!(circuit.admits(start + OPEN), "one try");
        assert!(!circuit.admits(start + OPEN), "and no second one");
        assert!(!circuit.report(false, start + OPEN), "it is open already");
        assert!(circuit.admits(start + OPEN * 2));
        circuit.report(true, start + OPEN * 2);
        assert!(circuit.admits(start + OPEN * 2) && circuit.admits(start + OPEN * 2), "closed again");
    }

    #[test]
    fn a_success_forgets_the_failures_before_it() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for round in 0..20 {
            circuit.report(round % 4 == 3, start);
            assert!(circuit.admits(start));
        }
    }

    #[test]
    fn a_try_that_is_never_reported_blocks_only_its_period() {
        let (circuit, start) = (Circuit::default(), Instant::now());
        for _ in 0..FAILURES {
            circuit.report(false, start);
        }
        assert!(circuit.admits(start + OPEN));
        assert!(!circuit.admits(start + OPEN));
        assert!(circuit.admits(start + OPEN * 2));
    }
}
