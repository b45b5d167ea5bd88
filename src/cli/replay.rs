//! `matchday replay GAME`: the event log against what is stored.

use actors::domain::ids::GameId;

use crate::config::Config;
use crate::service::registration::replay::replay;
use crate::startup;

/// Prints what was compared. Errors when log and stored state differ.
pub async fn run(config: Config, game: i64) -> anyhow::Result<()> {
    let db = startup::open_database(&config).await?;
    let report = replay(&db, GameId(game)).await.map_err(|error| anyhow::anyhow!("game {game}: {error}"));
    db.close().await;
    let report = report?;
    println!("game {game}: {} events, {} tokens, {} orders", report.events, report.tokens, report.orders);
    for difference in &report.differences {
        println!("  {difference}");
    }
    anyhow::ensure!(report.differences.is_empty(), "log and stored state differ");
    println!("log and stored state agree");
    Ok(())
}
