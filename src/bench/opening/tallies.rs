//! What a thread counts while the day goes on.

use std::time::{Duration, Instant};

use super::day::Answer;
use super::person::Act;
use crate::bench::registration::{Refusals, merge};
use crate::bench::report::Latency;

pub struct Tallies {
    opening: Instant,
    pub join: Latency,
    pub poll: Latency,
    pub pay: Latency,
    pub leave: Latency,
    /// How long after its time a request was made: what the generator itself was too slow for.
    pub late: Latency,
    /// Answered polls of each second since the opening.
    pub polls_in_second: Vec<u64>,
    /// Requests that were told to come again, by what was asked.
    pub busy: Refusals,
    /// Everything else that was no success.
    pub errors: Refusals,
}

impl Tallies {
    pub fn new(opening: Instant) -> anyhow::Result<Self> {
        Ok(Self {
            opening,
            join: Latency::new()?,
            poll: Latency::new()?,
            pay: Latency::new()?,
            leave: Latency::new()?,
            late: Latency::new()?,
            polls_in_second: Vec::new(),
            busy: Refusals::new(),
            errors: Refusals::new(),
        })
    }

    pub fn answered(&mut self, act: Act, asked: Instant, answered: Instant, answer: Option<&Answer>) {
        match answer {
            Some(Answer::Told(_) | Answer::Paid | Answer::Gone(..)) => {
                let latency = match act {
                    Act::Join | Act::SecondClick | Act::Reload => &mut self.join,
                    Act::Poll => &mut self.poll,
                    Act::Leave => &mut self.leave,
                    Act::Pay => &mut self.pay,
                };
                latency.record(answered - asked);
                if act == Act::Poll {
                    self.count_poll(answered);
                }
            }
            Some(Answer::Busy(_)) => *self.busy.entry(name(act).to_owned()).or_default() += 1,
            Some(Answer::Refused(what)) => self.error(act, what.clone()),
            None => {}
        }
    }

    pub fn error(&mut self, act: Act, what: String) {
        *self.errors.entry(format!("{}: {what}", name(act))).or_default() += 1;
    }

    fn count_poll(&mut self, answered: Instant) {
        let second = usize::try_from(answered.saturating_duration_since(self.opening).as_secs()).unwrap_or(usize::MAX);
        // A day has at most ten minutes, and an answer its timeout.
        const LONGEST: usize = 2_000;
        let second = second.min(LONGEST);
        if self.polls_in_second.len() <= second {
            self.polls_in_second.resize(second + 1, 0);
        }
        self.polls_in_second[second] += 1;
    }

    pub fn absorb(&mut self, other: Self) {
        self.join.merge(&other.join);
        self.poll.merge(&other.poll);
        self.pay.merge(&other.pay);
        self.leave.merge(&other.leave);
        self.late.merge(&other.late);
        let longest = self.polls_in_second.len().max(other.polls_in_second.len());
        self.polls_in_second.resize(longest, 0);
        for (mine, theirs) in self.polls_in_second.iter_mut().zip(other.polls_in_second) {
            *mine += theirs;
        }
        merge(&mut self.busy, other.busy);
        merge(&mut self.errors, other.errors);
    }

    /// Between the first second with a poll and the last one.
    pub fn polling_time(&self) -> Duration {
        let first = self.polls_in_second.iter().position(|count| *count > 0).unwrap_or(0);
        Duration::from_secs(u64::try_from(self.polls_in_second.len() - first).unwrap_or(0))
    }
}

fn name(act: Act) -> &'static str {
    match act {
        Act::Join | Act::SecondClick | Act::Reload => "join",
        Act::Poll => "poll",
        Act::Leave => "leave",
        Act::Pay => "pay",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_answers_are_no_errors() {
        let start = Instant::now();
        let mut tallies = Tallies::new(start).unwrap();
        tallies.answered(Act::Reload, start, start, Some(&Answer::Busy(Duration::ZERO)));
        tallies.answered(Act::Pay, start, start, Some(&Answer::Refused("HTTP 409".to_owned())));
        tallies.error(Act::Poll, "no answer in time".to_owned());
        let mut all = Tallies::new(start).unwrap();
        all.absorb(tallies);
        assert_eq!(all.busy, Refusals::from([("join".to_owned(), 1)]));
        let errors = ["pay: HTTP 409", "poll: no answer in time"].map(|name| (name.to_owned(), 1));
        assert_eq!(all.errors, Refusals::from(errors));
        assert_eq!(all.join.count() + all.poll.count() + all.pay.count(), 0);
    }

    #[test]
    fn polls_are_counted_by_the_second() {
        let start = Instant::now();
        let mut tallies = Tallies::new(start).unwrap();
        for milliseconds in [2_100, 2_900, 4_000] {
            tallies.count_poll(start + Duration::from_millis(milliseconds));
        }
        assert_eq!(tallies.polls_in_second, [0, 0, 2, 0, 1]);
        assert_eq!(tallies.polling_time(), Duration::from_secs(3));
    }
}
