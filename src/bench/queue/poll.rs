//! The second half of the benchmark: poll every token until it is decided, and look for broken promises on the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Plan;
use super::tickets::Ticket;
use crate::bench::http::HttpConnection;
use crate::bench::load::on_threads;
use crate::bench::registration::{Refusals, Reply, ask, merge, poll_request, refusal_name};
use crate::bench::report::Latency;

/// Answers in a row without a state after which a token is left alone.
const TRIES: u32 = 5;
/// Pause between two looks at the end of the line.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub struct Polled {
    pub tickets: Vec<Ticket>,
    pub polls: u64,
    pub latency: Latency,
    pub refusals: Refusals,
    /// Tokens whose outcome was told differently later.
    pub changed: u64,
    pub elapsed: Duration,
    /// When the token at the end of the line was first seen decided.
    pub end_decided: Option<Instant>,
}

impl Polled {
    fn new(tickets: Vec<Ticket>) -> anyhow::Result<Self> {
        Ok(Self {
            tickets,
            polls: 0,
            latency: Latency::new()?,
            refusals: Refusals::new(),
            changed: 0,
            elapsed: Duration::ZERO,
            end_decided: None,
        })
    }

    fn absorb(&mut self, other: Self) {
        self.tickets.extend(other.tickets);
        self.polls += other.polls;
        self.latency.merge(&other.latency);
        merge(&mut self.refusals, other.refusals);
        self.changed += other.changed;
        self.end_decided = self.end_decided.or(other.end_decided);
    }
}

/// Polls all tickets, dealt out over the connections of the plan.
pub async fn poll(plan: &Arc<Plan>, tickets: Vec<Ticket>) -> anyhow::Result<Polled> {
    let threads = plan.args.common.threads;
    let lanes = usize::try_from(plan.args.poll_connections)?.clamp(1, tickets.len().max(1));
    let end = tickets.iter().max_by_key(|ticket| ticket.acknowledged).cloned();
    let mut dealt: Vec<Vec<Ticket>> = (0..lanes).map(|_| Vec::new()).collect();
    for (index, ticket) in tickets.into_iter().enumerate() {
        dealt[index % lanes].push(ticket);
    }
    let dealt = Arc::new(dealt);
    let started = Instant::now();
    let deadline = started + Duration::from_secs(plan.args.seconds);
    let work = {
        let plan = Arc::clone(plan);
        move |thread| {
            let (plan, dealt) = (Arc::clone(&plan), Arc::clone(&dealt));
            let end = end.clone().filter(|_| thread == 0);
            async move {
                let mine = (0_u32..).zip(dealt.iter()).filter(|(index, _)| index % threads == thread);
                let lanes = mine.map(|(_, tickets)| lane(&plan, tickets.clone(), deadline));
                let lanes = futures_util::future::try_join_all(lanes);
                let (lanes, end_decided) = tokio::join!(lanes, look_at_end(&plan, end, deadline));
                lanes.map(|lanes| (lanes, end_decided))
            }
        }
    };
    let threads = on_threads(threads, work).await?;
    let mut all = Polled::new(Vec::new())?;
    all.elapsed = started.elapsed();
    for result in threads {
        let (lanes, end_decided) = result?;
        lanes.into_iter().for_each(|lane| all.absorb(lane));
        all.end_decided = all.end_decided.or(end_decided);
    }
    Ok(all)
}

/// Watches the token that was acknowledged last: the line is in order, so that its decision ends the deciding. The
/// round of the other polls takes too long to say when that was.
async fn look_at_end(plan: &Plan, ticket: Option<Ticket>, deadline: Instant) -> Option<Instant> {
    let ticket = ticket?;
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let mut request = Vec::new();
    poll_request(&mut request, &plan.target, plan.session(ticket.account)?, &ticket.token);
    while Instant::now() < deadline {
        let reply = ask(&mut connection, &request).await;
        if reply.is_ok_and(|reply| reply.result == 0 && !reply.waiting()) {
            return Some(Instant::now());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    None
}

async fn lane(plan: &Plan, tickets: Vec<Ticket>, deadline: Instant) -> anyhow::Result<Polled> {
    let mut result = Polled::new(tickets)?;
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let mut request = Vec::new();
    let mut waiting: Vec<usize> = (0..result.tickets.len()).collect();
    let (mut turn, mut failures) = (0, 0);
    while Instant::now() < deadline {
        if waiting.is_empty() {
            if !plan.args.full_time || result.tickets.is_empty() {
                break;
            }
            waiting.extend(0..result.tickets.len());
        }
        turn = if turn + 1 < waiting.len() { turn + 1 } else { 0 };
        let ticket = &mut result.tickets[waiting[turn]];
        let session = plan.session(ticket.account).unwrap_or_default();
        poll_request(&mut request, &plan.target, session, &ticket.token);
        let asked = Instant::now();
        let reply = match ask(&mut connection, &request).await {
            Ok(reply) if reply.result == 0 => reply,
            refused => {
                let (name, pause) = match refused {
                    Ok(reply) => (refusal_name(&reply), (reply.result == Reply::BUSY).then(|| reply.pause())),
                    Err(name) => (name, Some(LOOK_EVERY)),
                };
                *result.refusals.entry(name).or_default() += 1;
                failures += 1;
                if failures >= TRIES {
                    waiting.swap_remove(turn);
                    failures = 0;
                }
                if let Some(pause) = pause {
                    tokio::time::sleep(pause).await;
                }
                continue;
            }
        };
        let answered = Instant::now();
        failures = 0;
        result.polls += 1;
        result.latency.record(answered - asked);
        if reply.waiting() {
            if ticket.outcome.is_some() {
                result.changed += 1;
            }
            ticket.still_waits(asked, reply.count);
        } else {
            if !ticket.decided(answered, reply.queue_state, &reply.order_no) {
                result.changed += 1;
            }
            waiting.swap_remove(turn);
        }
    }
    result.elapsed = Duration::ZERO;
    Ok(result)
}
