//! The places of many games from one file, in one transaction.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::state::MOST_PLACES;
use serde_json::json;

use super::rows::{self, Imported, Record, RowFaults};
use super::sheet;
use crate::context::Context;
use crate::service::registration::places_changed;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::{audit, quota};

const COLUMNS: [(&str, &str); 3] = [("game_id", "比赛编号"), ("limitation", "名额"), ("balance", "剩余名额")];

struct Wish {
    line: u64,
    game: GameId,
    limitation: i64,
    /// None: all that is free.
    balance: Option<i64>,
}

/// Sets the places of all games of a file, or of none; answers how many games. Doing it again changes nothing more.
///
/// Errors: `Malformed`, `InvalidField` for headings and too many rows, `Busy`. Wrong rows are an answer.
pub async fn import_places(
    context: &Context,
    admin: &Admin,
    file: bytes::Bytes,
    dry_run: bool,
) -> Result<Imported<usize>> {
    let text = sheet::decode(&file)?;
    let name = |heading: &str| {
        let heading = heading.trim().to_lowercase();
        COLUMNS.into_iter().find(|(english, chinese)| heading == *english || heading == *chinese).map(|(name, _)| name)
    };
    let (names, records) = rows::read(&text, name, &["game_id", "limitation"])?;
    let mut faults = RowFaults::default();
    let mut wishes: Vec<Wish> = records.iter().filter_map(|row| wish(row, &names, &mut faults)).collect();
    // Lock order: games by their ids.
    wishes.sort_by_key(|wish| (wish.game, wish.line));
    for pair in wishes.windows(2).filter(|pair| pair[0].game == pair[1].game) {
        faults.add(pair[1].line, "game_id", format!("is in line {} already", pair[0].line));
    }
    for wish in &wishes {
        if context.catalog.game(&context.db, wish.game).await.is_err() {
            faults.add(wish.line, "game_id", "no such game");
        }
    }
    if !faults.is_empty() {
        return Ok(Imported::Refused(faults));
    }
    let games: Vec<GameId> = wishes.iter().map(|wish| wish.game).collect();
    if dry_run {
        return Ok(Imported::Done(games.len()));
    }
    let (db, admin) = (context.db.clone(), admin.clone());
    context.db.write(move |tx| Box::pin(async move { set_all(&db, tx, &admin, &wishes).await })).await?;
    for game in &games {
        places_changed(context, *game);
    }
    Ok(Imported::Done(games.len()))
}

fn wish(row: &Record, names: &[&'static str], faults: &mut RowFaults) -> Option<Wish> {
    let text = |name: &str| names.iter().position(|known| *known == name).map_or("", |column| row.text(column));
    let mut number = |name: &'static str, most: i64| match text(name).parse::<i64>() {
        Ok(number) if (0..=most).contains(&number) => Some(number),
        _ => {
            faults.add(row.line, name, format!("must be 0 to {most}"));
            None
        }
    };
    let (game, limitation) = (number("game_id", i64::MAX), number("limitation", MOST_PLACES));
    let balance = if text("balance").is_empty() { Some(None) } else { number("balance", MOST_PLACES).map(Some) };
    Some(Wish { line: row.line, game: GameId(game?), limitation: limitation?, balance: balance? })
}

async fn set_all(db: &Db, tx: &mut Tx, admin: &Admin, wishes: &[Wish]) -> Result<(), DomainError> {
    for wish in wishes {
        let mut row = quota::lock(tx, wish.game).await?;
        let places = |row: &actors::quota_queue::messages::QueueRow| json!({"state": row.state.name(), "limitation": row.quota.limitation, "balance": row.quota.balance});
        let before = places(&row);
        row.quota.set(wish.limitation, wish.balance);
        let event = Event::PlacesSet { limitation: wish.limitation, balance: wish.balance };
        let now = db.now_in(tx).await?;
        quota::commit(tx, wish.game, &mut row, now, &[event]).await?;
        let entry = audit::Entry {
            admin_id: Some(admin.id.0),
            admin_name: &admin.username,
            action: "set_places",
            entity: "games",
            entity_id: &wish.game.to_string(),
            before: Some(&before),
            after: Some(&places(&row)),
        };
        audit::insert(tx, &entry, now).await?;
    }
    Ok(())
}
