//! The places of many games from one file, in one transaction.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::error::{DomainError, Result};
use actors::quota_queue::state::MOST_PLACES;

use super::damage;
use super::encoding::{self, Encoding};
use super::rows::{self, Arrived, FirstRows, Imported, Outcome, Record, RowFaults, Sheet, Terms};
use crate::context::Context;
use crate::service::registration::{MOST_ENTRIES, PlacesEntry, must_exist, set_all_places};

const COLUMNS: [(&str, &str); 3] = [("game_id", "比赛编号"), ("limitation", "名额"), ("balance", "剩余名额")];

struct Wish {
    line: u64,
    entry: PlacesEntry,
}

/// Sets the places of all games of a file, or of none; returns how many games. Doing it again changes nothing more.
///
/// Errors: `Malformed`, `InvalidField` for the encoding, headings and too many rows, `Busy`. Wrong rows are an outcome.
pub async fn import_places(context: &Context, admin: &Admin, file: Arrived, terms: Terms) -> Result<Outcome<usize>> {
    // Ten thousand rows, not on a thread that serves others.
    let parsed = tokio::task::spawn_blocking(move || (parse(&file.bytes, terms.encoding), file));
    let (parsed, _file) = parsed.await.map_err(|_| DomainError::Internal)?;
    let (mut wishes, mut faults, first) = parsed?;
    let outcome = |import| Outcome { import, first, warnings: RowFaults::default() };
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
        return Ok(outcome(Imported::Refused(faults)));
    }
    if wishes.len() > MOST_ENTRIES {
        return Err(DomainError::field("rows", format!("at most {MOST_ENTRIES} games")));
    }
    let entries: Vec<PlacesEntry> = wishes.iter().map(|wish| wish.entry).collect();
    let games = entries.len();
    if !terms.dry_run {
        set_all_places(context, admin, entries).await.map_err(|(error, _)| error)?;
    }
    Ok(outcome(Imported::Done(games)))
}

fn parse(file: &[u8], encoding: Encoding) -> Result<(Vec<Wish>, RowFaults, FirstRows)> {
    let text = encoding::decode(file, encoding)?;
    let name = |heading: &str| {
        let heading = heading.trim().to_lowercase();
        COLUMNS.into_iter().find(|(english, chinese)| heading == *english || heading == *chinese).map(|(name, _)| name)
    };
    let Sheet { names, rows, first } = rows::read(&text, name, &["game_id", "limitation"])?;
    let mut faults = RowFaults::default();
    let wishes = rows.iter().filter_map(|row| wish(row, &names, &mut faults)).collect();
    Ok((wishes, faults, first))
}

fn wish(row: &Record, names: &[&'static str], faults: &mut RowFaults) -> Option<Wish> {
    let text = |name: &str| names.iter().position(|known| *known == name).map_or("", |column| row.text(column));
    let mut number = |name: &'static str, most: i64| match text(name).parse::<i64>() {
        Ok(number) if (0..=most).contains(&number) => Some(number),
        _ => {
            let reason = damage::certain(name, text(name)).unwrap_or_else(|| format!("must be 0 to {most}").into());
            faults.add(row.line, name, reason);
            None
        }
    };
    let (game, limitation) = (number("game_id", i64::MAX), number("limitation", MOST_PLACES));
    let balance = if text("balance").is_empty() { Some(None) } else { number("balance", MOST_PLACES).map(Some) };
    let entry = PlacesEntry { game: GameId(game?), limitation: limitation?, balance: balance? };
    Some(Wish { line: row.line, entry })
}
