//! Options of `matchday bench opening`.

use std::str::FromStr;

use anyhow::ensure;
use clap::Args;

use super::arrival::Shape;
use crate::bench::CommonArgs;

#[derive(Debug, Clone, Args)]
pub struct OpeningArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    /// The game that opens.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    pub game: i64,
    /// People who come.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub people: u32,
    /// Accounts they share; each signs in once before the opening (sandbox people bench-0, bench-1, …).
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub accounts: u32,
    /// How they come after the opening.
    #[arg(long, value_enum, default_value_t = Shape::Decay)]
    pub arrival: Shape,
    /// Seconds in which all of them come.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=600))]
    pub over_seconds: u32,
    /// Mean seconds after which somebody who still waits stops asking; 0 = everybody waits to the end.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    pub patience_seconds: u32,
    /// Of a hundred who lose patience, how many leave the line properly; the others just stop asking.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub leave_percent: u32,
    /// Of a hundred who get an order, how many pay.
    #[arg(long, default_value_t = 85, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub pay_percent: u32,
    /// Mean seconds between the order and its payment.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=600))]
    pub pay_seconds: u32,
    /// Players of a request and how common that is, `SIZE:WEIGHT,…`.
    #[arg(long, default_value = "1:80,2:15,4:5")]
    pub groups: Groups,
    /// Of a hundred people, how many press the button twice.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub double_click_percent: u32,
    /// Of a hundred people who wait, how many load the page again and send their request once more.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(0..=100))]
    pub reload_percent: u32,
    /// Requests under way at once, each on a connection of its own.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// The day ends after this, whoever still waits.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// The same seed draws the same people.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The game shuffles those who came before its opening: being overtaken is no fault.
    #[arg(long)]
    pub shuffled: bool,
}

impl OpeningArgs {
    /// # Errors
    /// Options that do not go together.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.common.threads <= self.connections, "each of the --threads needs a connection");
        ensure!(u64::from(self.over_seconds) <= self.seconds, "--over-seconds is longer than the day, --seconds");
        Ok(())
    }

    /// Accounts that are used: no more than there are people.
    pub fn accounts(&self) -> u32 {
        self.accounts.min(self.people)
    }
}

/// Sizes of requests with their weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups(Vec<(u32, u32)>);

impl Groups {
    /// The size at `fraction` (0 to 1) of all weight.
    pub fn size_at(&self, fraction: f64) -> u32 {
        let total: u32 = self.0.iter().map(|(_, weight)| weight).sum();
        let mut left = fraction * f64::from(total);
        for (size, weight) in &self.0 {
            left -= f64::from(*weight);
            if left < 0.0 {
                return *size;
            }
        }
        self.0.last().map_or(1, |(size, _)| *size)
    }
}

impl FromStr for Groups {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let group = |part: &str| {
            let (size, weight) = part.split_once(':')?;
            let (size, weight): (u32, u32) = (size.trim().parse().ok()?, weight.trim().parse().ok()?);
            ((1..=100).contains(&size) && (1..=1_000_000).contains(&weight)).then_some((size, weight))
        };
        let groups: Option<Vec<_>> = text.split(',').map(group).collect();
        groups
            .filter(|groups| groups.len() <= 100)
            .map(Self)
            .ok_or_else(|| "expected SIZE:WEIGHT,… with sizes 1 to 100 and weights from 1".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: OpeningArgs,
    }

    fn parse(line: &str) -> Result<OpeningArgs, String> {
        let words = ["opening"].into_iter().chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.args.check().map_err(|error| error.to_string())?;
        Ok(parsed.args)
    }

    #[test]
    fn a_game_is_all_that_is_needed() {
        let args = parse("--game 1").unwrap();
        assert_eq!((args.people, args.accounts(), args.arrival), (20_000, 1_000, Shape::Decay));
        assert_eq!(parse("--game 1 --people 7").unwrap().accounts(), 7);
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        for line in [
            "",
            "--game 0",
            "--game 1 --people 200001",
            "--game 1 --pay-percent 101",
            "--game 1 --arrival sometimes",
            "--game 1 --over-seconds 301",
            "--game 1 --threads 8 --connections 4",
            "--game 1 --groups 1",
            "--game 1 --groups 0:1",
            "--game 1 --groups 101:1",
            "--game 1 --groups 1:0",
            "--game 1 --groups 1:1,,2:1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn groups_come_by_weight() {
        let groups: Groups = "1:70, 2:20,4:10".parse().unwrap();
        let sizes = [0.0, 0.69, 0.71, 0.89, 0.91, 0.999, 1.0].map(|fraction| groups.size_at(fraction));
        assert_eq!(sizes, [1, 1, 2, 2, 4, 4, 4]);
    }
}
