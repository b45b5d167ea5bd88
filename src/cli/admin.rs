//! `matchday admin …`: administrators made and reset by whoever runs the server.

use std::io::BufRead;

use actors::domain::account::Role;
use anyhow::Context as _;
use clap::Subcommand;

use crate::config::Config;
use crate::service::{admin_links, admins};
use crate::startup;

#[derive(Subcommand)]
pub enum AdminCommand {
    /// Make an administrator
    Create {
        username: String,
        /// owner, editor, cashier or moderator
        #[arg(long, default_value = "owner")]
        role: String,
        /// Read the password from standard input; without it one is made and printed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a new password and end the administrator's sessions
    ResetPassword {
        username: String,
        /// Read the password from standard input; without it one is made and printed
        #[arg(long)]
        password_stdin: bool,
    },
    /// Print a one-time link, good for an hour, by which the administrator sets a new password
    ResetLink { username: String },
}

impl AdminCommand {
    pub async fn run(self, config: Config) -> anyhow::Result<()> {
        let db = startup::open_database(&config).await?;
        match self {
            Self::Create { username, role, password_stdin } => {
                let role: Role = serde_json::from_value(role.into())
                    .ok()
                    .context("--role must be owner, editor, cashier or moderator")?;
                let password = Password::choose(password_stdin)?;
                admins::create_from_command_line(&db, &username, &password.text, role).await?;
                password.tell();
            }
            Self::ResetPassword { username, password_stdin } => {
                let password = Password::choose(password_stdin)?;
                admins::reset_from_command_line(&db, &username, &password.text).await?;
                password.tell();
            }
            Self::ResetLink { username } => {
                let token = admin_links::create_from_command_line(&db, &username).await?;
                println!("{}", startup::admin_link(&config, None, "reset", &token));
            }
        }
        db.close().await;
        Ok(())
    }
}

struct Password {
    text: String,
    made: bool,
}

impl Password {
    fn choose(from_stdin: bool) -> anyhow::Result<Self> {
        if from_stdin {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line)?;
            return Ok(Self { text: line.trim_end_matches(['\r', '\n']).to_owned(), made: false });
        }
        let random: [u8; 16] = rand::random();
        Ok(Self { text: hex::encode(random), made: true })
    }

    /// To be called when it is in force, so that nobody notes down one that never was.
    fn tell(&self) {
        if self.made {
            println!("password: {}", self.text);
        }
    }
}
