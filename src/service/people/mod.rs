//! One person's data: given out in full, and taken out for good while every sum stays.

mod export;

use actors::domain::account::Admin;
use actors::domain::ids::AccountId;
use actors::domain::registration::{Certificate, Player};
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::accounts::forget_everywhere;
use super::collections::{Answer, Change, Writer, write};
use super::known_addresses;
use crate::context::Context;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::people::erase::{self as store, Erased};
use crate::store::sql::people::scan::{self, Whose};
use crate::store::sql::{audit, idempotency};
use crate::vault::Vault;

pub use self::export::export;

/// Writes down who takes a copy of what, before it leaves. `admin` is none on the command line.
///
/// Errors: `NotFound(Account)`.
pub async fn begin_export(db: &Db, admin: Option<&Admin>, id: AccountId) -> Result<()> {
    crate::store::sql::accounts::account(db, id, db.now_ms()).await?.ok_or(DomainError::NotFound(Entity::Account))?;
    record(db, admin, "export", "accounts", id.0, None).await
}

/// An act that changed no row. `admin` is none on the command line.
pub async fn record(
    db: &Db,
    admin: Option<&Admin>,
    action: &'static str,
    entity: &'static str,
    id: i64,
    after: Option<serde_json::Value>,
) -> Result<()> {
    let (admin, clock) = (admin.cloned(), db.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let now = clock.now_in(tx).await?;
            let entry = audit::Entry {
                admin_id: admin.as_ref().map(|admin| admin.id.0),
                admin_name: admin.as_ref().map_or("command line", |admin| &admin.username),
                action,
                entity,
                entity_id: &id.to_string(),
                before: None,
                after: after.as_ref(),
            };
            Ok(audit::insert(tx, &entry, now).await?)
        })
    })
    .await
}

/// Erases an account: names, phones, players, what it said. Orders, payments, places and counters stay. Doing it again
/// erases what came since.
///
/// Errors: `NotFound(Account)`; `InUse` while it waits in a line or holds places in a game that has not started.
pub async fn erase(context: &Context, writer: Writer, id: AccountId) -> Result<Answer> {
    let mut found = scan::find(&context.db, &Whose::Account(id.0)).await?;
    let placeholder = placeholder(&context.vault)?;
    let (tell, told) = tokio::sync::oneshot::channel();
    let vault = context.vault.clone();
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            forget_answers(tx, &vault, id).await?;
            known_addresses::forget(tx, &vault, id).await?;
            scan::catch_up(tx, &Whose::Account(id.0), &mut found).await?;
            let erased = store::account(tx, id, &found, &placeholder, now).await?;
            let after = Some(json!(erased));
            // Nobody listens when the caller went away; then the rooms forget when they start anew.
            let _ = tell.send(erased.rooms);
            Ok(Change { action: "erase", entity: "accounts", id: id.0, before: None, after })
        })
    })
    .await?;
    forget_everywhere(context, id);
    if let Ok(rooms) = told.await {
        context.rooms.forget(&rooms, id).await;
    }
    Ok(answer)
}

/// As `erase`, from the command line. A server that runs meanwhile forgets the sessions within seconds, and the lines in
/// its rooms' memory when the rooms start anew.
pub async fn erase_from_command_line(db: &Db, vault: &Vault, id: AccountId) -> Result<Erased> {
    let mut found = scan::find(db, &Whose::Account(id.0)).await?;
    let (placeholder, clock, vault) = (placeholder(vault)?, db.clone(), vault.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let now = clock.now_in(tx).await?;
            forget_answers(tx, &vault, id).await?;
            known_addresses::forget(tx, &vault, id).await?;
            scan::catch_up(tx, &Whose::Account(id.0), &mut found).await?;
            let erased = store::account(tx, id, &found, &placeholder, now).await?;
            let entry = audit::Entry {
                admin_id: None,
                admin_name: "command line",
                action: "erase",
                entity: "accounts",
                entity_id: &id.to_string(),
                before: None,
                after: Some(&json!(erased)),
            };
            audit::insert(tx, &entry, now).await?;
            Ok(erased)
        })
    })
    .await
}

/// Empties the answers kept for administrators that have the account's phone.
async fn forget_answers(tx: &mut Tx, vault: &Vault, id: AccountId) -> Result<()> {
    let Some(sealed) = store::phone_sealed(tx, id).await? else { return Ok(()) };
    match vault.open(&sealed) {
        Ok(phone) => idempotency::forget_value(tx, &phone).await?,
        // Sealed with another data key: no answer that this server kept can have it.
        Err(error) => tracing::warn!(%error, "the phone of an account that is erased"),
    }
    Ok(())
}

/// Erases the player with a certificate wherever somebody registered them, in games that have started or are over.
///
/// Errors: `NotFound(Registration)`; `InUse` as for `erase`.
pub async fn erase_player(context: &Context, writer: Writer, certificate: &Certificate) -> Result<Answer> {
    let key = context.vault.lookup_key("certificate", certificate.lookup_text().as_bytes());
    let whose = Whose::Certificate(key.clone());
    let mut found = scan::find(&context.db, &whose).await?;
    let placeholder = placeholder(&context.vault)?;
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            scan::catch_up(tx, &whose, &mut found).await?;
            let erased = store::certificate(tx, &key, &found, &placeholder, now).await?;
            // Neither the number nor its key: the trail outlives the person's data.
            Ok(Change { action: "erase", entity: "players", id: 0, before: None, after: Some(json!(erased)) })
        })
    })
    .await
}

fn placeholder(vault: &Vault) -> Result<String> {
    let text = serde_json::to_string(&Player::erased()).map_err(|_| DomainError::Internal)?;
    Ok(vault.seal(&text))
}
