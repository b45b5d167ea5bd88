//! Collections of plain columns (`tables`) read and written by administrators: one code for all of them.

use actors::domain::account::{Admin, Role};
use actors::domain::ids::LiveId;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Result};
use serde_json::{Map, Value as Json};

use super::games::reload;
use super::{Answer, Change, Table, Writer, fields, write_and_tell};
use crate::context::Context;
use crate::store::sql::collections::Page;
use crate::store::sql::collections::table::{self as store, Kind, Stored};
use crate::store::sql::db::Value as Cell;
use crate::vault::Vault;

/// What is written: members by name.
pub type Members = Map<String, Json>;

/// What somebody may see: phones in full are for owners, addresses that hold a key for those who write content.
#[derive(Clone, Copy)]
struct Sight {
    phones: bool,
    keys: bool,
}

impl Sight {
    fn of(admin: &Admin) -> Self {
        Self { phones: admin.role == Role::Owner, keys: matches!(admin.role, Role::Owner | Role::Editor) }
    }
}

fn shown(vault: &Vault, table: &Table, row: &Stored, sight: Sight) -> Members {
    let mut members = Members::new();
    members.insert("id".to_owned(), row.id.into());
    for (column, cell) in table.columns.iter().zip(&row.cells) {
        if let Some(value) = fields::shown(vault, column.kind, cell, sight.phones) {
            let hidden = column.private && matches!(column.kind, Kind::Address) && !sight.keys;
            members.insert(column.name.to_owned(), if hidden { "".into() } else { value });
        }
    }
    for (link, ids) in table.links.iter().zip(&row.links) {
        members.insert(link.name.to_owned(), ids.clone().into());
    }
    members
}

/// As the audit trail keeps it: without what is of a person, and without keys.
fn kept(vault: &Vault, table: &Table, row: &Stored) -> Json {
    let mut members = shown(vault, table, row, Sight { phones: false, keys: false });
    for column in table.columns.iter().filter(|column| column.private) {
        members.remove(column.name);
    }
    Json::Object(members)
}

pub async fn page(
    context: &Context,
    admin: &Admin,
    table: &'static Table,
    search: &str,
    page: i64,
    size: i64,
) -> Result<Page<Members>> {
    let found = store::page(&context.db, table, search, size, (page - 1).saturating_mul(size)).await?;
    let rows = found.rows.iter().map(|row| shown(&context.vault, table, row, Sight::of(admin))).collect();
    Ok(Page { total: found.total, rows })
}

/// Errors: `NotFound`.
pub async fn one(context: &Context, admin: &Admin, table: &'static Table, id: i64) -> Result<Members> {
    let row = store::one(&context.db, table, id).await?.ok_or(DomainError::NotFound(table.entity))?;
    Ok(shown(&context.vault, table, &row, Sight::of(admin)))
}

/// Cleans the rich texts that are given: here, because on SQLite a transaction keeps every other write waiting.
///
/// Errors: `InvalidField`, `Busy`.
async fn clean_rich(context: &Context, table: &Table, given: &mut Members) -> Result<()> {
    let mut texts = Vec::new();
    for column in table.columns.iter().filter(|column| matches!(column.kind, Kind::Rich)) {
        if let Some(Json::String(text)) = given.get(column.name) {
            fields::check_rich(column.name, text.trim())?;
            texts.push((column.name, visible::without_hidden(text.trim(), Layout::Lines).into_owned()));
        }
    }
    let names: Vec<&str> = texts.iter().map(|(name, _)| *name).collect();
    for (name, cleaned) in names.into_iter().zip(context.rich_text.clean_all(texts).await?) {
        // Cleaning may add to a text; one that is too long could be stored and never saved again.
        fields::check_rich(name, &cleaned)?;
        given.insert(name.to_owned(), cleaned.into());
    }
    Ok(())
}

/// Errors: `InvalidField`, `Conflict`, `NotFound` of what the row refers to, `Busy`.
pub async fn create(context: &Context, writer: Writer, table: &'static Table, mut given: Members) -> Result<Answer> {
    let missing = |name| !given.contains_key(name);
    if let Some(column) = table.columns.iter().find(|column| column.required && missing(column.name)) {
        return Err(DomainError::field(column.name, "is required"));
    }
    clean_rich(context, table, &mut given).await?;
    let (vault, sight) = (context.vault.clone(), Sight::of(&writer.admin));
    let answer = write_and_tell(context, writer, move |tx, now| {
        Box::pin(async move {
            let cells = table.columns.iter().map(|column| fields::unset(column.kind, now)).collect();
            let links = table.links.iter().map(|_| Vec::new()).collect();
            let row = apply(&vault, table, Stored { id: 0, cells, links }, &given, now)?;
            let id = store::insert(tx, table, &row, now).await?;
            let after = store::in_tx(tx, table, id).await?;
            let told = shown(&vault, table, &after, sight);
            let after = Some(kept(&vault, table, &after));
            Ok((Change { action: "create", entity: table.name, id, before: None, after }, Some(Json::Object(told))))
        })
    })
    .await?;
    written(context, table, None).await;
    Ok(answer)
}

/// Changes the members that are given.
///
/// Errors: `NotFound`, `InvalidField`, `Conflict`.
pub async fn change(
    context: &Context,
    writer: Writer,
    table: &'static Table,
    id: i64,
    mut given: Members,
) -> Result<Answer> {
    clean_rich(context, table, &mut given).await?;
    let (vault, sight) = (context.vault.clone(), Sight::of(&writer.admin));
    let answer = write_and_tell(context, writer, move |tx, now| {
        Box::pin(async move {
            let before = store::locked(tx, table, id).await?;
            let row = apply(&vault, table, before.clone(), &given, now)?;
            store::update(tx, table, &row, now).await?;
            let after = store::in_tx(tx, table, id).await?;
            let told = shown(&vault, table, &after, sight);
            let (before, after) = (Some(kept(&vault, table, &before)), Some(kept(&vault, table, &after)));
            Ok((Change { action: "update", entity: table.name, id, before, after }, Some(Json::Object(told))))
        })
    })
    .await?;
    written(context, table, None).await;
    Ok(answer)
}

/// Errors: `NotFound`, `InUse` as the collection says.
pub async fn delete(context: &Context, writer: Writer, table: &'static Table, id: i64) -> Result<Answer> {
    let vault = context.vault.clone();
    let answer = write_and_tell(context, writer, move |tx, now| {
        Box::pin(async move {
            let before = store::locked(tx, table, id).await?;
            store::delete(tx, table, id, now).await?;
            let before = Some(kept(&vault, table, &before));
            Ok((Change { action: "delete", entity: table.name, id, before, after: None }, None))
        })
    })
    .await?;
    written(context, table, Some(id)).await;
    Ok(answer)
}

/// What follows a committed write on this node; the other nodes notice by themselves.
async fn written(context: &Context, table: &Table, deleted: Option<i64>) {
    match (table.name, deleted) {
        ("competitions", _) => reload(context).await,
        ("lives", Some(id)) => context.rooms.close(LiveId(id)),
        _ => {}
    }
}

/// `row` with the given members, checked.
fn apply(vault: &Vault, table: &Table, mut row: Stored, given: &Members, now: i64) -> Result<Stored> {
    for name in given.keys() {
        let written = table.columns.iter().any(|it| it.name == name && !it.read_only)
            || table.links.iter().any(|it| it.name == name && it.most.is_some());
        if !written {
            return Err(DomainError::field(name.clone(), "is not a member that can be written"));
        }
    }
    let (mut phone, mut phone_changed) = (None, false);
    for (column, cell) in table.columns.iter().zip(&mut row.cells) {
        let value = given.get(column.name);
        match column.kind {
            Kind::Updated => *cell = now.into(),
            Kind::PhoneKey => {
                if let Some(phone) = phone {
                    let key = fields::parse(vault, column.name, column.kind, phone, now)?;
                    phone_changed = std::mem::replace(cell, key.clone()) != key;
                }
            }
            Kind::Joined if phone_changed => *cell = None::<i64>.into(),
            Kind::Joined => {}
            kind => {
                if matches!(kind, Kind::Phone) {
                    phone = value;
                }
                if let Some(value) = value {
                    *cell = fields::parse(vault, column.name, kind, value, now)?;
                }
            }
        }
    }
    let value = |name| {
        let cell = table.columns.iter().zip(&row.cells).find(|(column, _)| column.name == name)?.1;
        if let Cell::Int(number) = cell { *number } else { None }
    };
    fields::check_order(table.columns, value, |name| given.contains_key(name))?;
    for (link, ids) in table.links.iter().zip(&mut row.links) {
        if let (Some(most), Some(value)) = (link.most, given.get(link.name)) {
            *ids = linked(link.name, most, value)?;
        }
    }
    Ok(row)
}

fn linked(name: &'static str, most: usize, given: &Json) -> Result<Vec<i64>> {
    let wrong = || DomainError::field(name, format!("must be a list of at most {most} ids, each once"));
    let ids: Option<Vec<i64>> = given.as_array().ok_or_else(wrong)?.iter().map(Json::as_i64).collect();
    let mut ids = ids.ok_or_else(wrong)?;
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() != count || count > most {
        return Err(wrong());
    }
    Ok(ids)
}
