//! The signature by which a page may call WeChat's functions. Token and ticket are kept in SQL, sealed, for all nodes; one
//! of them at a time asks for a new one, and the old one is used meanwhile for as long as it is good. In each node one
//! caller looks for the ticket on behalf of all, who wait for it in memory.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actors::error::{DomainError, Provider, Result};
use rand::RngExt;
use rand::distr::Alphanumeric;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::clients::wechat::js_config::{self, Credential};
use crate::context::Context;
use crate::store::sql::wechat_credentials::{self as store, StoredCredential};

/// What the page hands to WeChat.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageConfig {
    pub app_id: String,
    pub nonce: String,
    /// Seconds since 1970.
    pub timestamp: i64,
    pub url: String,
    pub signature: String,
    /// The text that was signed.
    pub raw: String,
}

const ACCESS_TOKEN: &str = "access_token";
const TICKET: &str = "jsapi_ticket";
/// Renewed this long before its end.
const MARGIN_MS: i64 = 200_000;
/// An end that is nearer than this is not handed out any more.
const LAST_MS: i64 = 5_000;
/// Longer than one request to WeChat may take.
const LEASE_MS: i64 = 15_000;
/// After a failure nobody asks for so long.
const PAUSE_MS: i64 = 2_000;
/// A ticket is looked at again in SQL, where another node may have another one.
const FRESH_MS: i64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(8);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const NONCE_CHARACTERS: usize = 16;
/// Callers of a node that wait for the ticket; more are told to come again.
const MOST_WAITING: usize = 256;

/// The ticket of this node: what was found last, or why nothing was.
pub struct TicketDesk {
    last: Mutex<Last>,
    /// Held by the one that looks.
    turn: Semaphore,
    waiting: Semaphore,
}

/// How the last look ended, and when, in milliseconds since 1970.
#[derive(Default)]
struct Last {
    at: i64,
    outcome: Option<Result<Found>>,
}

impl Default for TicketDesk {
    fn default() -> Self {
        Self { last: Mutex::default(), turn: Semaphore::new(1), waiting: Semaphore::new(MOST_WAITING) }
    }
}

impl TicketDesk {
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What needs no look now: a ticket that was found a moment ago, one near its end while it is being renewed, or the
    /// failure of a moment ago. `is_looking`: somebody is at it.
    fn known(&self, now_ms: i64, is_looking: bool) -> Option<Result<String>> {
        let last = self.last();
        let age = now_ms.saturating_sub(last.at);
        match last.outcome.as_ref()? {
            Err(error) => (age < PAUSE_MS).then(|| Err(error.clone())),
            Ok(found) => {
                let is_fresh = age < FRESH_MS && found.expires_at > now_ms + MARGIN_MS;
                let is_left_alone = is_looking || age < PAUSE_MS;
                let is_good = is_fresh || (is_left_alone && found.expires_at > now_ms + LAST_MS);
                is_good.then(|| Ok(found.value.clone()))
            }
        }
    }
}

/// Signs the address of a page, which must not have a `#` in it.
///
/// Errors: `ProviderFailed(WeChat)`, `Busy`.
pub async fn page_config(context: &Context, url: &str) -> Result<PageConfig> {
    let ticket = ticket(context).await?;
    let nonce: String = rand::rng().sample_iter(Alphanumeric).take(NONCE_CHARACTERS).map(char::from).collect();
    let timestamp = context.db.now_ms() / 1000;
    let (raw, signature) = js_config::sign(&ticket, &nonce, timestamp, url);
    let app_id = context.outside.pages.app_id().to_owned();
    Ok(PageConfig { app_id, nonce, timestamp, url: url.to_owned(), signature, raw })
}

/// A value that is good now.
#[derive(Clone)]
struct Found {
    value: String,
    sealed: String,
    /// Milliseconds since 1970.
    expires_at: i64,
}

/// What is known in memory, or what one caller finds out for all.
///
/// Errors: `ProviderFailed(WeChat)`; `Busy` when too many wait, or another node takes its time.
async fn ticket(context: &Context) -> Result<String> {
    let desk = &context.ticket_desk;
    if let Some(known) = desk.known(context.db.now_ms(), desk.turn.available_permits() == 0) {
        return known;
    }
    let Ok(_waiting) = desk.waiting.try_acquire() else { return Err(DomainError::BUSY) };
    let turn = tokio::time::timeout(PATIENCE, desk.turn.acquire()).await.map_err(|_| DomainError::BUSY)?;
    let _turn = turn.map_err(|_| DomainError::Internal)?;
    // The one before us may have found it out.
    if let Some(known) = desk.known(context.db.now_ms(), false) {
        return known;
    }
    let looked = look(context).await;
    *desk.last() = Last { at: context.db.now_ms(), outcome: Some(looked.clone()) };
    looked.map(|found| found.value)
}

/// The stored ticket, renewed when that is due.
async fn look(context: &Context) -> Result<Found> {
    let renew = async || {
        // Who else asks WeChat for an access token of this account ends ours: then once more with a new one.
        for _ in 0..2 {
            let pages = &context.outside.pages;
            let token = credential(context, ACCESS_TOKEN, async || pages.access_token().await).await?;
            match pages.ticket(&token.value).await {
                Err(DomainError::Unauthenticated) => forget(context, token.sealed).await?,
                told => return told,
            }
        }
        Err(DomainError::ProviderFailed(Provider::WeChat))
    };
    credential(context, TICKET, renew).await
}

/// The stored credential, renewed by `renew` when that is due and nobody else is at it.
async fn credential(
    context: &Context,
    name: &'static str,
    renew: impl AsyncFn() -> Result<Credential>,
) -> Result<Found> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let now_ms = context.db.now_ms();
        let stored = stored(context, name, now_ms).await?;
        if let Some(found) = stored.clone().filter(|it| it.expires_at > now_ms + MARGIN_MS) {
            return Ok(found);
        }
        // Only read while another node is at it.
        let is_free = store::lease_is_free(&context.db, context.outside.pages.app_id(), name, now_ms).await?;
        if is_free && let Some(lease) = lease(context, name, now_ms).await? {
            match (renew_under(context, name, lease, &renew).await, stored) {
                (Ok(found), _) => return Ok(found),
                // The old one is good for a little while.
                (Err(error), Some(old)) => {
                    tracing::warn!(name, %error, "not renewed yet");
                    return Ok(old);
                }
                (Err(error), None) => return Err(error),
            }
        }
        if let Some(old) = stored {
            return Ok(old);
        }
        if Instant::now() + LOOK_AGAIN > deadline {
            return Err(DomainError::BUSY);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What is stored, unless it is over or was sealed with another key.
async fn stored(context: &Context, name: &str, now_ms: i64) -> Result<Option<Found>> {
    let app_id = context.outside.pages.app_id();
    let Some(StoredCredential { sealed, expires_at }) = store::read(&context.db, app_id, name).await? else {
        return Ok(None);
    };
    if expires_at <= now_ms + LAST_MS {
        return Ok(None);
    }
    Ok(context.vault.open(&sealed).ok().map(|value| Found { value, sealed, expires_at }))
}

/// The lease, named by its end, if it is ours now.
async fn lease(context: &Context, name: &'static str, now_ms: i64) -> Result<Option<i64>> {
    let app_id = context.outside.pages.app_id().to_owned();
    let until = now_ms + LEASE_MS;
    let ours = context
        .db
        .write(move |tx| {
            Box::pin(async move { Ok(store::lease(tx, &app_id, name, until, now_ms, now_ms + MARGIN_MS).await?) })
        })
        .await?;
    Ok(ours.then_some(until))
}

async fn renew_under(
    context: &Context,
    name: &'static str,
    lease: i64,
    renew: &impl AsyncFn() -> Result<Credential>,
) -> Result<Found> {
    let app_id = context.outside.pages.app_id().to_owned();
    let asked_at = context.db.now_ms();
    let renewed = Box::pin(renew()).await;
    let db = &context.db;
    match renewed {
        Ok(Credential { value, lives_seconds }) => {
            let new =
                StoredCredential { sealed: context.vault.seal(&value), expires_at: asked_at + lives_seconds * 1000 };
            let found = Found { value, sealed: new.sealed.clone(), expires_at: new.expires_at };
            db.write(move |tx| Box::pin(async move { Ok(store::keep(tx, &app_id, name, lease, &new).await?) })).await?;
            Ok(found)
        }
        Err(error) => {
            let until = context.db.now_ms() + PAUSE_MS;
            db.write(move |tx| Box::pin(async move { Ok(store::put_off(tx, &app_id, name, lease, until).await?) }))
                .await?;
            Err(error)
        }
    }
}

async fn forget(context: &Context, sealed: String) -> Result<()> {
    let app_id = context.outside.pages.app_id().to_owned();
    context
        .db
        .write(move |tx| Box::pin(async move { Ok(store::forget(tx, &app_id, ACCESS_TOKEN, &sealed).await?) }))
        .await
}
