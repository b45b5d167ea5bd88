//! HAWK credentials made, disabled and described by owners. A key is told once, to who makes it; neither the audit trail
//! nor an idempotency key keeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actors::error::{DomainError, Entity, Result};

use super::{Answer, Change, HawkCredentialRecord, Writer, check_range, check_text, in_tx, public, write};
use crate::context::Context;
use crate::service::hawk::{Class, Wanted, new_key, row};
use crate::store::sql::audit;
use crate::store::sql::collections::hawk_credentials as store;
use crate::store::sql::db::Tx;
use crate::store::sql::hawk::{self as rows, NewCredential};

const ENTITY: &str = "hawk-credentials";
const LONGEST_NOTE: usize = 200;

/// A credential that was made. The key is missing when the same request was answered before.
pub struct Made {
    pub answer: Answer,
    pub key: Option<String>,
}

/// Errors: `InvalidField`, `Conflict` on `hawk_id`, `NotFound(Item)` for the agent.
pub async fn create(context: &Context, writer: Writer, wanted: Wanted) -> Result<Made> {
    let key = new_key();
    let row = row(&context.vault, wanted, &key)?;
    let made = Arc::new(AtomicBool::new(false));
    let now_made = made.clone();
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let id = stored(tx, &row, now).await?;
            let after: HawkCredentialRecord = in_tx(tx, id, Entity::Item).await?;
            now_made.store(true, Ordering::Release);
            Ok(Change { action: "create", entity: ENTITY, id, before: None, after: public(&after) })
        })
    })
    .await?;
    Ok(Made { answer, key: made.load(Ordering::Acquire).then_some(key) })
}

async fn stored(tx: &mut Tx, row: &NewCredential, now_ms: i64) -> Result<i64> {
    agent_is_there(tx, row.agent_id).await?;
    rows::insert(tx, row, now_ms).await?.ok_or(DomainError::Conflict { field: "hawk_id".into() })
}

async fn agent_is_there(tx: &mut Tx, agent: Option<i64>) -> Result<()> {
    match agent {
        Some(agent) if !store::agent_exists(tx, agent).await? => Err(DomainError::NotFound(Entity::Item)),
        _ => Ok(()),
    }
}

/// As `create`, by whoever runs the server.
///
/// Errors: `Conflict` on `hawk_id`, `NotFound(Item)` for the agent.
pub(in crate::service) async fn insert_from_command_line(tx: &mut Tx, row: &NewCredential, now_ms: i64) -> Result<()> {
    let id = stored(tx, row, now_ms).await?;
    let after: HawkCredentialRecord = in_tx(tx, id, Entity::Item).await?;
    let after = public(&after);
    let entry = audit::Entry {
        admin_id: None,
        admin_name: "command line",
        action: "create",
        entity: ENTITY,
        entity_id: &id.to_string(),
        before: None,
        after: after.as_ref(),
    };
    Ok(audit::insert(tx, &entry, now_ms).await?)
}

/// What may change; `None` stays, an agent of `Some(None)` is taken away.
#[derive(Debug, Default)]
pub struct CredentialPatch {
    pub class: Option<Class>,
    pub agent_id: Option<Option<i64>>,
    pub status: Option<i64>,
    pub note: Option<String>,
}

/// Errors: `InvalidField`, `NotFound(Item)` for the credential or the agent.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: CredentialPatch) -> Result<Answer> {
    if let Some(status) = patch.status {
        check_range("status", status, 0..=1)?;
    }
    if let Some(note) = &patch.note {
        check_text("note", note, LONGEST_NOTE)?;
    }
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Item));
            }
            let before: HawkCredentialRecord = in_tx(tx, id, Entity::Item).await?;
            let class = patch.class.or_else(|| Class::parse(&before.class)).ok_or(DomainError::Internal)?;
            let agent = patch.agent_id.unwrap_or(before.agent_id);
            if class == Class::Official && agent.is_some() {
                return Err(DomainError::field("agent_id", "only credentials of the class agent belong to an agent"));
            }
            agent_is_there(tx, agent).await?;
            let note = patch.note.as_deref().unwrap_or(&before.note);
            store::update(tx, id, class, agent, patch.status.unwrap_or(before.status), note).await?;
            let after: HawkCredentialRecord = in_tx(tx, id, Entity::Item).await?;
            Ok(Change { action: "update", entity: ENTITY, id, before: public(&before), after: public(&after) })
        })
    })
    .await
}
