//! Options of `matchday bench chat`.

use anyhow::ensure;
use clap::Args;

use super::stamp::STAMP_BYTES;
use crate::bench::CommonArgs;

/// Viewers from one source address; one address has some 28,000 ports.
const VIEWERS_A_SOURCE: u32 = 10_000;
/// Files the load generator needs for itself.
const SPARE_FILES: u64 = 64;

#[derive(Debug, Clone, Args)]
pub struct ChatArgs {
    #[command(flatten)]
    pub common: CommonArgs,
    /// Room to watch and to publish in.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    pub room: i64,
    /// Path of the WebSocket service.
    #[arg(long, default_value = "/ws")]
    pub path: String,
    /// Sockets that watch, as guests.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub viewers: u32,
    /// Sockets that publish, each with an account (sandbox people bench-0, bench-1, …).
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub publishers: u32,
    /// Lines a second of all publishers together; where `--saturate` begins.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub rate: u32,
    /// How long to publish at the rate, and at half of the saturation.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    /// Bytes of a line's content.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(32..=500))]
    pub size: u32,
    /// Look for the highest rate that the server sustains, then measure at half of it.
    #[arg(long)]
    pub saturate: bool,
    /// How long each rate is tried while saturating.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub step_seconds: u64,
    /// Only open the sockets and report their memory.
    #[arg(long, conflicts_with = "saturate")]
    pub idle: bool,
    /// New viewers a second; 0 = as fast as they are answered.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub connect_rate: u32,
    /// Handshakes under way at once, of each thread.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connect_inflight: u32,
    /// Loopback addresses to come from; 0 = one for each 10,000 viewers.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=250))]
    pub sources: u32,
    /// Quiet time after the last connect, before memory is read.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=60))]
    pub settle_seconds: u64,
    /// How long to wait for lines still under way after the last was published.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub drain_seconds: u64,
}

impl ChatArgs {
    /// # Errors
    /// Options that do not go together, or more sockets than this process may open (`open_files`).
    pub fn check(&self, open_files: Option<u64>) -> anyhow::Result<()> {
        ensure!(self.path.starts_with('/'), "--path must begin with a slash");
        ensure!(
            self.path.bytes().all(|byte| byte.is_ascii_graphic()),
            "--path holds a character that no request line may have"
        );
        ensure!(self.common.threads <= self.viewers, "each of the --threads needs a viewer");
        let stamp = u32::try_from(STAMP_BYTES)?;
        ensure!(self.size >= stamp, "--size must leave room for the stamp of {stamp} bytes");
        let sockets = u64::from(self.viewers) + u64::from(self.publishers) + SPARE_FILES;
        if let Some(limit) = open_files {
            ensure!(
                sockets <= limit,
                "{sockets} open files are needed and {limit} allowed: raise the limit (ulimit -n) or start two load generators"
            );
        }
        Ok(())
    }

    pub fn source_count(&self) -> u32 {
        match self.sources {
            0 => self.viewers.div_ceil(VIEWERS_A_SOURCE),
            given => given,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: ChatArgs,
    }

    fn parse(line: &str, open_files: Option<u64>) -> Result<ChatArgs, String> {
        let words = ["chat"].into_iter().chain(line.split_whitespace());
        let parsed = Line::try_parse_from(words).map_err(|error| error.to_string())?;
        parsed.args.check(open_files).map_err(|error| error.to_string())?;
        Ok(parsed.args)
    }

    #[test]
    fn defaults_fit_together() {
        let args = parse("", Some(2000)).unwrap();
        assert_eq!((args.viewers, args.publishers, args.size, args.source_count()), (1000, 1, 200, 1));
        assert_eq!(parse("--viewers 19000", None).unwrap().source_count(), 2);
        assert_eq!(parse("--viewers 19000 --sources 9", None).unwrap().source_count(), 9);
    }

    #[test]
    fn options_out_of_bounds_are_refused() {
        for line in [
            "--viewers 0",
            "--publishers 0",
            "--rate 0",
            "--size 501",
            "--size 31",
            "--seconds 0",
            "--room 0",
            "--path ws",
            "--path /a\u{7f}b",
            "--idle --saturate",
            "--viewers 2 --threads 3",
            "--sources 251",
        ] {
            assert!(parse(line, None).is_err(), "{line}");
        }
        let refused = parse("--viewers 1000", Some(1024)).err().unwrap();
        assert!(refused.contains("ulimit"), "{refused}");
    }
}
