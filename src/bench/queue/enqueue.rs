//! The first half of the benchmark: ask for queue tokens as fast as the server acknowledges them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::Plan;
use super::tickets::Ticket;
use crate::bench::http::{self, HttpConnection};
use crate::bench::load::{on_threads, share};
use crate::bench::players::{Passports, enqueue_body};
use crate::bench::registration::{Refusals, Reply, ask, merge, outcome_name, refusal_name};
use crate::bench::report::Latency;

/// How often a request that met a busy server is made again.
const TRIES: u32 = 20;

pub struct Enqueued {
    pub tickets: Vec<Ticket>,
    pub latency: Latency,
    pub refusals: Refusals,
    /// Outcomes told at once, without a token.
    pub at_once: Refusals,
    pub started: Instant,
    pub elapsed: Duration,
}

impl Enqueued {
    fn empty(started: Instant) -> anyhow::Result<Self> {
        Ok(Self {
            tickets: Vec::new(),
            latency: Latency::new()?,
            refusals: Refusals::new(),
            at_once: Refusals::new(),
            started,
            elapsed: Duration::ZERO,
        })
    }

    fn absorb(&mut self, other: Self) {
        self.tickets.extend(other.tickets);
        self.latency.merge(&other.latency);
        merge(&mut self.refusals, other.refusals);
        merge(&mut self.at_once, other.at_once);
    }
}

/// Asks for all tokens of the plan, each exactly once unless the server was busy.
pub async fn enqueue(plan: &Arc<Plan>, passports: Passports) -> anyhow::Result<Enqueued> {
    let next = Arc::new(AtomicU32::new(0));
    let started = Instant::now();
    let deadline = started + Duration::from_secs(plan.args.seconds * 10);
    let threads = plan.args.common.threads;
    let work = {
        let plan = Arc::clone(plan);
        move |thread| {
            let (plan, next) = (Arc::clone(&plan), Arc::clone(&next));
            async move {
                let lanes = share(plan.args.connections, thread, threads);
                let lane = |_| lane(&plan, passports, &next, deadline);
                futures_util::future::try_join_all((0..lanes).map(lane)).await
            }
        }
    };
    let threads = on_threads(threads, work).await?;
    let mut all = Enqueued::empty(started)?;
    all.elapsed = started.elapsed();
    for lanes in threads {
        lanes?.into_iter().for_each(|lane| all.absorb(lane));
    }
    Ok(all)
}

async fn lane(plan: &Plan, passports: Passports, next: &AtomicU32, deadline: Instant) -> anyhow::Result<Enqueued> {
    let mut result = Enqueued::empty(Instant::now())?;
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let (mut body, mut request) = (String::new(), Vec::new());
    let accounts = u32::try_from(plan.sessions.len())?;
    while Instant::now() < deadline {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.args.tokens {
            break;
        }
        let account = number % accounts;
        let session = plan.session(account);
        enqueue_body(&mut body, plan.args.game, passports, number * plan.args.group, plan.args.group);
        http::post_json(&mut request, &plan.target.authority, "/api/reg", session, &body);
        for _ in 0..TRIES {
            let asked = Instant::now();
            let answer = ask(&mut connection, &request).await;
            match answer {
                Ok(reply) if reply.result == 0 => {
                    let acknowledged = Instant::now();
                    result.latency.record(acknowledged - asked);
                    if reply.token.is_empty() {
                        let name = outcome_name(reply.queue_state).unwrap_or("no token");
                        *result.at_once.entry(name.to_owned()).or_default() += 1;
                    } else {
                        let ticket = Ticket::new(account, reply.token, asked, acknowledged, reply.count);
                        result.tickets.push(ticket);
                    }
                    break;
                }
                Ok(reply) => {
                    *result.refusals.entry(refusal_name(&reply)).or_default() += 1;
                    if reply.result != Reply::BUSY || Instant::now() >= deadline {
                        break;
                    }
                    tokio::time::sleep(reply.pause()).await;
                }
                Err(refusal) => {
                    *result.refusals.entry(refusal).or_default() += 1;
                    break;
                }
            }
        }
    }
    Ok(result)
}
