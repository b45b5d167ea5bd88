//! `matchday hawk …`: credentials for callers of the Regist API, and what their authors need to write one.

use std::io::Read as _;
use std::path::PathBuf;

use actors::error::DomainError;
use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::BadUsage;
use crate::config::{self, Config};
use crate::service::hawk::{self, Algorithm, Class, Wanted};
use crate::service::regist::wrap::Wrapping;
use crate::startup;

/// Where `wrap-password` looks for the key when no file is named.
const KEY_VARIABLE: &str = "MATCHDAY_HAWK_KEY";

#[derive(Subcommand)]
pub enum HawkCommand {
    /// Make a credential and print its key, which is not told again
    Create {
        /// 1 to 64 letters, digits, dots, - and _
        #[arg(long)]
        id: String,
        /// official or agent
        #[arg(long)]
        class: String,
        /// sha256 or sha1
        #[arg(long, default_value = "sha256")]
        algorithm: String,
        /// The agent whose session key it is; only with --class agent
        #[arg(long, value_name = "ID")]
        agent: Option<i64>,
        /// Whose it is, for administrators
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Wrap a password as a client sends it: reads the password, prints base64
    WrapPassword(WrapPassword),
}

#[derive(Args)]
pub struct WrapPassword {
    /// File with the official session key; without it the environment variable MATCHDAY_HAWK_KEY
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File with the password; without it standard input. A line feed at the end is not part of either
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// ecb or cbc; as regist.wrap_mode unless given
    #[arg(long)]
    mode: Option<String>,
    /// 16 hex digits; as regist.wrap_iv unless given
    #[arg(long)]
    iv: Option<String>,
    /// pkcs7 or none; as regist.wrap_padding unless given
    #[arg(long)]
    padding: Option<String>,
}

impl HawkCommand {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        match self {
            Self::Create { id, class, algorithm, agent, note } => {
                let class = Class::parse(&class).ok_or_else(|| bad_usage("--class must be official or agent"))?;
                let algorithm =
                    Algorithm::parse(&algorithm).ok_or_else(|| bad_usage("--algorithm must be sha256 or sha1"))?;
                create(config, Wanted { hawk_id: id, algorithm, class, agent_id: agent, note }).await
            }
            Self::WrapPassword(command) => command.run(&config),
        }
    }
}

async fn create(mut config: Config, wanted: Wanted) -> anyhow::Result<()> {
    config::ensure_keys(&mut config)?;
    let db = startup::open_database(&config).await?;
    let vault = startup::open_vault(&config, &db).await?;
    let (id, agent) = (wanted.hawk_id.clone(), wanted.agent_id);
    let made = hawk::create_from_command_line(&db, &vault, wanted).await;
    db.close().await;
    let key = made.map_err(|error| match (&error, agent) {
        (DomainError::InvalidField { field, reason }, _) if field == "hawk_id" => bad_usage(format!("--id {reason}")),
        (DomainError::InvalidField { field, reason }, _) if field == "note" => bad_usage(format!("--note {reason}")),
        (DomainError::InvalidField { field, .. }, _) if field == "agent_id" => {
            bad_usage("--agent goes with --class agent only")
        }
        (DomainError::Conflict { .. }, _) => anyhow::anyhow!("there is a credential {id} already"),
        (DomainError::NotFound(_), Some(agent)) => anyhow::anyhow!("there is no agent {agent}"),
        _ => error.into(),
    })?;
    println!("key: {key}");
    Ok(())
}

impl WrapPassword {
    fn run(self, config: &Config) -> anyhow::Result<()> {
        let settings = &config.regist;
        let wrapping = Wrapping::parse(
            self.mode.as_deref().unwrap_or(&settings.wrap_mode),
            self.iv.as_deref().unwrap_or(&settings.wrap_iv),
            self.padding.as_deref().unwrap_or(&settings.wrap_padding),
        )
        .map_err(bad_usage)?;
        let key = match &self.key_file {
            Some(file) => text_of(file)?,
            None => {
                std::env::var(KEY_VARIABLE).map_err(|_| bad_usage(format!("--key-file or {KEY_VARIABLE} is needed")))?
            }
        };
        if key.is_empty() {
            return Err(bad_usage("the key is empty"));
        }
        let password = match &self.password_file {
            Some(file) => text_of(file)?,
            None => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("standard input")?;
                without_line_feed(text)
            }
        };
        println!("{}", wrapping.wrap_password(&key, &password)?);
        Ok(())
    }
}

fn bad_usage(reason: impl ToString) -> anyhow::Error {
    BadUsage(reason.to_string()).into()
}

fn text_of(file: &PathBuf) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    Ok(without_line_feed(text))
}

fn without_line_feed(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}
