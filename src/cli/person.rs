//! `matchday person …`: one person's data given out and erased by whoever runs the server, with it running or not.

use actors::domain::ids::AccountId;
use clap::Subcommand;
use futures_util::StreamExt;

use crate::config::{self, Config};
use crate::service::people;
use crate::startup;
use crate::store::sql::db::DatabaseUrl;

#[derive(Subcommand)]
pub enum PersonCommand {
    /// Print everything about an account as JSON
    Export { account: i64 },
    /// Erase an account for good; orders, payments and places keep their numbers
    Erase { account: i64 },
}

impl PersonCommand {
    pub async fn run(self, mut config: Config) -> anyhow::Result<()> {
        // A new empty database would say that the person is unknown.
        if let DatabaseUrl::Sqlite(path) = startup::database_url(&config)? {
            anyhow::ensure!(path.exists(), "there is no database at {}", path.display());
        }
        config::ensure_keys(&mut config)?;
        let db = startup::open_database(&config).await?;
        let vault = startup::open_vault(&config, &db).await?;
        match self {
            Self::Export { account } => {
                let account = AccountId(account);
                people::begin_export(&db, None, account).await?;
                let mut pieces = std::pin::pin!(people::export(db.clone(), vault, account));
                while let Some(piece) = pieces.next().await {
                    print!("{}", piece?);
                }
                println!();
            }
            Self::Erase { account } => {
                let erased = people::erase_from_command_line(&db, &vault, AccountId(account)).await?;
                println!("{}", serde_json::to_string(&erased)?);
            }
        }
        db.close().await;
        Ok(())
    }
}
