//! One stretch of publishing at one rate: what arrived, whether the server kept up, and the search for the highest rate
//! at which it does.

use std::collections::BTreeMap;
use std::time::Duration;

use super::publisher::Publishers;
use super::{Room, Run};
use crate::bench::process::Usage;
use crate::bench::report::Latency;

/// A rate is sustained while p99 stays below this.
const SUSTAINED_P99_MS: f64 = 1000.0;
/// And while no more than this part of the deliveries is still under way when publishing ends.
const SUSTAINED_UNDER_WAY: f64 = 0.05;
const GROWTH: f64 = 2.0;
const MAX_STEPS: u32 = 16;
/// Halvings of the interval between the last sustained and the first unsustained rate.
const REFINEMENTS: u32 = 3;

/// Counters of all sockets of a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines echoed to their publisher.
    pub saved: u64,
    /// Lines that publishers received from each other.
    pub received: u64,
    pub refused: u64,
    pub delivered: u64,
    /// Offsets that a viewer passed over, of which `late` came afterwards.
    pub passed_over: u64,
    pub late: u64,
    pub duplicates: u64,
    pub closed: u64,
    pub bytes: u64,
    pub reads: u64,
}

impl Counts {
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            saved: self.saved - earlier.saved,
            received: self.received - earlier.received,
            refused: self.refused - earlier.refused,
            delivered: self.delivered - earlier.delivered,
            passed_over: self.passed_over - earlier.passed_over,
            late: self.late - earlier.late,
            duplicates: self.duplicates - earlier.duplicates,
            closed: self.closed - earlier.closed,
            bytes: self.bytes - earlier.bytes,
            reads: self.reads - earlier.reads,
        }
    }
}

pub struct Step {
    /// Lines a second.
    pub rate: f64,
    pub sent: u64,
    /// Viewers at its beginning.
    pub viewers: u64,
    pub counts: Counts,
    pub delivered_at_end: u64,
    /// From the first line's due time to the last delivery.
    pub delivering: Duration,
    pub latency: Latency,
    pub saving: Latency,
    pub refusals: BTreeMap<String, u64>,
    pub usage: (Option<Usage>, Option<Usage>),
}

impl Step {
    /// Every saved line to every viewer.
    fn expected(&self) -> u64 {
        self.counts.saved * self.viewers
    }

    fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.counts.delivered)
    }

    fn deliveries_per_second(&self) -> f64 {
        self.counts.delivered as f64 / self.delivering.as_secs_f64().max(f64::EPSILON)
    }

    /// Why the server did not keep up; `None` when it did.
    fn unsustained(&self) -> Option<String> {
        let Counts { saved, refused, duplicates, late, closed, .. } = self.counts;
        let under_way = (self.sent * self.viewers).saturating_sub(self.delivered_at_end);
        let p99 = self.latency.milliseconds_at(0.99);
        let reasons = [
            (closed > 0, format!("{closed} sockets ended")),
            (self.lost() > 0, format!("{} deliveries lost", self.lost())),
            (duplicates + late > 0, format!("{duplicates} duplicates, {late} out of order")),
            (refused > 0, format!("{refused} lines refused")),
            (saved < self.sent, format!("{saved} of {} lines saved", self.sent)),
            (p99 >= SUSTAINED_P99_MS, format!("p99 {p99:.0} ms")),
            (
                under_way as f64 > SUSTAINED_UNDER_WAY * (self.sent * self.viewers) as f64,
                format!("{under_way} deliveries under way at the end"),
            ),
        ];
        reasons.into_iter().find_map(|(broken, reason)| broken.then_some(reason))
    }

    pub fn report(&self, name: &str, run: &mut Run) {
        let figures = &mut run.figures;
        let Counts { saved, received, delivered, duplicates, late, closed, bytes, reads, .. } = self.counts;
        figures.add(format!("{name} published"), "/s", self.rate);
        figures.count(format!("{name} sent"), self.sent);
        figures.count(format!("{name} saved"), saved);
        figures.add(format!("{name} deliveries"), "/s", self.deliveries_per_second());
        figures.count(format!("{name} delivered"), delivered);
        figures.latency(&format!("{name} delivery"), &self.latency);
        figures.latency(&format!("{name} saved"), &self.saving);
        figures.add(format!("{name} deliveries a read"), "", delivered as f64 / reads.max(1) as f64);
        figures.add(format!("{name} bytes a delivery"), "", bytes as f64 / delivered.max(1) as f64);
        let operations = delivered + received + saved;
        figures.server(name, self.usage.0, self.usage.1, operations);
        for (reason, count) in &self.refusals {
            figures.count(format!("{name} refused: {reason}"), *count);
        }
        for (fault, count) in [
            ("deliveries lost", self.lost()),
            ("deliveries twice", duplicates),
            ("deliveries out of order", late),
            ("viewers dropped", closed),
            ("publications unanswered", self.sent.saturating_sub(saved + self.counts.refused)),
        ] {
            figures.count(format!("{name} {fault}"), count);
            if count > 0 {
                run.faults.push(format!("{name}: {count} {fault}"));
            }
        }
        if self.counts.refused > 0 {
            run.faults.push(format!(
                "{name}: {} lines refused (start the server with MATCHDAY__LIMITS__ENABLED=false for a load test)",
                self.counts.refused
            ));
        }
    }
}

/// Doubles the rate until the server does not keep up, then narrows down; returns the best sustained step.
pub async fn look_for_saturation(room: &Room, publishers: &Publishers, run: &mut Run) -> anyhow::Result<Option<Step>> {
    let length = Duration::from_secs(room.args.step_seconds);
    let mut best: Option<Step> = None;
    let mut search = Search::new(f64::from(room.args.rate));
    let mut steps = 0;
    while let Some(rate) = search.next_rate() {
        steps += 1;
        let step = match room.run_step(publishers, rate, length).await {
            Ok(step) => step,
            // Far over what it can do, the server ends sockets that do not keep up; a publisher's may be one of them.
            Err(error) if best.is_some() => {
                eprintln!("  {rate:.0} lines/s: {error:#}");
                break;
            }
            Err(error) => return Err(error),
        };
        let unsustained = step.unsustained();
        eprintln!(
            "  {rate:.0} lines/s: {:.0} deliveries/s, p99 {:.1} ms{}",
            step.deliveries_per_second(),
            step.latency.milliseconds_at(0.99),
            unsustained.as_deref().map(|reason| format!(", not kept up: {reason}")).unwrap_or_default(),
        );
        search.tried(rate, unsustained.is_none());
        let gone = step.counts.closed;
        if unsustained.is_none() {
            best = Some(step);
        }
        if gone > 0 {
            break;
        }
    }
    run.figures.count("rates tried", steps);
    Ok(best)
}

/// Which rate to try next.
#[derive(Debug)]
struct Search {
    next: f64,
    sustained: Option<f64>,
    unsustained: Option<f64>,
    steps: u32,
    refinements: u32,
}

impl Search {
    fn new(first: f64) -> Self {
        Self { next: first, sustained: None, unsustained: None, steps: 0, refinements: 0 }
    }

    fn next_rate(&mut self) -> Option<f64> {
        let over = self.steps >= MAX_STEPS || self.refinements > REFINEMENTS;
        (!over && self.next >= 1.0).then_some(self.next)
    }

    fn tried(&mut self, rate: f64, sustained: bool) {
        self.steps += 1;
        if sustained {
            self.sustained = Some(rate);
        } else {
            self.unsustained = Some(rate);
        }
        self.next = match (self.sustained, self.unsustained) {
            (Some(low), Some(high)) => {
                self.refinements += 1;
                (low + high) / 2.0
            }
            (Some(low), None) => low * GROWTH,
            // The first rate was too much already: nothing below it was asked for.
            (None, _) => 0.0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(first: f64, capacity: f64) -> (Option<f64>, u32) {
        let mut search = Search::new(first);
        while let Some(rate) = search.next_rate() {
            search.tried(rate, rate <= capacity);
        }
        (search.sustained, search.steps)
    }

    #[test]
    fn search_closes_in_on_the_capacity() {
        let (found, steps) = search(10.0, 1000.0);
        let found = found.unwrap();
        assert!((900.0..=1000.0).contains(&found), "{found}");
        assert!(steps <= MAX_STEPS);
        assert_eq!(search(10.0, 5.0), (None, 1));
        assert_eq!(search(1.0, f64::INFINITY).1, MAX_STEPS);
    }

    fn step() -> Step {
        Step {
            rate: 10.0,
            sent: 100,
            viewers: 10,
            counts: Counts { saved: 100, delivered: 1000, reads: 1000, ..Counts::default() },
            delivered_at_end: 990,
            delivering: Duration::from_secs(10),
            latency: Latency::new().unwrap(),
            saving: Latency::new().unwrap(),
            refusals: BTreeMap::new(),
            usage: (None, None),
        }
    }

    #[test]
    fn a_step_is_sustained_only_without_a_fault() {
        assert_eq!(step().unsustained(), None);
        type Break = (&'static str, fn(&mut Step));
        let breaks: [Break; 7] = [
            ("lost", |step| step.counts.delivered -= 1),
            ("duplicates", |step| step.counts.duplicates = 1),
            ("out of order", |step| step.counts.late = 1),
            ("ended", |step| step.counts.closed = 1),
            ("refused", |step| step.counts.refused = 1),
            ("under way", |step| step.delivered_at_end = 940),
            ("p99", |step| step.latency.record(Duration::from_secs(2))),
        ];
        for (word, broken) in breaks {
            let mut step = step();
            broken(&mut step);
            let reason = step.unsustained().unwrap_or_default();
            assert!(reason.contains(word), "{word}: {reason}");
        }
    }

    #[test]
    fn faults_are_reported_with_their_counts() {
        let mut run = Run::default();
        step().report("lines", &mut run);
        assert!(run.faults.is_empty(), "{:?}", run.faults);
        assert_eq!(run.figures.get("lines deliveries"), Some(100.0));
        let mut broken = step();
        broken.counts.saved = 99;
        broken.counts.delivered = 980;
        broken.counts.duplicates = 3;
        broken.report("lines", &mut run);
        assert_eq!(
            run.faults,
            ["lines: 10 deliveries lost", "lines: 3 deliveries twice", "lines: 1 publications unanswered"]
        );
    }
}
