//! `matchday bench`: the load generator with which operators rehearse an opening day. It speaks to a running server over
//! the network only, never reaches into it, and bounds every run in count and time.

mod chat;
mod http;
mod line_order;
mod load;
mod opening;
mod players;
mod process;
mod queue;
mod registration;
mod report;
mod target;

use clap::{Args, Subcommand};

pub use chat::ChatArgs;
pub use opening::OpeningArgs;
pub use queue::QueueArgs;

/// Load a running server and report what it did.
#[derive(Debug, Clone, Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    pub command: BenchCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub enum BenchCommand {
    /// Queue for places of a game and poll the tokens until they are decided.
    Queue(QueueArgs),
    /// Live through an opening day: people come, wait, lose patience, pay or do not.
    Opening(OpeningArgs),
    /// Watch one chat room with many sockets and publish lines into it.
    Chat(ChatArgs),
}

/// What every benchmark needs to know.
#[derive(Debug, Clone, Args)]
pub struct CommonArgs {
    /// Origin of the server, plain HTTP.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// Allow a server that is not on this machine. Only load what is yours.
    #[arg(long)]
    pub i_own_this_server: bool,
    /// Process id of the server: reports its CPU seconds and memory.
    #[arg(long)]
    pub pid: Option<u32>,
    /// Repeat the whole measurement; the medians count.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub runs: u32,
    /// Threads of the load generator.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub threads: u32,
    /// Seconds after which one unanswered request or handshake counts as failed.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout_seconds: u64,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub json: bool,
}

/// Runs the benchmark and prints its report on standard output.
///
/// # Errors
/// The server cannot be reached or refuses the load, an option does not fit, or the report shows a broken promise (a
/// line lost, an order reversed); in that last case the report is printed first.
pub async fn run(args: BenchArgs) -> anyhow::Result<()> {
    match args.command {
        BenchCommand::Queue(queue_args) => queue::run(queue_args).await,
        BenchCommand::Opening(opening_args) => opening::run(opening_args).await,
        BenchCommand::Chat(chat_args) => chat::run(chat_args).await,
    }
}
