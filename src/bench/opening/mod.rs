//! `matchday bench opening`: a whole opening day against a running server. People come, wait as the pages do, lose
//! patience, press twice, pay or do not; the report says what they lived through.

mod args;
mod arrival;
mod books;
mod day;
mod person;
mod schedule;
mod summary;
mod tallies;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

pub use args::OpeningArgs;

use self::books::Watched;
use self::person::{Person, crowd};
use self::summary::Day;
use self::tallies::Tallies;
use super::load::on_threads;
use super::players::Passports;
use super::process;
use super::registration::sign_in_all;
use super::report::{Figures, Report};
use super::target::Target;

/// Between the last preparation and the opening.
const LEAD: Duration = Duration::from_millis(50);

/// What all threads of a day share.
struct Plan {
    args: OpeningArgs,
    target: Target,
    sessions: Vec<String>,
    passports: Passports,
    opening: Instant,
    crowd: Vec<Person>,
}

impl Plan {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.args.common.timeout_seconds)
    }
}

/// # Errors
/// As [`super::run`].
pub async fn run(args: OpeningArgs) -> anyhow::Result<()> {
    args.check()?;
    let common = args.common.clone();
    let target = Target::resolve(&common.url, common.i_own_this_server).await?;
    let sessions = sign_in_all(&target, args.accounts(), Duration::from_secs(common.timeout_seconds)).await?;
    let mut report = Report { benchmark: "opening", runs: Vec::new(), faults: Vec::new() };
    for number in 1..=common.runs {
        let opening = Instant::now() + LEAD;
        let plan = Plan {
            target: target.clone(),
            sessions: sessions.clone(),
            passports: Passports::new(rand::random()),
            opening,
            crowd: crowd(&args, opening),
            args: args.clone(),
        };
        let (mut figures, mut faults) = (Figures::default(), Vec::new());
        measure(plan, &mut figures, &mut faults).await?;
        report.runs.push(figures);
        report.faults.extend(faults.into_iter().map(|fault| format!("run {number}: {fault}")));
    }
    report.finish(common.json)
}

async fn measure(plan: Plan, figures: &mut Figures, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let plan = Arc::new(plan);
    let usage = || plan.args.common.pid.map(process::usage).transpose();
    let books_before = books::read(&plan).await?;
    let usage_before = usage()?;
    let work = {
        let plan = Arc::clone(&plan);
        move |thread| day::live(Arc::clone(&plan), thread)
    };
    let watched = Cell::new(Watched::default());
    let lived = tokio::select! {
        lived = on_threads(plan.args.common.threads, work) => lived?,
        () = books::watch(&plan, &watched) => anyhow::bail!("the watch of the places ended"),
    };
    let usage_after = usage()?;
    let books_after = books::read(&plan).await.context("after the day")?;
    let mut tallies = Tallies::new(plan.opening)?;
    let mut people = Vec::with_capacity(plan.crowd.len());
    for thread in lived {
        let thread = thread?;
        tallies.absorb(thread.tallies);
        people.extend(thread.people);
    }
    let day = Day {
        opening: plan.opening,
        people: &people,
        tallies: &tallies,
        watched: watched.get(),
        books: books_before.zip(books_after),
        shuffled: plan.args.shuffled,
    };
    day.report(figures, faults)?;
    let requests = tallies.join.count() + tallies.poll.count() + tallies.pay.count();
    figures.server("day", usage_before, usage_after, requests);
    Ok(())
}
