//! `matchday sso-app …`: applications of SSO made and given new keys by whoever runs the server, with it running or not.

use clap::Subcommand;

use crate::config::{self, Config};
use crate::service::collections::sso_apps::{self, AppPatch, Made};
use crate::startup;

#[derive(Subcommand)]
pub enum SsoAppCommand {
    /// Make an application and print its keys, which are not shown again
    Create {
        /// At most 30 characters
        #[arg(long)]
        name: String,
        /// Where the application wants to hear of registrations
        #[arg(long, value_name = "URL")]
        notify_url: Option<String>,
    },
    /// Give an application new keys and print them
    Rotate {
        id: i64,
        /// How long the old keys stay good. Run again in this time the oldest ones do, and the ones in between are over
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        overlap_seconds: i64,
    },
}

impl SsoAppCommand {
    pub async fn run(self, mut config: Config) -> anyhow::Result<()> {
        config::ensure_keys(&mut config)?;
        let db = startup::open_database(&config).await?;
        let vault = startup::open_vault(&config, &db).await?;
        let Made { id, pair } = match self {
            Self::Create { name, notify_url } => {
                let new = AppPatch { name: Some(name), notify_url, ..AppPatch::default() };
                sso_apps::create_from_command_line(&db, &vault, config.environment, new).await?
            }
            Self::Rotate { id, overlap_seconds } => {
                sso_apps::rotate_from_command_line(&db, &vault, id, overlap_seconds).await?
            }
        };
        // On standard output and not in the log: logs are kept and copied.
        println!("app_id: {id}\napp_key: {}\napp_secret: {}", pair.key(), pair.secret());
        db.close().await;
        Ok(())
    }
}
