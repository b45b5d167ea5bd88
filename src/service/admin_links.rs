//! One-time links by which an administrator sets a new password: made on the command line, used in the page. A link ends
//! with its use, with any other change of the password, by a newer link, and by time.

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Entity, Result};

use super::admins::{NewSession, SignedIn, check_password, is_token, new_token, token_hash};
use crate::context::Context;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::{admins as store, audit};

/// How long a link is good: it is handed over now, not kept for later.
const LINK_MS: i64 = 3600 * 1000;

/// Makes a link for an enabled administrator and returns its token, which is stored hashed. The password and the sessions
/// stay until the link is used.
///
/// Errors: `NotFound(Admin)`, also for one who is disabled.
pub async fn create_from_command_line(db: &Db, username: &str) -> Result<String> {
    let found = store::by_name(db, username).await?.filter(|found| found.enabled);
    let admin = found.ok_or(DomainError::NotFound(Entity::Admin))?.admin;
    let token = new_token();
    let (hash, clock) = (token_hash(&token), db.clone());
    db.write(move |tx| {
        Box::pin(async move {
            let now = clock.now_in(tx).await?;
            if !crate::store::sql::collections::admins::lock(tx, admin.id.0).await? {
                return Err(DomainError::NotFound(Entity::Admin));
            }
            store::replace_reset_link(tx, &hash, admin.id, now, now + LINK_MS).await?;
            entry(tx, "command line", "reset-link", admin.id.0, now).await
        })
    })
    .await?;
    Ok(token)
}

/// Sets the password of the link's administrator, ends all their sessions and signs them in.
///
/// Errors: `Unauthenticated` when the link is unknown, used or stale or its administrator is disabled; `InvalidField`;
/// `RateLimited`; `Busy`.
pub async fn reset(context: &Context, address: CallerAddress, token: &str, password: &str) -> Result<SignedIn> {
    context.limits.sign_in(address).await?;
    if !is_token(token) {
        return Err(DomainError::Unauthenticated);
    }
    check_password(password)?;
    let link = token_hash(token);
    // A guess must not cost a hash. The transaction looks at the link once more.
    if !store::reset_link_is_good(&context.db, &link, context.db.now_ms()).await? {
        return Err(DomainError::Unauthenticated);
    }
    let hash = context.admin_gate.passwords.hash_of(address, password).await?;
    let (db, session) = (context.db.clone(), NewSession::draw(context));
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now = db.now_in(tx).await?;
                let admin = store::use_reset_link(tx, &link, now).await?.ok_or(DomainError::Unauthenticated)?;
                store::set_password(tx, admin.id, &hash).await?;
                store::delete_sessions(tx, admin.id).await?;
                entry(tx, "one-time link", "reset-password", admin.id.0, now).await?;
                session.open(tx, admin, address).await
            })
        })
        .await
}

async fn entry(tx: &mut Tx, by: &str, action: &str, id: i64, now: i64) -> Result<()> {
    let entry = audit::Entry {
        admin_id: None,
        admin_name: by,
        action,
        entity: "admins",
        entity_id: &id.to_string(),
        before: None,
        after: None,
    };
    Ok(audit::insert(tx, &entry, now).await?)
}
