//! Accounts as administrators handle them: disabled and enabled again.

use actors::error::{DomainError, Entity, Result};

use super::{AccountRecord, Answer, Change, Writer, check_range, in_tx, public, write};
use crate::context::Context;
use crate::store::sql::collections::accounts as store;

/// 0 disables the account and ends its sessions, 1 enables it.
///
/// Errors: `InvalidField`, `NotFound(Account)`.
pub async fn set_status(context: &Context, writer: Writer, id: i64, status: i64) -> Result<Answer> {
    check_range("status", status, 0..=1)?;
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Account));
            }
            let before: AccountRecord = in_tx(tx, id, Entity::Account).await?;
            let before = before.masked();
            store::set_status(tx, id, status).await?;
            let after = AccountRecord { status, ..before.clone() };
            Ok(Change { action: "update", entity: "accounts", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    context.sessions.clear();
    Ok(answer)
}
