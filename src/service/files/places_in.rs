//! The places of many games from one file, in one transaction.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Result};
use actors::quota_queue::state::MOST_PLACES;

use super::rows::{self, Imported, Record, RowFaults};
use super::sheet;
use crate::context::Context;
use crate::service::registration::{MOST_ENTRIES, PlacesEntry, must_exist, set_all_places};

const COLUMNS: [(&str, &str); 3] = [("game_id", "比赛编号"), ("limitation", "名额"), ("balance", "剩余名额")];

struct Wish {
    line: u64,
    entry: PlacesEntry,
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
    wishes.sort_by_key(|wish| (wish.entry.game, wish.line));
    for pair in wishes.windows(2).filter(|pair| pair[0].entry.game == pair[1].entry.game) {
        faults.add(pair[1].line, "game_id", format!("is in line {} already", pair[0].line));
    }
    for wish in &wishes {
        match must_exist(context, wish.entry.game).await {
            Err(DomainError::NotFound(_)) => faults.add(wish.line, "game_id", "no such game"),
            outcome => outcome?,
        }
    }
    if !faults.is_empty() {
        return Ok(Imported::Refused(faults));
    }
    if wishes.len() > MOST_ENTRIES {
        return Err(DomainError::field("rows", format!("at most {MOST_ENTRIES} games")));
    }
    let entries: Vec<PlacesEntry> = wishes.iter().map(|wish| wish.entry).collect();
    let games = entries.len();
    if !dry_run {
        set_all_places(context, admin, entries).await.map_err(|(error, _)| error)?;
    }
    Ok(Imported::Done(games))
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
    let entry = PlacesEntry { game: GameId(game?), limitation: limitation?, balance: balance? };
    Some(Wish { line: row.line, entry })
}
