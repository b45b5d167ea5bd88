//! `matchday doctor`: looks at everything that a server needs and says in plain words what is wrong and what to do. It
//! changes nothing, and says neither secrets nor anything of persons.

mod addresses;
mod clocks;
mod keys;
mod limits;
mod outside;
mod ports;
mod stores;

use std::fmt;

use crate::config::{Config, Faults};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    /// It works, but probably not as it is meant.
    Warning,
    /// The server does not start, or something does not work.
    Wrong,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub verdict: Verdict,
    /// A word or two.
    pub about: &'static str,
    /// What is there, or what is wrong and what to do.
    pub words: String,
}

impl Finding {
    fn ok(about: &'static str, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, about, words: words.into() }
    }

    fn warning(about: &'static str, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, about, words: words.into() }
    }

    fn wrong(about: &'static str, words: impl Into<String>) -> Self {
        Self { verdict: Verdict::Wrong, about, words: words.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "OK",
            Verdict::Warning => "WARNING",
            Verdict::Wrong => "WRONG",
        };
        write!(out, "{verdict:<8} {}: {}", self.about, self.words)
    }
}

/// All that was found, in the order in which a server needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Finding>);

impl Report {
    /// A configuration that cannot be loaded is all there is to tell.
    pub fn of_faults(faults: &Faults) -> Self {
        Self(faults.0.iter().map(|fault| Finding::wrong("configuration", fault.to_string())).collect())
    }

    pub fn has_wrong(&self) -> bool {
        self.count(Verdict::Wrong) > 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.0.iter().filter(|finding| finding.verdict == verdict).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.0 {
            writeln!(out, "{finding}")?;
        }
        let (wrong, warnings) = (self.count(Verdict::Wrong), self.count(Verdict::Warning));
        writeln!(out, "{wrong} wrong, {warnings} to look at, {} fine", self.0.len() - wrong - warnings)
    }
}

/// What the settings alone show, without a look at anything else.
pub fn of_settings(config: &Config) -> Vec<Finding> {
    let mut found = vec![keys::environment(config)];
    found.extend(addresses::examine(config));
    found.extend(limits::examine(config));
    found
}

/// Looks at everything. Takes at most some ten seconds, whatever does not answer.
pub async fn examine(mut config: Config) -> Report {
    let mut found = vec![keys::environment(&config)];
    found.extend(keys::examine(&mut config));
    let vault = keys::vault(&config);
    found.extend(stores::folder(&config));
    let (of_database, db) = stores::database(&config, vault.as_ref()).await;
    found.extend(of_database);
    let redis = stores::redis(&config).await;
    found.extend(redis.finding);
    found.extend(ports::examine(&config).await);
    found.extend(addresses::examine(&config));
    found.extend(limits::examine(&config));
    let outside = outside::examine(&config).await;
    found.extend(outside.findings);
    found.extend(clocks::examine(db.as_ref(), redis.clock, &outside.clocks).await);
    if let Some(db) = db {
        db.close().await;
    }
    Report(found)
}
