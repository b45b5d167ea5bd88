//! The report of an opening day, from what its people saw and what the server's books say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::books::{Places, Watched};
use super::person::{Person, Standing};
use super::tallies::Tallies;
use crate::bench::line_order::{self, Seen};
use crate::bench::registration::outcome_name;
use crate::bench::report::{Figures, Latency};

/// Everything that is known when the day is over.
pub struct Day<'a> {
    pub opening: Instant,
    pub people: &'a [Person],
    pub tallies: &'a Tallies,
    pub watched: Watched,
    /// Before and after, for an administrator.
    pub books: Option<(Places, Places)>,
    /// Being overtaken is no fault.
    pub shuffled: bool,
}

impl Day<'_> {
    /// # Errors
    /// Never in practice: see [`Latency::new`].
    pub fn report(&self, figures: &mut Figures, faults: &mut Vec<String>) -> anyhow::Result<()> {
        self.people(figures);
        self.waits(figures)?;
        self.requests(figures);
        self.places(figures, faults);
        self.fairness(figures, faults);
        Ok(())
    }

    fn people(&self, figures: &mut Figures) {
        figures.count("people", self.people.len() as u64);
        let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
        for person in self.people {
            let end = match &person.standing {
                Standing::NotComeYet => "not answered",
                Standing::Waiting => "still waiting",
                Standing::Decided(state, _) => outcome_name(*state).unwrap_or("still waiting"),
                Standing::GaveUp => "gave up",
                Standing::Left => "left the line",
                Standing::TurnedAway => "turned away by an error",
            };
            *ends.entry(end).or_default() += 1;
        }
        for (end, count) in ends {
            figures.count(format!("people {end}"), count);
        }
        let paid = self.people.iter().filter(|person| person.paid);
        figures.count("people who paid", paid.count() as u64);
    }

    fn waits(&self, figures: &mut Figures) -> anyhow::Result<()> {
        if let Some(sold_out) = self.watched.sold_out {
            figures.add("sold out after", "s", seconds(sold_out.saturating_duration_since(self.opening)));
        }
        for (name, ordered_only) in [("wait", false), ("wait for an order", true)] {
            let mut waits = Latency::new()?;
            for person in self.people {
                if let Some(decided) = person.decided.filter(|_| !ordered_only || person.order_no().is_some()) {
                    waits.record(decided.saturating_duration_since(person.arrives));
                }
            }
            if waits.count() > 0 {
                for (quantile, value) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
                    figures.add(format!("{name} {quantile}"), "s", waits.milliseconds_at(value) / 1000.0);
                }
                figures.add(format!("{name} max"), "s", waits.max_milliseconds() / 1000.0);
            }
        }
        Ok(())
    }

    fn requests(&self, figures: &mut Figures) {
        let tallies = self.tallies;
        figures.latency("join", &tallies.join);
        figures.latency("poll", &tallies.poll);
        figures.latency("pay", &tallies.pay);
        figures.latency("leave", &tallies.leave);
        figures.count("polls", tallies.poll.count());
        figures.rate("polls", tallies.poll.count(), tallies.polling_time());
        let peak = tallies.polls_in_second.iter().max().copied().unwrap_or(0);
        figures.rate("polls in the busiest second", peak, Duration::from_secs(1));
        for (what, count) in &tallies.busy {
            figures.count(format!("busy, come again: {what}"), *count);
        }
        figures.count("errors", tallies.errors.values().sum());
        for (what, count) in &tallies.errors {
            figures.count(format!("error {what}"), *count);
        }
        figures.latency("requests later than meant", &tallies.late);
    }

    fn places(&self, figures: &mut Figures, faults: &mut Vec<String>) {
        let places = |of: fn(&Person) -> bool| {
            self.people.iter().filter(|person| of(person)).map(|person| u64::from(person.group)).sum::<u64>()
        };
        figures.count("places ordered", places(|person| person.order_no().is_some()));
        let paid = places(|person| person.paid);
        figures.count("places paid", paid);
        if let Some(lowest) = self.watched.lowest {
            figures.add("free places, lowest seen", "", lowest as f64);
            if lowest < 0 {
                faults.push(format!("oversold: {lowest} places were free"));
            }
        }
        let Some((before, after)) = self.books else { return };
        figures.add("places on the books", "", after.limitation as f64);
        figures.add("places on the books, newly paid", "", (after.paid - before.paid) as f64);
        figures.add("places on the books, held", "", after.holds as f64);
        figures.add("places on the books, free", "", after.balance as f64);
        faults.extend(after.fault());
    }

    fn fairness(&self, figures: &mut Figures, faults: &mut Vec<String>) {
        let seen: Vec<Seen> = self.people.iter().filter_map(Person::seen).collect();
        let overtaken = line_order::overtaken(&seen);
        let (reversed, ordered) = line_order::reversals(&seen);
        figures.count("overtaken by somebody later", overtaken);
        if ordered > 0 {
            figures.add("pairs decided in the other order", "%", 100.0 * reversed as f64 / ordered as f64);
        }
        figures.count("refused although somebody later got as many places", passed_over(self.people));
        let mut orders = BTreeSet::new();
        let shared = self.people.iter().filter_map(Person::order_no).filter(|order| !orders.insert(*order)).count();
        let rises: u32 = self.people.iter().map(|person| person.faults.place_rose).sum();
        let tokens: u32 = self.people.iter().map(|person| person.faults.another_token).sum();
        for (name, count) in [
            ("place rose", u64::from(rises)),
            ("same request, another token", u64::from(tokens)),
            ("two people with one order", shared as u64),
        ] {
            figures.count(name, count);
            if count > 0 {
                faults.push(format!("{name}: {count} times"));
            }
        }
        if overtaken > 0 && !self.shuffled {
            faults.push(format!("overtaken by somebody later: {overtaken} times"));
        }
    }
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

/// People who were told "full" although somebody who asked only after they were acknowledged got an order of at least
/// their size. Without a wait-list that is no fault: places that come back go to whoever asks then.
fn passed_over(people: &[Person]) -> u64 {
    let mut ordered: Vec<(Instant, u32)> = people
        .iter()
        .filter(|person| person.order_no().is_some())
        .filter_map(|person| Some((person.seen()?.asked, person.group)))
        .collect();
    ordered.sort_unstable();
    // largest[i]: the largest group among those who asked as the i-th or later.
    let mut largest = vec![0; ordered.len() + 1];
    for (index, (_, group)) in ordered.iter().enumerate().rev() {
        largest[index] = largest[index + 1].max(*group);
    }
    let is_passed_over = |person: &&Person| {
        let refused = matches!(person.standing, Standing::Decided(2, _));
        let later = person.seen().map(|seen| ordered.partition_point(|(asked, _)| *asked <= seen.acknowledged));
        refused && later.is_some_and(|later| largest[later] >= person.group)
    };
    people.iter().filter(is_passed_over).count() as u64
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
