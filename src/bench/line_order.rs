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

/// Pairs of which one was acknowledged before the other even asked, and those of them that were surely decided in the
/// other order: `(reversed, ordered)`.
pub fn reversals(seen: &[Seen]) -> (u64, u64) {
    let mut by_asked: Vec<&Seen> = seen.iter().collect();
    by_asked.sort_unstable_by_key(|token| token.asked);
    let mut by_acknowledged: Vec<&Seen> = seen.iter().collect();
    by_acknowledged.sort_unstable_by_key(|token| token.acknowledged);
    let mut decisions: Vec<Instant> = seen.iter().filter_map(|token| token.first_decided).collect();
    decisions.sort_unstable();
    // Counts of decisions by rank, of those who asked later than the one that is looked at.
    let mut later = Counts::new(decisions.len());
    let (mut reversed, mut ordered) = (0, 0);
    let mut next = by_asked.len();
    for first in by_acknowledged.iter().rev() {
        while next > 0 && by_asked[next - 1].asked > first.acknowledged {
            next -= 1;
            if let Some(decided) = by_asked[next].first_decided {
                later.add(decisions.partition_point(|other| *other < decided));
            }
        }
        ordered += by_asked.len() - next;
        if let Some(waited) = first.last_waiting_asked {
            reversed += later.below(decisions.partition_point(|other| *other < waited));
        }
    }
    (reversed, u64::try_from(ordered).unwrap_or(u64::MAX))
}

/// How many things have a rank below another: a Fenwick tree.
struct Counts(Vec<u64>);

impl Counts {
    fn new(ranks: usize) -> Self {
        Self(vec![0; ranks + 1])
    }

    fn add(&mut self, rank: usize) {
        let mut node = rank + 1;
        while node < self.0.len() {
            self.0[node] += 1;
            node += node & node.wrapping_neg();
        }
    }

    fn below(&self, rank: usize) -> u64 {
        let (mut node, mut sum) = (rank, 0);
        while node > 0 {
            sum += self.0[node];
            node &= node - 1;
        }
        sum
    }
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

    #[test]
    fn reversed_pairs_are_counted_as_one_by_one() {
        use rand::rngs::StdRng;
        use rand::{RngExt as _, SeedableRng as _};

        let start = Instant::now();
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let mut drawn = Vec::new();
            for _ in 0..random.random_range(0..30) {
                let asked = random.random_range(0..40_u64);
                let acknowledged = asked + random.random_range(0..6);
                let waiting = random.random_bool(0.7).then(|| acknowledged + random.random_range(0..30));
                let decided =
                    random.random_bool(0.8).then(|| waiting.unwrap_or(acknowledged) + random.random_range(0..9));
                drawn.push(seen(asked, acknowledged, waiting, decided)(start));
            }
            let (mut reversed, mut ordered) = (0, 0);
            for first in &drawn {
                for second in drawn.iter().filter(|second| second.asked > first.acknowledged) {
                    ordered += 1;
                    let pair = (second.first_decided, first.last_waiting_asked);
                    reversed += u64::from(matches!(pair, (Some(decided), Some(waited)) if decided < waited));
                }
            }
            assert_eq!(reversals(&drawn), (reversed, ordered));
        }
    }
}
