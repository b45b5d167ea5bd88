//! Polls against the cheapest thing the server can do: the same connections, in turn with `GET /healthz`, so that a
//! slow moment of the machine hits both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Plan;
use super::tickets::Ticket;
use crate::bench::http::{self, HttpConnection};
use crate::bench::load::{on_threads, share};
use crate::bench::process::Usage;
use crate::bench::registration::poll_request;
use crate::bench::report::{Figures, Latency};

const ROUNDS: u32 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Poll,
    Health,
}

struct Side {
    call: Call,
    answers: u64,
    failures: u64,
    elapsed: Duration,
    cpu_seconds: Option<f64>,
    latency: Latency,
}

impl Side {
    fn new(call: Call) -> anyhow::Result<Self> {
        Ok(Self { call, answers: 0, failures: 0, elapsed: Duration::ZERO, cpu_seconds: None, latency: Latency::new()? })
    }

    fn per_second(&self) -> f64 {
        self.answers as f64 / self.elapsed.as_secs_f64()
    }

    fn cpu_per_million(&self) -> Option<f64> {
        let cpu = self.cpu_seconds.filter(|_| self.answers > 0)?;
        Some(cpu * 1e6 / self.answers as f64)
    }
}

/// Runs both sides for the plan's seconds each and adds what they did to `figures`.
pub async fn compare(plan: &Arc<Plan>, tickets: &[Ticket], figures: &mut Figures) -> anyhow::Result<()> {
    let tickets: Arc<[Ticket]> = tickets.into();
    anyhow::ensure!(!tickets.is_empty(), "--poll-baseline: there is no token to poll");
    let mut sides = [Side::new(Call::Poll)?, Side::new(Call::Health)?];
    let slice = Duration::from_secs(plan.args.seconds) / ROUNDS;
    for _ in 0..ROUNDS {
        for side in &mut sides {
            run_slice(plan, &tickets, side, slice).await?;
        }
    }
    let [polls, health] = &sides;
    for (name, side) in [("baseline poll", polls), ("baseline healthz", health)] {
        figures.rate(name, side.answers, side.elapsed);
        figures.latency(name, &side.latency);
        figures.count(format!("{name} failures"), side.failures);
        if let Some(cpu) = side.cpu_per_million() {
            figures.add(format!("{name} server CPU per million"), "s", cpu);
        }
    }
    figures.add("poll rate of healthz rate", "", polls.per_second() / health.per_second());
    if let (Some(poll), Some(empty)) = (polls.cpu_per_million(), health.cpu_per_million()) {
        figures.add("poll CPU of healthz CPU", "", poll / empty);
    }
    Ok(())
}

async fn run_slice(plan: &Arc<Plan>, tickets: &Arc<[Ticket]>, side: &mut Side, slice: Duration) -> anyhow::Result<()> {
    let (call, threads) = (side.call, plan.args.common.threads);
    let before = plan.usage()?;
    let started = Instant::now();
    let deadline = started + slice;
    let work = {
        let (plan, tickets) = (Arc::clone(plan), Arc::clone(tickets));
        move |thread| {
            let (plan, tickets) = (Arc::clone(&plan), Arc::clone(&tickets));
            async move {
                let lanes = share(plan.args.poll_connections, thread, threads);
                let lane = |index| lane(&plan, &tickets, call, index * threads + thread, deadline);
                futures_util::future::try_join_all((0..lanes).map(lane)).await
            }
        }
    };
    let threads = on_threads(threads, work).await?;
    side.elapsed += started.elapsed();
    for lanes in threads {
        for (answers, failures, latency) in lanes? {
            side.answers += answers;
            side.failures += failures;
            side.latency.merge(&latency);
        }
    }
    if let (Some(Usage { cpu_seconds: before, .. }), Some(after)) = (before, plan.usage()?) {
        *side.cpu_seconds.get_or_insert(0.0) += after.cpu_seconds - before;
    }
    Ok(())
}

async fn lane(
    plan: &Plan,
    tickets: &[Ticket],
    call: Call,
    first: u32,
    deadline: Instant,
) -> anyhow::Result<(u64, u64, Latency)> {
    let (mut answers, mut failures, mut latency) = (0, 0, Latency::new()?);
    let mut connection = HttpConnection::new(plan.target.clone(), plan.timeout());
    let mut request = Vec::new();
    http::get(&mut request, &plan.target.authority, "/healthz");
    let stride = usize::try_from(plan.args.poll_connections)?;
    let mut turn = usize::try_from(first)? % tickets.len();
    while Instant::now() < deadline {
        if call == Call::Poll {
            let ticket = &tickets[turn];
            let session = plan.session(ticket.account).unwrap_or_default();
            poll_request(&mut request, &plan.target, session, &ticket.token);
            turn = (turn + stride) % tickets.len();
        }
        let asked = Instant::now();
        match connection.exchange(&request).await {
            Ok(response) if response.status == 200 => {
                latency.record(asked.elapsed());
                answers += 1;
            }
            Ok(_) => failures += 1,
            Err(_) => {
                failures += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
    }
    Ok((answers, failures, latency))
}
