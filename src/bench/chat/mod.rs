//! `matchday bench chat`: one room, many viewers, some publishers. Reports deliveries, latency, loss, disorder, and what
//! the server spent on them.

mod args;
mod greeting;
mod publisher;
mod stamp;
mod step;
mod viewer;
mod websocket;

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::watch;

pub use args::ChatArgs;

use self::publisher::Publishers;
use self::stamp::Clock;
use self::step::{Step, look_for_saturation};
use self::viewer::{Shard, watch_room};
use super::load::on_threads;
use super::process::{self, Usage};
use super::registration::sign_in_all;
use super::report::{Figures, Latency, Report};
use super::target::Target;

/// How often the main thread looks at the viewers' counters.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// # Errors
/// As [`super::run`].
pub async fn run(args: ChatArgs) -> anyhow::Result<()> {
    args.check(process::open_file_limit())?;
    let common = args.common.clone();
    let target = Target::resolve(&common.url, common.i_own_this_server).await?;
    let limit = Duration::from_secs(common.timeout_seconds);
    let sessions = if args.idle { Vec::new() } else { sign_in_all(&target, args.publishers, limit).await? };
    let mut report = Report { benchmark: "chat", runs: Vec::new(), faults: Vec::new() };
    for number in 1..=common.runs {
        let mut run = Run { fresh: number == 1, ..Run::default() };
        let room = Room::new(&args, target.clone())?;
        room.measure(&sessions, &mut run).await?;
        let name_run = |fault| format!("run {number}: {fault}");
        report.faults.extend(run.faults.into_iter().map(name_run));
        report.runs.push(run.figures);
    }
    report.finish(common.json)
}

#[derive(Default)]
struct Run {
    /// Memory grows by what new sockets need only on a server that has not served others before.
    fresh: bool,
    figures: Figures,
    faults: Vec<String>,
}

/// The room under load: its viewers' counters and the means to stop them.
struct Room {
    args: ChatArgs,
    target: Target,
    clock: Clock,
    shards: Vec<Arc<Shard>>,
    stop: watch::Sender<bool>,
}

impl Room {
    fn new(args: &ChatArgs, target: Target) -> anyhow::Result<Self> {
        let shards = (0..args.common.threads).map(|_| Shard::new().map(Arc::new));
        Ok(Self {
            args: args.clone(),
            target,
            clock: Clock::start(),
            shards: shards.collect::<anyhow::Result<_>>()?,
            stop: watch::Sender::new(false),
        })
    }

    fn usage(&self) -> anyhow::Result<Option<Usage>> {
        self.args.common.pid.map(process::usage).transpose()
    }

    fn sum(&self, counter: impl Fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards.iter().map(|shard| counter(shard).load(Relaxed)).sum()
    }

    /// All viewers' latencies of lines since the last call.
    fn take_latency(&self) -> anyhow::Result<Latency> {
        let mut all = Latency::new()?;
        for shard in &self.shards {
            let mut latency = shard.latency.lock().unwrap_or_else(PoisonError::into_inner);
            all.merge(&latency);
            latency.clear();
        }
        Ok(all)
    }

    /// Runs everything and ends the viewers, whatever happened.
    async fn measure(&self, sessions: &[String], run: &mut Run) -> anyhow::Result<()> {
        let viewers = {
            let (args, target, clock) = (self.args.clone(), self.target.clone(), self.clock);
            let (shards, stop) = (self.shards.clone(), self.stop.subscribe());
            on_threads(self.args.common.threads, move |thread| {
                let shard = shards.iter().zip(0..).find(|(_, index)| *index == thread);
                let shard = shard.map(|(shard, _)| Arc::clone(shard));
                let (args, target, stop) = (args.clone(), target.clone(), stop.clone());
                async move {
                    if let Some(shard) = shard {
                        watch_room(args, target, shard, clock, thread, stop).await;
                    }
                }
            })
        };
        let measured = async {
            let result = self.measure_open_room(sessions, run).await;
            self.stop.send_replace(true);
            result
        };
        let (viewers, measured) = tokio::join!(viewers, measured);
        self.report_reasons(run);
        viewers.and(measured)
    }

    async fn measure_open_room(&self, sessions: &[String], run: &mut Run) -> anyhow::Result<()> {
        self.wait_for_viewers(run).await?;
        if self.args.idle {
            return Ok(());
        }
        let publishers = Publishers::open(&self.args, &self.target, sessions, self.clock).await?;
        if !self.args.saturate {
            let rate = f64::from(self.args.rate);
            let step = self.run_step(&publishers, rate, Duration::from_secs(self.args.seconds)).await?;
            step.report("lines", run);
            return Ok(());
        }
        let Some(best) = look_for_saturation(self, &publishers, run).await? else {
            bail!("not even {} lines/s are sustained: begin lower with --rate", self.args.rate);
        };
        best.report("saturated", run);
        let length = Duration::from_secs(self.args.seconds);
        // The search may have ended with a publisher's socket.
        drop(publishers);
        let publishers = Publishers::open(&self.args, &self.target, sessions, self.clock).await?;
        let half = self.run_step(&publishers, best.rate / 2.0, length).await?;
        half.report("half load", run);
        Ok(())
    }

    async fn wait_for_viewers(&self, run: &mut Run) -> anyhow::Result<()> {
        let wanted = u64::from(self.args.viewers);
        let before = self.usage()?;
        let started = self.clock.now();
        let paced = u64::from(self.args.viewers / self.args.connect_rate.max(1));
        let longest = Duration::from_secs(60 + self.args.common.timeout_seconds + paced);
        let deadline = Instant::now() + longest;
        while self.sum(|shard| &shard.ready) + self.sum(|shard| &shard.failed) < wanted {
            ensure!(Instant::now() < deadline, "the viewers were not all answered in {longest:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (ready, failed) = (self.sum(|shard| &shard.ready), self.sum(|shard| &shard.failed));
        let last = self.shards.iter().map(|shard| shard.last_ready.load(Relaxed)).max();
        let elapsed = Duration::from_micros(last.unwrap_or(started).saturating_sub(started));
        let connected = self.usage()?;
        tokio::time::sleep(Duration::from_secs(self.args.settle_seconds)).await;
        let settled = self.usage()?;
        let figures = &mut run.figures;
        figures.count("viewers", ready);
        figures.count("viewers refused", failed);
        figures.rate("connects", ready, elapsed);
        let mut connecting = Latency::new()?;
        for shard in &self.shards {
            connecting.merge(&shard.connecting.lock().unwrap_or_else(PoisonError::into_inner));
        }
        figures.latency("connect", &connecting);
        figures.server("connect", before, connected, ready);
        if let (true, Some(before), Some(settled)) = (run.fresh, before, settled) {
            let grown = settled.resident_bytes as f64 - before.resident_bytes as f64;
            figures.add("memory per idle socket, first run", "KiB", grown / 1024.0 / ready.max(1) as f64);
        }
        if failed > 0 {
            run.faults.push(format!("{failed} viewers were refused"));
        }
        ensure!(ready > 0, "no viewer could join: {}", self.first_reason());
        Ok(())
    }

    fn first_reason(&self) -> String {
        self.shards
            .iter()
            .find_map(|shard| {
                let reasons = shard.reasons.lock().unwrap_or_else(PoisonError::into_inner);
                reasons.keys().next().cloned()
            })
            .unwrap_or_default()
    }

    fn report_reasons(&self, run: &mut Run) {
        for shard in &self.shards {
            let reasons = shard.reasons.lock().unwrap_or_else(PoisonError::into_inner);
            for (reason, count) in reasons.iter().take(16) {
                run.figures.count(format!("sockets ended: {reason}"), *count);
            }
        }
    }

    /// Publishes at `rate` for `length`, waits for what is under way, and says what arrived.
    async fn run_step(&self, publishers: &Publishers, rate: f64, length: Duration) -> anyhow::Result<Step> {
        self.take_latency()?;
        publishers.take_latency()?;
        let before = self.counts(publishers);
        let usage_before = self.usage()?;
        let schedule = publisher::Schedule::new(rate, length);
        let longest = length * 2 + Duration::from_secs(self.args.drain_seconds);
        let published = tokio::time::timeout(longest, publishers.publish(schedule));
        let sent = match published.await {
            Ok(sent) => sent.context("publishing")?,
            Err(_) => bail!("the server took the lines of {length:?} for more than {longest:?} and no end"),
        };
        tokio::time::sleep_until((schedule.start + length).into()).await;
        let at_end = self.counts(publishers).since(&before);
        let deadline = Instant::now() + Duration::from_secs(self.args.drain_seconds);
        let alive = self.sum(|shard| &shard.ready) - before.closed;
        let mut last_change = (at_end.delivered, Instant::now());
        let counts = loop {
            let counts = self.counts(publishers).since(&before);
            if counts.delivered > last_change.0 {
                last_change = (counts.delivered, Instant::now());
            }
            let answered = counts.saved + counts.refused >= sent;
            if (answered && counts.delivered >= counts.saved * alive) || Instant::now() >= deadline {
                break counts;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        Ok(Step {
            rate,
            sent,
            viewers: alive,
            counts,
            delivered_at_end: at_end.delivered,
            delivering: last_change.1 - schedule.start,
            latency: self.take_latency()?,
            saving: publishers.take_latency()?,
            refusals: publishers.take_refusals(),
            usage: (usage_before, self.usage()?),
        })
    }

    fn counts(&self, publishers: &Publishers) -> step::Counts {
        step::Counts {
            saved: publishers.echoes.saved.load(Relaxed),
            received: publishers.echoes.received.load(Relaxed),
            refused: publishers.echoes.refused.load(Relaxed),
            delivered: self.sum(|shard| &shard.delivered),
            passed_over: self.sum(|shard| &shard.passed_over),
            late: self.sum(|shard| &shard.late),
            duplicates: self.sum(|shard| &shard.duplicates),
            closed: self.sum(|shard| &shard.closed),
            bytes: self.sum(|shard| &shard.bytes),
            reads: self.sum(|shard| &shard.reads),
        }
    }
}
