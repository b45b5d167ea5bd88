//! Registrations from a file: all of its rows become paid orders, settled offline, or none does.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use actors::domain::account::Admin;
use actors::domain::game::{Game, beijing_date};
use actors::domain::ids::GameId;
use actors::domain::order::OrderNo;
use actors::domain::registration::{MOST_PLAYERS, Player, PlayerDraft};
use actors::error::{DomainError, Ineligible, Result};
use actors::quota_queue::history::{Event, OrderPlaces};
use serde_json::json;

use super::columns::{self, FIELDS, GROUP, USER};
use super::rows::{self, Arrived, FirstRows, Imported, Outcome, Record, RowFaults, Sheet, Terms};
use super::{damage, encoding};
use crate::context::Context;
use crate::service::registration::places_changed;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::payments::OFFLINE;
use crate::store::sql::registrations_file::{self as store, OrderRow, PlayerRow, UserRow};
use crate::store::sql::{audit, quota, unique};
use crate::vault::Vault;

pub use crate::store::sql::registrations_file::Import;

/// An order to be made. Its owner is the house account when the file names none.
struct Group {
    /// Of its first row.
    line: u64,
    user: Option<i64>,
    players: Vec<(u64, String, String)>,
}

/// What the rows of a file come to before the database is asked.
struct Parsed {
    groups: Result<Vec<Group>, RowFaults>,
    warnings: RowFaults,
    first: FirstRows,
    file_key: String,
}

/// Takes a file of registrations into a game. A dry run does everything and undoes it. The same file again changes
/// nothing and is answered with what it did.
///
/// Errors: `NotFound(Game)`, `Malformed`, `InvalidField` for the encoding, headings and too many rows, `InUse` when the
/// places do not suffice, `Busy`. Wrong rows are an outcome.
pub async fn import_registrations(
    context: &Context,
    admin: &Admin,
    game: GameId,
    file: Arrived,
    terms: Terms,
) -> Result<Outcome<Import>> {
    let rules = context.catalog.game(&context.db, game).await?;
    let now = context.db.now_ms();
    let vault = context.vault.clone();
    // Ten thousand rows are checked and sealed: not on a thread that serves others.
    let parsed = tokio::task::spawn_blocking(move || {
        let text = encoding::decode(&file.bytes, terms.encoding);
        (text.and_then(|text| parse(&text, &rules, &vault, now)), file)
    });
    let (parsed, _file) = parsed.await.map_err(|_| DomainError::Internal)?;
    let Parsed { groups, warnings, first, file_key } = parsed?;
    let unconfirmed = if terms.dry_run || terms.confirmed { RowFaults::default() } else { warnings.clone() };
    let outcome = |import| Outcome { import, first, warnings };
    let groups = match groups {
        Ok(groups) => groups,
        Err(faults) => return Ok(outcome(Imported::Refused(faults))),
    };
    let (db, admin) = (context.db.clone(), admin.clone());
    // What leaves a transaction that is undone on purpose.
    let (tell, told) = tokio::sync::oneshot::channel();
    let written = context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let outcome = write(&db, tx, &admin, game, &file_key, groups, unconfirmed).await?;
                let keep = matches!(outcome, Imported::Done(_)) && !terms.dry_run;
                let _ = tell.send(outcome);
                if keep { Ok(()) } else { Err(DomainError::Forbidden) }
            })
        })
        .await;
    // Without an outcome the work itself failed; with one, only a commit can have.
    let import = match (told.await, written) {
        (Err(_), Err(error)) => return Err(error),
        (Ok(Imported::Done(_)), Err(error)) if !terms.dry_run => return Err(error),
        (Ok(import), _) => import,
        (Err(_), Ok(())) => return Err(DomainError::Internal),
    };
    if matches!(import, Imported::Done(_)) && !terms.dry_run {
        places_changed(context, game);
    }
    Ok(outcome(import))
}

async fn write(
    db: &Db,
    tx: &mut Tx,
    admin: &Admin,
    game: GameId,
    file_key: &str,
    groups: Vec<Group>,
    unconfirmed: RowFaults,
) -> Result<Imported<Import>> {
    let mut row = quota::lock(tx, game).await?;
    if let Some(import) = store::known(tx, game, file_key).await? {
        return Ok(Imported::Known(import));
    }
    let now = db.now_in(tx).await?;
    let mut faults = RowFaults::default();
    check_users(tx, &groups, &mut faults).await?;
    let numbers = order_numbers(now, groups.len());
    let players: Vec<PlayerRow> = groups
        .iter()
        .zip(&numbers)
        .flat_map(|(group, number)| group.players.iter().map(move |player| (number, player)))
        .map(|(number, (line, k, s))| PlayerRow {
            game: game.0,
            order_no: number.to_string(),
            k: k.clone(),
            s: s.clone(),
            line: *line,
        })
        .collect();
    let taken: HashSet<String> = store::taken(tx, &players).await?.into_iter().collect();
    for player in players.iter().filter(|player| taken.contains(&player.k)) {
        faults.add(player.line, "certificate_no", "is registered in this game already");
    }
    if !faults.is_empty() {
        return Ok(Imported::Refused(faults));
    }
    if !unconfirmed.is_empty() {
        return Ok(Imported::Unconfirmed(unconfirmed));
    }
    let places = i64::try_from(players.len()).map_err(|_| DomainError::Internal)?;
    let free = row.quota.balance;
    if !row.quota.take_sold(places) {
        return Err(DomainError::InUse(format!("the file needs {places} places and {free} are free").into()));
    }
    let import = store::begin(tx, game, file_key, groups.len(), places, now).await?;
    let house = if groups.iter().any(|group| group.user.is_none()) { store::house_account(tx, now).await? } else { 0 };
    let orders: Vec<OrderRow> = groups
        .iter()
        .zip(numbers)
        .map(|(group, number)| OrderRow {
            order_no: number.to_string(),
            account: group.user.unwrap_or(house),
            places: group.players.len() as i64,
            transaction_id: format!("{OFFLINE}-{}-{}", import.id, group.line),
        })
        .collect();
    let written = store::insert(tx, game, &orders, &players, now).await;
    let written = match written {
        // A number that was drawn is somebody's order already; the next draw is another. Any other row that is there
        // twice would be so the next time, too.
        Err(error) if unique::refused(&error, "order_no") => return Err(DomainError::BUSY),
        written => written?,
    };
    if written != [orders.len() as u64, orders.len() as u64, players.len() as u64] {
        tracing::error!(game = game.0, ?written, "an import is not whole");
        return Err(DomainError::Internal);
    }
    let orders = orders.into_iter().map(|order| OrderPlaces { order_no: order.order_no, places: order.places });
    quota::commit(tx, game, &mut row, now, &[Event::Imported { orders: orders.collect() }]).await?;
    let entry = audit::Entry {
        admin_id: Some(admin.id.0),
        admin_name: &admin.username,
        action: "import",
        entity: "games",
        entity_id: &game.to_string(),
        before: None,
        after: Some(&json!({"import": import.id, "orders": import.orders, "places": places})),
    };
    audit::insert(tx, &entry, now).await?;
    Ok(Imported::Done(import))
}

async fn check_users(tx: &mut Tx, groups: &[Group], faults: &mut RowFaults) -> Result<()> {
    let named: HashSet<i64> = groups.iter().filter_map(|group| group.user).collect();
    let users: Vec<UserRow> = named.into_iter().map(|id| UserRow { id }).collect();
    let enabled: HashSet<i64> = store::enabled_users(tx, &users).await?.into_iter().collect();
    for group in groups {
        if group.user.is_some_and(|user| !enabled.contains(&user)) {
            faults.add(group.line, USER.0, "no such account, or it is disabled");
        }
    }
    Ok(())
}

/// Different among themselves.
fn order_numbers(now: i64, count: usize) -> Vec<OrderNo> {
    let mut tails = HashSet::with_capacity(count);
    while tails.len() < count {
        tails.insert(rand::random::<u64>() % 10_000_000_000);
    }
    tails.into_iter().map(|tail| OrderNo::compose(now, tail)).collect()
}

/// Groups in the order of their first rows, or what is wrong with the rows.
fn parse(text: &str, rules: &Arc<Game>, vault: &Vault, now: i64) -> Result<Parsed> {
    let required: Vec<&'static str> =
        FIELDS.iter().filter(|(.., required)| *required).map(|(name, ..)| *name).collect();
    let Sheet { names, rows, first } = rows::read(text, columns::canonical, &required)?;
    let (mut faults, mut warnings) = (RowFaults::default(), RowFaults::default());
    let mut groups: Vec<Group> = Vec::new();
    let mut by_name: HashMap<String, usize> = HashMap::new();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for row in &rows {
        let Some((player, group, user)) = read_row(row, &names, rules, now, &mut faults) else { continue };
        let key = vault.lookup_key("certificate", player.certificate().lookup_text().as_bytes());
        if let Some(first) = seen.get(&key) {
            faults.add(row.line, "certificate_no", format!("is in line {first} already"));
            continue;
        }
        seen.insert(key.clone(), row.line);
        for (member, reason) in damage::suspected(&player) {
            warnings.add(row.line, member, reason);
        }
        let text = serde_json::to_string(&player).map_err(|_| DomainError::Internal)?;
        let member = (row.line, key, vault.seal(&text));
        let index = match (group.is_empty(), by_name.get(&group)) {
            (false, Some(index)) => *index,
            (alone, _) => {
                if !alone {
                    by_name.insert(group, groups.len());
                }
                groups.push(Group { line: row.line, user, players: Vec::new() });
                groups.len() - 1
            }
        };
        let group = &mut groups[index];
        if group.user != user {
            faults.add(row.line, USER.0, format!("differs from line {}, which is of the same group", group.line));
        }
        if group.players.len() == MOST_PLAYERS {
            faults.add(row.line, GROUP.0, format!("has more than {MOST_PLAYERS} members"));
            continue;
        }
        group.players.push(member);
    }
    let file_key = vault.lookup_key("import", text.as_bytes());
    Ok(Parsed { groups: if faults.is_empty() { Ok(groups) } else { Err(faults) }, warnings, first, file_key })
}

/// The player of a row, its group's name and its owner; `None` when something is wrong with it.
fn read_row(
    row: &Record,
    names: &[&'static str],
    rules: &Game,
    now: i64,
    faults: &mut RowFaults,
) -> Option<(Player, String, Option<i64>)> {
    let mut draft = PlayerDraft::default();
    let (mut group, mut user, mut fine) = (String::new(), None, true);
    for (column, name) in names.iter().enumerate() {
        let text = row.text(column);
        let mut refuse = |reason: Cow<'static, str>| {
            faults.add(row.line, *name, reason);
            fine = false;
        };
        if name.is_empty() || columns::PASSED_OVER.iter().any(|(passed, _)| passed == name) {
            continue;
        }
        if let Some(reason) = damage::certain(name, text) {
            refuse(reason);
        } else if *name == GROUP.0 {
            text.clone_into(&mut group);
        } else if *name == USER.0 {
            match text.parse() {
                Ok(id) => user = Some(id),
                Err(_) if text.is_empty() => {}
                Err(_) => refuse("must be the number of an account".into()),
            }
        } else if let Err(reason) = columns::read(&mut draft, name, text) {
            refuse(reason.into());
        }
    }
    if !fine {
        return None;
    }
    let number = draft.certificate_no.clone();
    let checked = Player::new(draft, "row", beijing_date(now)).and_then(|player| {
        rules.check_player(&player, "row")?;
        Ok(player)
    });
    let (field, reason) = match checked {
        Ok(player) => return Some((player, group, user)),
        Err(DomainError::InvalidField { field, reason }) => (field, reason),
        Err(DomainError::NotEligible { field, why }) => (field, ineligible(why).into()),
        Err(other) => ("row".into(), other.to_string().into()),
    };
    let member = field.strip_prefix("row.").unwrap_or(&field).to_owned();
    let cut = if member == "certificate_no" { damage::of_certificate(&number) } else { None };
    faults.add(row.line, member, cut.unwrap_or(reason));
    None
}

fn ineligible(why: Ineligible) -> &'static str {
    match why {
        Ineligible::Gender => "the game is not for this gender",
        Ineligible::TooYoung => "too young for the game",
        Ineligible::TooOld => "too old for the game",
    }
}
