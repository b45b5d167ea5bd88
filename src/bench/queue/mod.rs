//! `matchday bench queue`: an opening in small. Asks for queue tokens, polls them, and reports speed, cost and whether
//! the line was kept.

mod args;
mod baseline;
mod enqueue;
mod poll;
mod tickets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

pub use args::{Phase, QueueArgs};

use self::enqueue::Enqueued;
use self::poll::Polled;
use self::tickets::Ticket;
use super::line_order;
use super::players::Passports;
use super::process::{self, Usage};
use super::registration::{Refusals, outcome_name, sign_in_all};
use super::report::{Figures, Report};
use super::target::Target;

/// What all connections of a benchmark share.
struct Plan {
    args: QueueArgs,
    target: Target,
    sessions: Vec<String>,
}

impl Plan {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.args.common.timeout_seconds)
    }

    fn session(&self, account: u32) -> Option<&str> {
        let index = usize::try_from(account).ok()?;
        self.sessions.get(index).map(String::as_str)
    }

    fn usage(&self) -> anyhow::Result<Option<Usage>> {
        self.args.common.pid.map(process::usage).transpose()
    }
}

/// # Errors
/// As [`super::run`].
pub async fn run(args: QueueArgs) -> anyhow::Result<()> {
    args.check()?;
    let common = args.common.clone();
    let target = Target::resolve(&common.url, common.i_own_this_server).await?;
    let limit = Duration::from_secs(common.timeout_seconds);
    let sessions = sign_in_all(&target, args.accounts, limit).await?;
    let plan = Arc::new(Plan { args, target, sessions });
    let mut report = Report { benchmark: "queue", runs: Vec::new(), faults: Vec::new() };
    for number in 1..=common.runs {
        let mut run = Run::default();
        run.measure(&plan).await?;
        let name_run = |fault| format!("run {number}: {fault}");
        report.faults.extend(run.faults.into_iter().map(name_run));
        report.runs.push(run.figures);
    }
    report.finish(common.json)
}

#[derive(Default)]
struct Run {
    figures: Figures,
    faults: Vec<String>,
}

impl Run {
    async fn measure(&mut self, plan: &Arc<Plan>) -> anyhow::Result<()> {
        let phase = plan.args.phase;
        let tokens_file = plan.args.tokens_file.as_deref();
        let start = plan.usage()?;
        let enqueued = if phase == Phase::Poll {
            None
        } else {
            let enqueued = enqueue::enqueue(plan, Passports::new(rand::random())).await?;
            self.report_enqueue(plan, &enqueued, start, plan.usage()?);
            Some(enqueued)
        };
        let tickets = match (&enqueued, tokens_file) {
            (Some(enqueued), file) => {
                if let Some(path) = file {
                    tickets::save(path, &enqueued.tickets)?;
                }
                enqueued.tickets.clone()
            }
            (None, Some(path)) => tickets::load(path)?,
            (None, None) => Vec::new(),
        };
        if phase == Phase::Enqueue {
            return Ok(());
        }
        let known = u32::try_from(plan.sessions.len())?;
        let account = tickets.iter().map(|ticket| ticket.account).max();
        if account.is_some_and(|account| account >= known) {
            anyhow::bail!("the tokens file needs more --accounts than {known}");
        }
        let before = plan.usage()?;
        let polled = poll::poll(plan, tickets).await?;
        self.report_poll(&polled, before, plan.usage()?);
        self.report_outcomes(enqueued.as_ref(), &polled);
        if plan.args.poll_baseline {
            let compared = baseline::compare(plan, &polled.tickets, &mut self.figures).await;
            compared.context("comparing polls with an empty handler")?;
        }
        Ok(())
    }

    fn report_enqueue(&mut self, plan: &Plan, enqueued: &Enqueued, before: Option<Usage>, after: Option<Usage>) {
        let figures = &mut self.figures;
        let acknowledged = enqueued.latency.count();
        figures.rate("enqueue", acknowledged, enqueued.elapsed);
        figures.latency("enqueue", &enqueued.latency);
        figures.count("enqueue acknowledged", acknowledged);
        report_refusals(figures, "enqueue", &enqueued.refusals);
        let unasked = u64::from(plan.args.tokens).saturating_sub(acknowledged);
        figures.count("enqueue not acknowledged", unasked);
        figures.server("enqueue", before, after, acknowledged);
    }

    fn report_poll(&mut self, polled: &Polled, before: Option<Usage>, after: Option<Usage>) {
        let figures = &mut self.figures;
        figures.rate("poll", polled.polls, polled.elapsed);
        figures.latency("poll", &polled.latency);
        figures.count("poll answers", polled.polls);
        report_refusals(figures, "poll", &polled.refusals);
        figures.server("poll", before, after, polled.polls);
    }

    fn report_outcomes(&mut self, enqueued: Option<&Enqueued>, polled: &Polled) {
        let mut outcomes: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut undecided, mut at_once) = (0, 0);
        for ticket in &polled.tickets {
            match ticket.outcome.as_ref().and_then(|(state, _)| outcome_name(*state)) {
                Some(name) => *outcomes.entry(name).or_default() += 1,
                None => undecided += 1,
            }
        }
        let decided: u64 = outcomes.values().sum();
        if let Some(enqueued) = enqueued {
            for (name, count) in &enqueued.at_once {
                self.figures.count(format!("outcome {name}, told at once"), *count);
                at_once += count;
            }
            self.report_deciding(enqueued, polled, decided, undecided);
        }
        for (name, count) in outcomes {
            self.figures.count(format!("outcome {name}"), count);
        }
        self.figures.count("outcome none yet", undecided);
        let rises: u64 = polled.tickets.iter().map(|ticket| ticket.rises).sum();
        let seen: Vec<_> = polled.tickets.iter().map(Ticket::seen).collect();
        let overtaken = line_order::overtaken(&seen);
        for (name, count) in [
            ("place rose", rises),
            ("overtaken by a later one", overtaken),
            ("outcome changed", polled.changed),
            ("two tokens with one order", shared_orders(&polled.tickets)),
        ] {
            self.figures.count(name, count);
            if count > 0 {
                self.faults.push(format!("{name}: {count} times"));
            }
        }
        debug_assert!(enqueued.is_none_or(|enqueued| { enqueued.latency.count() == decided + undecided + at_once }));
    }

    /// Decisions from the first request to the last decision; and, if a line had formed, how fast it was worked off
    /// once nobody asked any more.
    fn report_deciding(&mut self, enqueued: &Enqueued, polled: &Polled, decided: u64, undecided: u64) {
        const WORTH_TIMING: i64 = 100;
        let Some(end) = polled.end_decided.filter(|_| undecided == 0) else {
            return;
        };
        self.figures.rate("decided", decided, end - enqueued.started);
        let last = enqueued.tickets.iter().max_by_key(|ticket| ticket.acknowledged);
        let Some(last) = last.filter(|ticket| ticket.place >= WORTH_TIMING) else {
            return;
        };
        let waiting = u64::try_from(last.place).unwrap_or(0);
        self.figures.count("waiting when enqueueing ended", waiting);
        let working_off = end.saturating_duration_since(last.acknowledged);
        self.figures.rate("line worked off", waiting, working_off);
    }
}

fn report_refusals(figures: &mut Figures, phase: &str, refusals: &Refusals) {
    for (name, count) in refusals {
        figures.count(format!("{phase} refused: {name}"), *count);
    }
}

/// How many tokens were told an order that another token was told too.
fn shared_orders(tickets: &[Ticket]) -> u64 {
    let mut holders: BTreeMap<&str, u64> = BTreeMap::new();
    for ticket in tickets {
        if let Some((1, order_no)) = &ticket.outcome {
            *holders.entry(order_no).or_default() += 1;
        }
    }
    holders.values().filter(|count| **count > 1).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn an_order_told_to_two_tokens_is_seen() {
        let now = Instant::now();
        let ticket = |order_no: &str| {
            let mut ticket = Ticket::new(0, "t".to_owned(), now, now, 1);
            ticket.decided(now, 1, order_no);
            ticket
        };
        assert_eq!(shared_orders(&[ticket("a"), ticket("b")]), 0);
        assert_eq!(shared_orders(&[ticket("a"), ticket("b"), ticket("a")]), 2);
    }
}
