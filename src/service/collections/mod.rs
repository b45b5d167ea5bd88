//! Administrators' collections: what every write of them has in common (the audit trail and the idempotency key in the
//! write's own transaction), and reading in pages. One file a collection that can be changed.

pub mod accounts;
pub mod admins;
pub mod agents;
pub mod fields;
pub mod games;
pub mod hawk_credentials;
pub mod orders;
pub mod outbox;
pub mod players;
pub mod sso_apps;
pub mod table;

use actors::domain::account::Admin;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Entity, Result};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::store::sql::collections::{self as store, Page};
use crate::store::sql::db::{BoxFuture, Tx};
use crate::store::sql::{audit, idempotency};

pub use crate::store::sql::collections::Record;
pub use crate::store::sql::collections::accounts::AccountRecord;
pub use crate::store::sql::collections::admins::AdminRecord;
pub use crate::store::sql::collections::agents::AgentRecord;
pub use crate::store::sql::collections::audit::AuditRecord;
pub use crate::store::sql::collections::bills::BillRecord;
pub use crate::store::sql::collections::games::GameRecord;
pub use crate::store::sql::collections::hawk_credentials::HawkCredentialRecord;
pub use crate::store::sql::collections::orders::OrderRecord;
pub use crate::store::sql::collections::outbox::OutboxRecord;
pub use crate::store::sql::collections::table::{Column, Kind, Link, Table, column};
pub use crate::store::sql::collections::tables;
pub use crate::store::sql::collections::wire::{Time, given};

/// Longest text of one line, in characters.
const LINE: usize = 200;
/// Kept answers removed at once.
const SWEEP: i64 = 1_000;

/// `Idempotency-Key` of a request and a keyed hash of what was asked.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    pub key: String,
    pub request_hash: String,
}

/// Who writes, and the key that makes writing twice harmless.
#[derive(Debug, Clone)]
pub struct Writer {
    pub admin: Admin,
    pub key: Option<IdempotencyKey>,
}

/// One act as the audit trail keeps it.
pub struct Change {
    /// `create`, `update`, `delete` or a verb of its own.
    pub action: &'static str,
    /// The collection's name.
    pub entity: &'static str,
    pub id: i64,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// What the caller is told: a status and a JSON text, empty for nothing. The same for the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Runs `work` in one transaction with its audit entry and, if the request had a key, with the answer kept under it.
///
/// Errors: those of `work`; `InvalidField` for a key that was used for another request.
pub async fn write<F>(context: &Context, writer: Writer, work: F) -> Result<Answer>
where
    F: for<'t> FnOnce(&'t mut Tx, i64) -> BoxFuture<'t, Result<Change>> + Send + 'static,
{
    write_and_tell(context, writer, move |tx, now| {
        Box::pin(async move {
            let change = work(tx, now).await?;
            let told = change.after.clone();
            Ok((change, told))
        })
    })
    .await
}

/// As `write`, with what the caller is told apart from what the audit trail keeps.
async fn write_and_tell<F>(context: &Context, writer: Writer, work: F) -> Result<Answer>
where
    F: for<'t> FnOnce(&'t mut Tx, i64) -> BoxFuture<'t, Result<(Change, Option<Value>)>> + Send + 'static,
{
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let Writer { admin, key } = writer;
                let now = db.now_in(tx).await?;
                if let Some(key) = &key
                    && let Some(kept) = idempotency::take(tx, admin.id, &key.key, &key.request_hash, now).await?
                {
                    if kept.request_hash != key.request_hash {
                        return Err(DomainError::field("Idempotency-Key", "was used for another request"));
                    }
                    return Ok(Answer { status: kept.status, body: kept.body });
                }
                let (change, told) = work(tx, now).await?;
                let answer = answer(change.action, told);
                let entry = audit::Entry {
                    admin_id: Some(admin.id.0),
                    admin_name: &admin.username,
                    action: change.action,
                    entity: change.entity,
                    entity_id: &change.id.to_string(),
                    before: change.before.as_ref(),
                    after: change.after.as_ref(),
                };
                audit::insert(tx, &entry, now).await?;
                if let Some(key) = &key {
                    idempotency::keep(tx, admin.id, &key.key, answer.status, &answer.body).await?;
                }
                Ok(answer)
            })
        })
        .await
}

/// Removes kept answers that are to be forgotten, a bounded number.
pub(super) async fn sweep_answers(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                Ok(idempotency::sweep(tx, now, SWEEP).await.map(drop)?)
            })
        })
        .await
}

fn answer(action: &str, told: Option<Value>) -> Answer {
    let status = match action {
        "create" => 201,
        "delete" => 204,
        _ => 200,
    };
    Answer { status, body: told.as_ref().map(Value::to_string).unwrap_or_default() }
}

/// Errors: `NotFound`.
pub async fn one<T: Record>(context: &Context, id: i64, entity: Entity) -> Result<T> {
    store::one(&context.db, id).await?.ok_or(DomainError::NotFound(entity))
}

/// `page` counts from 1.
pub async fn page<T: Record>(context: &Context, search: &str, page: i64, size: i64) -> Result<Page<T>> {
    let offset = (page - 1).saturating_mul(size);
    Ok(store::page(&context.db, search, size, offset).await?)
}

async fn in_tx<T: Record>(tx: &mut Tx, id: i64, entity: Entity) -> Result<T> {
    store::one_in(tx, id).await?.ok_or(DomainError::NotFound(entity))
}

fn public(record: &impl Serialize) -> Option<Value> {
    // Texts, numbers and times, which always can be written.
    serde_json::to_value(record).ok()
}

/// A name or a title: one line that says something.
///
/// Errors: `InvalidField`.
fn check_line(field: &'static str, text: &str) -> Result<()> {
    let text = text.trim();
    if text.is_empty() {
        return Err(DomainError::field(field, "must not be empty"));
    }
    visible::check_said(text, Layout::Line).map_err(|fault| DomainError::field(field, fault.to_string()))?;
    check_length(field, text, LINE)
}

/// Lines that may be empty.
fn check_text(field: &'static str, text: &str, most: usize) -> Result<()> {
    visible::check(text, Layout::Lines).map_err(|fault| DomainError::field(field, fault.to_string()))?;
    check_length(field, text, most)
}

fn check_length(field: &'static str, text: &str, most: usize) -> Result<()> {
    if text.chars().count() > most {
        return Err(DomainError::field(field, format!("must have {most} characters at most")));
    }
    Ok(())
}

fn check_range(field: &'static str, value: i64, range: std::ops::RangeInclusive<i64>) -> Result<()> {
    if !range.contains(&value) {
        return Err(DomainError::field(field, format!("must be {} to {}", range.start(), range.end())));
    }
    Ok(())
}
