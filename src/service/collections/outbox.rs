//! Work of the outbox that fails: seen by administrators, and tried again when they say so.

use actors::error::{DomainError, Entity, Result};

use super::{Answer, Change, Writer, in_tx, public, write};
use crate::context::Context;
use crate::store::sql::collections::outbox::OutboxRecord;
use crate::store::sql::outbox as store;

/// Lets the loop try work again that it had given up, with all its attempts.
///
/// Errors: `NotFound(Item)`, `InUse` for work that is not given up.
pub async fn retry(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let before: OutboxRecord = in_tx(tx, id, Entity::Item).await?;
            if !store::revive(tx, id, now).await? {
                return Err(DomainError::InUse("the work is not given up: it is tried again by itself".into()));
            }
            let after: OutboxRecord = in_tx(tx, id, Entity::Item).await?;
            Ok(Change { action: "retry", entity: "outbox", id, before: public(&before), after: public(&after) })
        })
    })
    .await
}
