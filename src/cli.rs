//! The command line. Exit codes: 0 fine, 1 failed while running, 2 bad usage or configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use actors::error::DomainError;
use clap::{Args, Parser, Subcommand};

use crate::config::{Faults, Loaded, Sources};
use crate::doctor::Verdict;
use crate::failpoints;
use crate::startup::{self, Application};
use crate::store::sql::backup;
use crate::telemetry;

mod admin;
mod doctor;
mod draw;
mod hawk;
mod person;
mod replay;
mod sso_app;

const BAD_USAGE: u8 = 2;

/// What was asked cannot be done as it was asked: ends the program with code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadUsage(String);

/// The code of a command that failed.
fn code(error: &anyhow::Error) -> ExitCode {
    let named = |error: &DomainError| matches!(error, DomainError::InvalidField { .. });
    let bad_usage = error.is::<BadUsage>() || error.downcast_ref().is_some_and(named);
    if bad_usage { ExitCode::from(BAD_USAGE) } else { ExitCode::FAILURE }
}

/// One server for a sports event: queue for a place, pay for it, watch the live stream and chat.
#[derive(Parser)]
#[command(name = "matchday", version)]
struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Settings {
    /// Folder of development.toml, production.toml, …; files in it go on top of the built-in ones
    #[arg(long, global = true, value_name = "FOLDER")]
    config_dir: Option<PathBuf>,
    /// Address of the HTTP port
    #[arg(long, global = true, value_name = "ADDRESS")]
    bind: Option<String>,
    /// Address of the chat port; empty: off
    #[arg(long, global = true, value_name = "ADDRESS")]
    chat_bind: Option<String>,
    /// Address of metrics; empty: off
    #[arg(long, global = true, value_name = "ADDRESS")]
    internal_bind: Option<String>,
    /// Folder of uploads, generated secrets and the default database
    #[arg(long, global = true, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// sqlite:PATH or postgres://…
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// redis://…; empty: one node
    #[arg(long, global = true, value_name = "URL")]
    redis_url: Option<String>,
    /// Put the demo data into an empty database
    #[arg(long, global = true, value_name = "BOOL")]
    demo: Option<String>,
    /// Log filter, such as info,matchday=debug
    #[arg(long, global = true, value_name = "FILTER")]
    log_level: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server (the default)
    Serve,
    /// Check the configuration and print it with secrets masked
    CheckConfig,
    /// Look at keys, clocks, databases, ports and providers, and say in plain words what is wrong
    Doctor,
    /// Bring the database to the newest schema
    Migrate,
    /// Administrators' accounts
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// One person's data
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// Applications that register people by SSO
    #[command(subcommand)]
    SsoApp(sso_app::SsoAppCommand),
    /// Callers of the Regist API
    #[command(subcommand)]
    Hawk(hawk::HawkCommand),
    /// Drawn games
    #[command(subcommand)]
    Draw(draw::DrawCommand),
    /// Copy the SQLite database into a new file, while the server runs
    Backup { file: PathBuf },
    /// Put a backup where the configured SQLite database should be and is not
    Restore { file: PathBuf },
    /// Rebuild a game's line from its event log and compare it with what is stored
    Replay { game: i64 },
    /// Load a running server and report what it did
    Bench(crate::bench::BenchArgs),
}

impl Settings {
    fn load(&self) -> Result<Loaded, ExitCode> {
        self.judged().map_err(|faults| {
            eprintln!("{faults}");
            ExitCode::from(BAD_USAGE)
        })
    }

    fn judged(&self) -> Result<Loaded, Faults> {
        let given = [
            ("--bind", "server.bind", &self.bind),
            ("--chat-bind", "chat.bind", &self.chat_bind),
            ("--internal-bind", "internal.bind", &self.internal_bind),
            ("--data-dir", "data_dir", &self.data_dir),
            ("--database-url", "database.url", &self.database_url),
            ("--redis-url", "redis.url", &self.redis_url),
            ("--demo", "demo", &self.demo),
            ("--log-level", "log.level", &self.log_level),
        ];
        let flags = given.into_iter().filter_map(|(flag, key, value)| Some((flag, key, value.clone()?))).collect();
        Sources::from_process(self.config_dir.clone(), flags).load()
    }
}

/// Parses the process's arguments and runs the command. Bad usage ends the process with code 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => cli.settings.load().map(serve),
        Command::CheckConfig => cli.settings.load().map(|loaded| {
            check_config(&loaded);
            Ok(())
        }),
        Command::Doctor => Err(doctor::run(cli.settings.judged())),
        Command::Migrate => cli.settings.load().map(|loaded| run(startup::migrate(loaded.config))),
        Command::Admin(command) => cli.settings.load().map(|loaded| run(command.run(loaded.config))),
        Command::Person(command) => cli.settings.load().map(|loaded| run(command.run(loaded.config))),
        Command::SsoApp(command) => cli.settings.load().map(|loaded| run(command.run(loaded.config))),
        Command::Hawk(command) => cli.settings.load().map(|loaded| run(command.run(loaded.config))),
        Command::Draw(command) => Ok(command.run()),
        Command::Backup { file } => cli
            .settings
            .load()
            .map(|loaded| run(async move { backup::backup(&startup::database_url(&loaded.config)?, &file).await })),
        Command::Restore { file } => cli
            .settings
            .load()
            .map(|loaded| run(async move { backup::restore(&startup::database_url(&loaded.config)?, &file).await })),
        Command::Replay { game } => cli.settings.load().map(|loaded| run(replay::run(loaded.config, game))),
        Command::Bench(args) => Ok(run(crate::bench::run(args))),
    };
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => {
            eprintln!("matchday: {error:#}");
            code(&error)
        }
        Err(code) => code,
    }
}

/// The settings on standard output, and what is probably not meant by them on standard error.
fn check_config(loaded: &Loaded) {
    print!("{}", loaded.masked_toml());
    for finding in crate::doctor::of_settings(&loaded.config) {
        if finding.verdict != Verdict::Ok {
            eprintln!("{finding}");
        }
    }
}

fn serve(loaded: Loaded) -> anyhow::Result<()> {
    telemetry::init(&loaded.config.log)?;
    failpoints::arm()?;
    run(async move {
        let application = Application::build(loaded.config).await?;
        application.stop_on_signals()?;
        application.run_until_stopped().await
    })
}

fn run(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    actix_rt::System::new().block_on(work)
}
