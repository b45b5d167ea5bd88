//! The demo data: put into an empty database when asked for, and never served in production, for its keys are public.

use actors::error::DomainError;
use anyhow::Context as _;

use crate::config::{Config, Environment};
use crate::store::sql::db::Db;
use crate::store::sql::demo as store;
use crate::vault::Vault;

/// To be called after the database is open and before anything reads it.
///
/// Errors: production with demo rows, a database that does not answer.
pub async fn prepare(db: &Db, vault: &Vault, config: &Config) -> anyhow::Result<()> {
    if config.environment == Environment::Production {
        let found = store::present(db, vault).await?;
        anyhow::ensure!(
            found.is_empty(),
            "production refuses to run with demo data; found in the tables: {}",
            found.join(", ")
        );
    }
    if config.demo && store::is_empty(db).await? {
        let now = db.now_ms();
        let vault = vault.clone();
        let inserted = db.write(move |tx| Box::pin(async move { store::insert(tx, &vault, now).await })).await;
        match inserted {
            Ok(()) => tracing::info!("demo data inserted"),
            // Another node that started together with this one was first.
            Err(DomainError::Conflict { .. }) => {}
            Err(error) => return Err(error).context("inserting the demo data"),
        }
    }
    Ok(())
}
