//! Mail addresses that confirm themselves: a link in a mail, opened within its time, or asked for anew with the old one.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};
use sha2::{Digest, Sha256};

use super::mails::{self, Kind, Mail};
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::mails as store;
use crate::store::sql::sso::{self, Occasion};
use crate::vault::Vault;

/// Between two mails to one account, and how many of them in a day. No setting switches it off.
const RESEND_MS: i64 = 60_000;
const MOST_A_DAY: i64 = 5;
const DAY_MS: i64 = 86_400_000;
/// A link that is over can be exchanged for a new one for so long.
const EXCHANGE_MS: i64 = 30 * DAY_MS;
/// Mails that never left are shown for so long.
const GIVEN_UP_MS: i64 = 7 * DAY_MS;
/// Accounts that are given up in one transaction.
const RELEASED_AT_ONCE: i64 = 100;
/// Hex digits of a token.
const TOKEN_LENGTH: usize = 64;

/// What links are made of.
#[derive(Debug, Clone)]
pub struct Links {
    /// Such as `https://example.org`.
    origin: String,
    life_ms: i64,
}

impl Links {
    pub fn from_context(context: &Context) -> Self {
        let origin = match (context.config.server.public_url.trim_end_matches('/'), context.outside.own_address()) {
            ("", Some(address)) => format!("http://{address}"),
            // Nobody is served before the address is known.
            (configured, _) => configured.to_owned(),
        };
        let life_seconds = i64::try_from(context.config.sso.confirmation_seconds).unwrap_or(i64::MAX / 4_000);
        Self { origin, life_ms: life_seconds * 1000 }
    }
}

/// What opening a link came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opened {
    /// Now or before.
    Confirmed,
    /// Too late: it may be exchanged.
    Expired,
}

fn hash_of(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// Writes a link and its mail in the transaction that makes them necessary.
pub(super) async fn ask(
    tx: &mut Tx,
    vault: &Vault,
    links: &Links,
    account: AccountId,
    address: &str,
    now_ms: i64,
) -> Result<()> {
    let token = hex::encode(rand::random::<[u8; TOKEN_LENGTH / 2]>());
    let until = now_ms + links.life_ms;
    store::insert_confirmation(tx, &hash_of(&token), account, until, now_ms).await?;
    // Behind the #, where no log has it.
    let link = format!("{}/confirm-mail#token={token}", links.origin);
    let values = vec![link, (links.life_ms / 60_000).to_string()];
    let mail = Mail { to: address.to_owned(), kind: Kind::Confirmation, values, until };
    mails::enqueue(tx, vault, account, &mail, now_ms).await
}

/// The hash of a token that may be one of ours; spares the database a write for noise.
///
/// Errors: `NotFound(Item)`.
async fn known(context: &Context, token: &str) -> Result<String> {
    let missing = DomainError::NotFound(Entity::Item);
    if token.len() != TOKEN_LENGTH {
        return Err(missing);
    }
    let hash = hash_of(token);
    if store::knows_confirmation(&context.db, &hash).await? { Ok(hash) } else { Err(missing) }
}

/// Opens a link. Opening it again says the same again.
///
/// Errors: `NotFound(Item)` for a link that never was or was over long ago.
pub async fn open(context: &Context, token: &str) -> Result<Opened> {
    let hash = known(context, token).await?;
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                let link = store::confirmation(tx, &hash).await?.ok_or(DomainError::NotFound(Entity::Item))?;
                if !link.pending {
                    return Ok(Opened::Confirmed);
                }
                if link.expires_at <= now_ms {
                    return Ok(Opened::Expired);
                }
                confirm(tx, link.account, now_ms).await?;
                Ok(Opened::Confirmed)
            })
        })
        .await
}

/// The account waits no longer, and the applications that were told that it does are told so.
pub(in crate::service) async fn confirm(tx: &mut Tx, account: AccountId, now_ms: i64) -> Result<()> {
    store::confirm(tx, account).await?;
    sso::enqueue_notices(tx, account, Occasion::Confirmed, now_ms).await?;
    Ok(())
}

/// Sends a new link to the address of an account whose link is over, or was lost on the way.
///
/// Errors: `NotFound(Item)`, `Conflict` on `mail` when it is confirmed already, `RateLimited`.
pub async fn ask_again(context: &Context, token: &str) -> Result<()> {
    let hash = known(context, token).await?;
    let (db, vault, links) = (context.db.clone(), context.vault.clone(), Links::from_context(context));
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let link = store::confirmation(tx, &hash).await?.ok_or(DomainError::NotFound(Entity::Item))?;
                let now_ms = db.now_in(tx).await?;
                renew(tx, &vault, &links, link.account, now_ms).await
            })
        })
        .await
}

/// Sends a new link to an account, whose person proved another way to be the one.
///
/// Errors: `NotFound(Account)`, `Conflict` on `mail` when it is confirmed already, `RateLimited`.
pub async fn ask_once_more(context: &Context, account: AccountId) -> Result<()> {
    let (db, vault, links) = (context.db.clone(), context.vault.clone(), Links::from_context(context));
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                renew(tx, &vault, &links, account, now_ms).await
            })
        })
        .await
}

/// Errors: as `ask_once_more`.
pub(in crate::service) async fn renew(
    tx: &mut Tx,
    vault: &Vault,
    links: &Links,
    account: AccountId,
    now_ms: i64,
) -> Result<()> {
    let missing = DomainError::NotFound(Entity::Account);
    let (pending, address) = store::standing(tx, account).await?.ok_or(missing.clone())?;
    if !pending {
        return Err(DomainError::Conflict { field: "mail".into() });
    }
    let address = vault.open(&address.ok_or(missing)?).map_err(|_| DomainError::Internal)?;
    refuse_often(tx, account, now_ms).await?;
    ask(tx, vault, links, account, &address, now_ms).await
}

async fn refuse_often(tx: &mut Tx, account: AccountId, now_ms: i64) -> Result<()> {
    let (last, count) = store::sent(tx, account, now_ms - DAY_MS).await?;
    let wait_ms = if count >= MOST_A_DAY { last + DAY_MS - now_ms } else { last + RESEND_MS - now_ms };
    if wait_ms <= 0 {
        return Ok(());
    }
    Err(DomainError::RateLimited { retry_after_seconds: u32::try_from(wait_ms / 1000 + 1).unwrap_or(u32::MAX) })
}

/// Removes links that cannot be exchanged any more, mails of before yesterday, and what never left a week later. Gives
/// up a bounded number of accounts that nobody confirmed: their names and addresses are free again.
pub async fn sweep(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                Ok(store::sweep(tx, now_ms - EXCHANGE_MS, now_ms - DAY_MS, now_ms - GIVEN_UP_MS).await?)
            })
        })
        .await?;
    let pending_ms = i64::try_from(context.config.sso.pending_days).unwrap_or(i64::MAX / DAY_MS) * DAY_MS;
    let before = context.db.now_ms() - pending_ms;
    let overdue = store::overdue(&context.db, before, RELEASED_AT_ONCE).await?;
    if overdue.is_empty() {
        return Ok(());
    }
    let given_up = context.db.write(move |tx| {
        Box::pin(async move {
            let mut released = 0_u32;
            for account in overdue {
                released += u32::from(store::release(tx, account, before).await?);
            }
            Ok(released)
        })
    });
    let released = given_up.await?;
    tracing::info!(released, "accounts that nobody confirmed");
    Ok(())
}
