//! Administrators made, changed and removed by owners. One enabled owner is always left.

use actors::domain::account::Role;
use actors::domain::ids::AdminId;
use actors::error::{DomainError, Entity, Result};

use super::{AdminRecord, Answer, Change, Writer, check_range, in_tx, public, write};
use crate::context::Context;
use crate::service::admins::{check_password, check_username, folded, insert};
use crate::store::sql::admins as rows;
use crate::store::sql::collections::admins as store;

/// Errors: `InvalidField`, `Conflict` on the name, `Busy`.
pub async fn create(context: &Context, writer: Writer, username: String, password: &str, role: Role) -> Result<Answer> {
    check_username(&username)?;
    let username = folded(&username);
    check_password(password)?;
    let hash = context.admin_gate.passwords.hash(password).await?;
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let AdminId(id) = insert(tx, &username, &hash, role, now).await?;
            let after: AdminRecord = in_tx(tx, id, Entity::Admin).await?;
            Ok(Change { action: "create", entity: "admins", id, before: None, after: public(&after) })
        })
    })
    .await
}

/// What may change; None stays.
#[derive(Default)]
pub struct AdminPatch {
    pub role: Option<Role>,
    pub status: Option<i64>,
    pub password: Option<String>,
}

/// Ends the sessions of whom it changes.
///
/// Errors: `InvalidField`, `NotFound(Admin)`, `InUse` when no owner would be left, `Busy`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: AdminPatch) -> Result<Answer> {
    let hash = match &patch.password {
        Some(password) => {
            check_password(password)?;
            Some(context.admin_gate.passwords.hash(password).await?)
        }
        None => None,
    };
    if let Some(status) = patch.status {
        check_range("status", status, 0..=1)?;
    }
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Admin));
            }
            let before: AdminRecord = in_tx(tx, id, Entity::Admin).await?;
            let role = match patch.role {
                Some(role) => role,
                None => rows::role(&before.role)?,
            };
            store::update(tx, id, role, patch.status.unwrap_or(before.status), hash.as_deref()).await?;
            let after: AdminRecord = in_tx(tx, id, Entity::Admin).await?;
            let action = if hash.is_some() { "update with password" } else { "update" };
            Ok(Change { action, entity: "admins", id, before: public(&before), after: public(&after) })
        })
    })
    .await
}

/// Errors: `NotFound(Admin)`, `InUse` when no owner would be left.
pub async fn delete(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Admin));
            }
            let before: AdminRecord = in_tx(tx, id, Entity::Admin).await?;
            store::delete(tx, id).await?;
            Ok(Change { action: "delete", entity: "admins", id, before: public(&before), after: None })
        })
    })
    .await
}
