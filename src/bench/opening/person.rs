//! One of the people: what he means to do, drawn beforehand, and what came of it. Pure: told of answers, says what he
//! does next.

use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::args::OpeningArgs;
use super::arrival::exponential;
use crate::bench::line_order::Seen;
use crate::bench::registration::Reply;

/// Failures in a row after which somebody goes home.
const MOST_FAILURES: u32 = 10;
/// As the pages do: doubled with every failure, at most this.
const LONGEST_PAUSE_SECONDS: f64 = 30.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// Ask for a place.
    Join,
    /// Ask once more at the same time, as a second click does.
    SecondClick,
    /// Ask for a place again while waiting.
    Reload,
    Poll,
    /// Say that he goes.
    Leave,
    Pay,
}

/// Where somebody stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    NotComeYet,
    Waiting,
    /// State and order number.
    Decided(i64, String),
    GaveUp,
    /// Gave up and said so.
    Left,
    /// An error that asking again does not mend.
    TurnedAway,
}

#[derive(Debug, Clone)]
pub struct Person {
    /// Index of the account.
    pub account: u32,
    /// Number of his first player; the others of the group follow.
    pub first_player: u32,
    pub group: u32,
    pub arrives: Instant,
    gives_up: Option<Instant>,
    leaves: bool,
    pays_after: Option<Duration>,
    pub double_clicks: bool,
    reloads: bool,
    pub token: Option<String>,
    pub standing: Standing,
    /// The lowest place told.
    place: i64,
    pub paid: bool,
    asked: Option<Instant>,
    acknowledged: Option<Instant>,
    last_waiting_asked: Option<Instant>,
    pub decided: Option<Instant>,
    failures: u32,
    /// The same request was answered otherwise than before.
    suspect: bool,
    pub faults: Faults,
}

/// What must never happen to somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    pub place_rose: u32,
    /// The same request was given another token while the first one waited.
    pub another_token: u32,
}

/// Draws all people of a day, in the order of their numbers.
pub fn crowd(args: &OpeningArgs, opening: Instant) -> Vec<Person> {
    let mut random = StdRng::seed_from_u64(args.seed);
    let over = Duration::from_secs(args.over_seconds.into());
    let patience = Duration::from_secs(args.patience_seconds.into());
    let pause_before_paying = Duration::from_secs(args.pay_seconds.into());
    let mut first_player = 0;
    let mut people = Vec::new();
    for number in 0..args.people {
        let of_a_hundred = |random: &mut StdRng, percent: u32| random.random_range(0..100) < percent;
        let arrives = opening + args.arrival.at(random.random(), over);
        let gives_up = exponential(random.random(), patience);
        let pays = of_a_hundred(&mut random, args.pay_percent);
        let pays_after = exponential(random.random(), pause_before_paying);
        let group = args.groups.size_at(random.random());
        people.push(Person {
            account: number % args.accounts(),
            first_player,
            group,
            arrives,
            gives_up: (!patience.is_zero()).then(|| arrives + gives_up),
            leaves: of_a_hundred(&mut random, args.leave_percent),
            pays_after: pays.then_some(pays_after),
            double_clicks: of_a_hundred(&mut random, args.double_click_percent),
            reloads: of_a_hundred(&mut random, args.reload_percent),
            token: None,
            standing: Standing::NotComeYet,
            place: i64::MAX,
            paid: false,
            asked: None,
            acknowledged: None,
            last_waiting_asked: None,
            decided: None,
            failures: 0,
            suspect: false,
            faults: Faults::default(),
        });
        first_player += group;
    }
    people
}

/// What somebody does next, and when.
pub type Next = Option<(Instant, Act)>;

impl Person {
    /// Takes the answer to any of his requests for a place. `result` is 0.
    pub fn joined(&mut self, act: Act, asked: Instant, answered: Instant, reply: Reply) -> Next {
        self.failures = 0;
        if !matches!(self.standing, Standing::NotComeYet | Standing::Waiting) {
            return None;
        }
        if self.acknowledged.is_none() {
            self.asked = Some(asked);
            self.acknowledged = Some(answered);
        }
        let same = self.token.as_ref().is_none_or(|known| *known == reply.token);
        match (&self.token, act) {
            (None, _) => {
                self.token = Some(reply.token.clone()).filter(|token| !token.is_empty());
                self.standing = Standing::Waiting;
                self.polled(asked, answered, &reply)
            }
            (Some(_), Act::Reload) if same => self.polled(asked, answered, &reply),
            (Some(_), _) => {
                // Right if the first token was decided meanwhile; the next poll of it tells.
                self.suspect = !same;
                (act == Act::Reload).then_some((answered, Act::Poll))
            }
        }
    }

    /// Takes a state of his token. `result` is 0.
    pub fn polled(&mut self, asked: Instant, answered: Instant, reply: &Reply) -> Next {
        self.failures = 0;
        if reply.waiting() {
            if std::mem::take(&mut self.suspect) {
                self.faults.another_token += 1;
            }
            if reply.count > self.place {
                self.faults.place_rose += 1;
            }
            self.place = self.place.min(reply.count);
            self.last_waiting_asked = Some(asked);
            let act = if std::mem::take(&mut self.reloads) { Act::Reload } else { Act::Poll };
            return self.unless_gone(answered + reply.query_interval(), act);
        }
        self.decided = Some(answered);
        self.standing = Standing::Decided(reply.queue_state, reply.order_no.clone());
        let pays_after = self.pays_after.filter(|_| reply.queue_state == 1)?;
        Some((answered + pays_after, Act::Pay))
    }

    /// Takes a refusal that is worth another try, as the pages do: after at least `retry_after`, later each time.
    /// `jitter` (0 to 1) is drawn evenly.
    pub fn put_off(&mut self, act: Act, at: Instant, retry_after: Duration, jitter: f64) -> Next {
        if act == Act::SecondClick {
            return None;
        }
        self.failures += 1;
        if self.failures > MOST_FAILURES {
            self.turned_away(act);
            return None;
        }
        let doubled = f64::from(self.failures).exp2().min(LONGEST_PAUSE_SECONDS);
        let pause = Duration::from_secs_f64(doubled * (0.5 + jitter / 2.0));
        self.unless_gone(at + pause.max(retry_after), act)
    }

    /// An error that asking again does not mend. Who was decided stays so.
    pub fn turned_away(&mut self, act: Act) {
        if act != Act::SecondClick && !matches!(self.standing, Standing::Decided(..)) {
            self.standing = Standing::TurnedAway;
        }
    }

    fn unless_gone(&mut self, at: Instant, act: Act) -> Next {
        match self.gives_up.filter(|gives_up| *gives_up < at) {
            Some(gives_up) if !matches!(act, Act::Pay | Act::Leave) => {
                self.standing = Standing::GaveUp;
                (self.leaves && self.token.is_some()).then_some((gives_up, Act::Leave))
            }
            _ => Some((at, act)),
        }
    }

    /// Takes the answer to his leaving; he may have been decided in that moment.
    pub fn left(&mut self, answered: Instant, queue_state: i64, order_no: &str) -> Next {
        // On the wire a token that was left is one that failed.
        const LEFT: i64 = 3;
        if queue_state == LEFT {
            self.standing = Standing::Left;
        } else {
            self.decided = Some(answered);
            self.standing = Standing::Decided(queue_state, order_no.to_owned());
        }
        None
    }

    pub fn order_no(&self) -> Option<&str> {
        match &self.standing {
            Standing::Decided(1, order_no) => Some(order_no),
            _ => None,
        }
    }

    /// What he saw of the line; `None` if he was never told anything.
    pub fn seen(&self) -> Option<Seen> {
        Some(Seen {
            asked: self.asked?,
            acknowledged: self.acknowledged?,
            last_waiting_asked: self.last_waiting_asked,
            first_decided: self.decided,
        })
    }
}

#[cfg(test)]
#[path = "person_tests.rs"]
mod tests;
