//! Accounts as administrators handle them: found, disabled and enabled again.

use actors::domain::account::{Admin, Role};
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};

use super::{AccountRecord, Answer, Change, Writer, check_range, in_tx, public, write};
use crate::context::Context;
use crate::service::accounts::forget_everywhere;
use crate::service::confirmations::{self, Links};
use crate::store::sql::accounts::{id_by_email as by_email, id_by_mobile as by_mobile};
use crate::store::sql::collections::{Page, accounts as store};
use crate::store::sql::db::Tx;
use crate::vault::Vault;

/// Phones and mail addresses in full for owners only.
pub fn seen_by(context: &Context, admin: &Admin, account: AccountRecord) -> AccountRecord {
    account.opened(&context.vault, admin.role == Role::Owner)
}

/// As `super::page`; a search that is the whole phone number of an account, however it is spelt, or its whole mail
/// address finds that account.
pub async fn page(context: &Context, search: &str, page: i64, size: i64) -> Result<Page<AccountRecord>> {
    let mut owner = None;
    if search.contains('@') {
        owner = by_email(&context.db, &context.vault.email_key(search)).await?;
    }
    if owner.is_none() && search.bytes().any(|byte| byte.is_ascii_digit()) {
        owner = by_mobile(&context.db, &context.vault.mobile_key(search)).await?;
    }
    if let Some(id) = owner {
        let rows = if page == 1 { vec![super::one(context, id, Entity::Account).await?] } else { Vec::new() };
        return Ok(Page { total: 1, rows });
    }
    super::page(context, search, page, size).await
}

/// The account under its lock, its phone and mail address masked.
///
/// Errors: `NotFound(Account)`.
pub(in crate::service) async fn locked(tx: &mut Tx, vault: &Vault, id: i64) -> Result<AccountRecord> {
    if !store::lock(tx, id).await? {
        return Err(DomainError::NotFound(Entity::Account));
    }
    let account: AccountRecord = in_tx(tx, id, Entity::Account).await?;
    Ok(account.opened(vault, false))
}

/// Sends a new link to the mail address of an account that waits for it to be confirmed.
///
/// Errors: `NotFound(Account)`, `Conflict` on `mail` when it is confirmed already, `RateLimited`.
pub async fn send_confirmation(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let (vault, links) = (context.vault.clone(), Links::from_context(context));
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let account = locked(tx, &vault, id).await?;
            confirmations::renew(tx, &vault, &links, AccountId(id), now).await?;
            Ok(Change { action: "send-confirmation", entity: "accounts", id, before: None, after: public(&account) })
        })
    })
    .await
}

/// Takes a mail address as confirmed, on the administrator's word.
///
/// Errors: `NotFound(Account)`, `Conflict` on `mail` when it is confirmed already.
pub async fn confirm_mail(context: &Context, writer: Writer, id: i64) -> Result<Answer> {
    let vault = context.vault.clone();
    write(context, writer, move |tx, now| {
        Box::pin(async move {
            let before = locked(tx, &vault, id).await?;
            if before.email_pending == 0 {
                return Err(DomainError::Conflict { field: "mail".into() });
            }
            confirmations::confirm(tx, AccountId(id), now).await?;
            let after = AccountRecord { email_pending: 0, ..before.clone() };
            Ok(Change {
                action: "confirm-mail",
                entity: "accounts",
                id,
                before: public(&before),
                after: public(&after),
            })
        })
    })
    .await
}

/// The largest allowance.
pub const MOST_OPEN_PLACES: i64 = 100_000;

/// Lets the account of a club or an agent keep more places of one game without paying than everybody may; `None` takes
/// that away. Places it has already stay.
///
/// Errors: `InvalidField`, `NotFound(Account)`.
pub async fn set_open_places(context: &Context, writer: Writer, id: i64, places: Option<i64>) -> Result<Answer> {
    if let Some(places) = places {
        check_range("open_places", places, 1..=MOST_OPEN_PLACES)?;
    }
    let vault = context.vault.clone();
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            let before = locked(tx, &vault, id).await?;
            store::set_open_places_allowance(tx, id, places).await?;
            let after = AccountRecord { open_places_allowance: places, ..before.clone() };
            Ok(Change {
                action: "set-allowance",
                entity: "accounts",
                id,
                before: public(&before),
                after: public(&after),
            })
        })
    })
    .await
}

/// 0 disables the account and ends its sessions, 1 enables it.
///
/// Errors: `InvalidField`, `NotFound(Account)`.
pub async fn set_status(context: &Context, writer: Writer, id: i64, status: i64) -> Result<Answer> {
    check_range("status", status, 0..=1)?;
    let vault = context.vault.clone();
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            let before = locked(tx, &vault, id).await?;
            store::set_status(tx, id, status).await?;
            let after = AccountRecord { status, ..before.clone() };
            Ok(Change { action: "update", entity: "accounts", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    forget_everywhere(context, AccountId(id));
    Ok(answer)
}
