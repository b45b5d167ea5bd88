//! Options of `matchday bench queue`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args, ValueEnum};

use crate::bench::CommonArgs;

#[derive(Debug, Clone, Args)]
pub struct QueueArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    /// The game to queue for.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    pub game: i64,
    /// People who sign in (sandbox people bench-0, bench-1, …).
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub accounts: u32,
    /// Queue tokens to ask for.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub tokens: u32,
    /// Players of a token.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub group: u32,
    /// Connections that ask for tokens, one request at a time each.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Connections that poll.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub poll_connections: u32,
    /// Poll until every token is decided, at most this long; enqueueing is cut off after ten times as long.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub seconds: u64,
    /// Go on polling for the whole time, decided tokens too.
    #[arg(long)]
    pub full_time: bool,
    /// Compare polls with `GET /healthz`, in turn and over the same connections, for `--seconds` each.
    #[arg(long)]
    pub poll_baseline: bool,
    #[arg(long, value_enum, default_value_t = Phase::Both)]
    pub phase: Phase,
    /// Where `--phase enqueue` leaves the tokens and `--phase poll` finds them.
    #[arg(long)]
    pub tokens_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Phase {
    Enqueue,
    Poll,
    Both,
}

impl QueueArgs {
    /// # Errors
    /// Options that do not go together.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.phase != Phase::Poll || self.tokens_file.is_some(),
            "--phase poll needs --tokens-file with what --phase enqueue left"
        );
        ensure!(
            self.phase != Phase::Enqueue || !self.poll_baseline,
            "--poll-baseline polls: it does not go with --phase enqueue"
        );
        ensure!(
            self.common.threads <= self.connections && self.common.threads <= self.poll_connections,
            "each of the --threads needs a connection"
        );
        ensure!(
            u64::from(self.tokens) * u64::from(self.group) <= u64::from(u32::MAX),
            "more players than there are passport numbers in a run"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: QueueArgs,
    }

    fn parse(line: &str) -> Result<QueueArgs, String> {
        let words = ["queue"].into_iter().chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.args.check().map_err(|error| error.to_string())?;
        Ok(parsed.args)
    }

    #[test]
    fn a_game_is_all_that_is_needed() {
        let args = parse("--game 1").unwrap();
        assert_eq!((args.tokens, args.connections, args.phase), (10_000, 64, Phase::Both));
        assert_eq!(args.common.url, "http://127.0.0.1:8080");
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        for line in [
            "",
            "--game 0",
            "--game x",
            "--game 1 --tokens 0",
            "--game 1 --connections 100000",
            "--game 1 --group 101",
            "--game 1 --seconds 0",
            "--game 1 --phase poll",
            "--game 1 --phase enqueue --poll-baseline",
            "--game 1 --threads 8 --connections 4",
            "--game 1 --tokens 5000000 --group 100 --runs 101",
            "--game 1 --runs 0",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--game 1 --phase poll --tokens-file t").is_ok());
    }
}
