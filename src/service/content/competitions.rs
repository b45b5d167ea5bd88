//! Competitions as visitors see them, and members' wishes to play in one.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};

use super::athletes::member;
use super::{Competition, CompetitionCard, Page, Window};
use crate::context::Context;
use crate::store::sql::content::competitions as store;

/// Errors: `NotFound(Competition)`.
pub async fn detail(context: &Context, id: i64) -> Result<Competition> {
    store::find(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Competition))
}

/// What has not started, the next first. Who is no member has applied for none.
pub async fn begins(context: &Context, account: AccountId, window: Window) -> Result<Page<CompetitionCard>> {
    let member = match member(context, account).await {
        Ok(member) => member.id,
        Err(DomainError::NotFound(Entity::Member)) => 0,
        Err(error) => return Err(error),
    };
    store::begins(&context.db, member, context.db.now_ms(), window).await
}

/// Errors: `NotFound(Member)`, `NotFound(Competition)`, `AlreadyRegistered`.
pub async fn apply(context: &Context, account: AccountId, competition: i64) -> Result<()> {
    let member = member(context, account).await?.id;
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                store::apply(tx, member, competition, now).await
            })
        })
        .await
}

/// Errors: `NotFound(Member)`, `NotFound(Competition)`, `NotFound(Registration)` without an application.
pub async fn withdraw(context: &Context, account: AccountId, competition: i64) -> Result<()> {
    let member = member(context, account).await?.id;
    context.db.write(move |tx| Box::pin(async move { store::withdraw(tx, member, competition).await })).await
}
