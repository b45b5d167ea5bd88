//! Was the line kept? From what clients can see: whoever was acknowledged before another one even asked must not still
//! wait after that other one was decided.

use std::time::Instant;

/// What one client saw of its token.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    pub asked: Instant,
    pub acknowledged: Instant,
    /// When the last poll left that was answered "waiting".
    pub last_waiting_asked: Option<Instant>,
    /// When the first answer arrived that named an outcome.
    pub first_decided: Option<Instant>,
}

/// How many tokens were overtaken by somebody who came later.
pub fn overtaken(seen: &[Seen]) -> u64 {
    let mut by_asked: Vec<&Seen> = seen.iter().collect();
    by_asked.sort_unstable_by_key(|token| token.asked);
    // earliest[i]: the earliest decision among those who asked as the i-th or later.
    let mut earliest: Vec<Option<Instant>> = vec![None; by_asked.len()];
    let mut so_far = None;
    for (index, token) in by_asked.iter().enumerate().rev() {
        so_far = match (so_far, token.first_decided) {
            (Some(known), Some(this)) => Some(std::cmp::min(known, this)),
            (known, this) => known.or(this),
        };
        earliest[index] = so_far;
    }
    let is_overtaken = |token: &&Seen| {
        let later = by_asked.partition_point(|other| other.asked <= token.acknowledged);
        let decided_later = earliest.get(later).copied().flatten();
        matches!((decided_later, token.last_waiting_asked), (Some(decided), Some(waited)) if waited > decided)
    };
    u64::try_from(seen.iter().filter(is_overtaken).count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seen(asked: u64, acknowledged: u64, waiting: Option<u64>, decided: Option<u64>) -> impl Fn(Instant) -> Seen {
        move |start| {
            let at = |milliseconds| start + Duration::from_millis(milliseconds);
            Seen {
                asked: at(asked),
                acknowledged: at(acknowledged),
                last_waiting_asked: waiting.map(at),
                first_decided: decided.map(at),
            }
        }
    }

    fn overtaken_of(tokens: &[&dyn Fn(Instant) -> Seen]) -> u64 {
        let start = Instant::now();
        let tokens: Vec<Seen> = tokens.iter().map(|token| token(start)).collect();
        overtaken(&tokens)
    }

    #[test]
    fn a_kept_line_has_nobody_overtaken() {
        let first = seen(0, 1, Some(10), Some(12));
        let second = seen(2, 3, Some(11), Some(13));
        assert_eq!(overtaken_of(&[&first, &second]), 0);
        assert_eq!(overtaken_of(&[]), 0);
    }

    #[test]
    fn somebody_who_waits_after_a_later_one_was_decided_was_overtaken() {
        let first = seen(0, 1, Some(20), Some(22));
        let second = seen(2, 3, None, Some(10));
        assert_eq!(overtaken_of(&[&first, &second]), 1);
        assert_eq!(overtaken_of(&[&second, &first]), 1);
    }

    #[test]
    fn requests_under_way_at_once_have_no_order() {
        let first = seen(0, 5, Some(20), Some(22));
        let second = seen(2, 3, None, Some(10));
        assert_eq!(overtaken_of(&[&first, &second]), 0);
    }

    #[test]
    fn never_decided_counts_while_it_was_seen_waiting() {
        let first = seen(0, 1, Some(20), None);
        let second = seen(2, 3, None, None);
        let third = seen(4, 5, None, Some(10));
        assert_eq!(overtaken_of(&[&first, &second, &third]), 1);
    }
}
