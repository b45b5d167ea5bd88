//! Who may call with HAWK, and that no call is taken twice. The protocol's texts are the dialect's.
//!
//! A nonce is spent in a transaction of its own, before the work it authorises: a call that then fails for whatever
//! reason cannot be sent again by who overheard it, and one that worked cannot work twice. Its sender signs a new one.

use actors::domain::caller_address::CallerAddress;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Result};
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::db::Db;
use crate::store::sql::hawk as store;
use crate::vault::Vault;

pub use crate::store::sql::hawk::{Algorithm, Class};

/// A call that is dated further ahead is not remembered when it is refused; nearer ones are, because they would become
/// good.
const AHEAD_MS: i64 = 24 * 3_600_000;
/// Nonces removed by one statement.
const SWEEP: i64 = 5_000;
/// Characters of a credential's name.
const LONGEST_ID: usize = 64;
const LONGEST_NOTE: usize = 200;

/// A caller's credential with its key in the clear.
#[derive(Clone)]
pub struct Credential {
    pub hawk_id: String,
    pub key: String,
    pub algorithm: Algorithm,
    pub class: Class,
}

impl Credential {
    /// For a name that nobody has: the caller is to be refused after the same work.
    pub fn nobody() -> Self {
        Self { hawk_id: String::new(), key: "nobody".repeat(6), algorithm: Algorithm::Sha256, class: Class::Agent }
    }
}

/// The enabled credential of an id.
///
/// Errors: `Internal` for a key that was sealed with another data key, `Busy`.
pub async fn credential(context: &Context, hawk_id: &str) -> Result<Option<Credential>> {
    let Some(stored) = store::enabled(&context.db, hawk_id).await? else { return Ok(None) };
    let key = context.vault.open(&stored.key_sealed).map_err(|error| {
        tracing::error!(%error, "the key of a HAWK credential");
        DomainError::Internal
    })?;
    let store::StoredCredential { hawk_id, algorithm, class, .. } = stored;
    Ok(Some(Credential { hawk_id, key, algorithm, class }))
}

/// How a call stands in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The nonce is spent now; durable.
    Fresh,
    /// The same nonce was used at the same time before.
    Used,
    /// The time is too far from ours, `now_s`.
    Stale { now_s: i64 },
}

/// A call whose signature fits.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub credential: &'a Credential,
    /// Seconds since 1970, as it says.
    pub ts: i64,
    pub nonce: &'a str,
    /// Where it comes from.
    pub address: CallerAddress,
}

/// Spends the nonce of a call. One that was seen before, or is old, costs a read and takes nothing from the credential: a
/// signature never ends, so whoever saw a call can send it again and again. Those count against the address that they come
/// from.
///
/// Errors: `Busy`, also for a credential that calls too often, and for an address that sent too many such calls;
/// `Internal`. After an error nothing was spent.
pub async fn spend(context: &Context, call: Call<'_>) -> Result<Standing> {
    let Call { credential, ts, nonce, address } = call;
    let skew_ms = i64::try_from(context.config.regist.clock_skew_seconds.saturating_mul(1000)).unwrap_or(i64::MAX / 4);
    let said_ms = ts.saturating_mul(1000);
    let here_ms = context.db.now_ms();
    // The database's clock judges; where it cannot be in doubt, ours saves the transaction.
    let doubt_ms = skew_ms.saturating_mul(2);
    let is_stale = said_ms < here_ms.saturating_sub(doubt_ms)
        || said_ms > here_ms.saturating_add(AHEAD_MS.max(skew_ms)).saturating_add(doubt_ms);
    if is_stale {
        context.limits.hawk_refusable(&credential.hawk_id, address).await?;
    }
    let nonce = store::Nonce {
        hawk_id: credential.hawk_id.clone(),
        ts,
        nonce_hash: hex::encode(Sha256::digest(nonce.as_bytes())),
    };
    let standing = if store::is_used(&context.db, &nonce).await? {
        Standing::Used
    } else if is_stale {
        Standing::Stale { now_s: here_ms.div_euclid(1000) }
    } else {
        context.limits.hawk_call(&credential.hawk_id).await?;
        spend_new(&context.db, nonce, said_ms, skew_ms).await?
    };
    match standing {
        Standing::Fresh => pass(Failpoint::HawkNonceSpent),
        Standing::Used | Standing::Stale { .. } => context.limits.hawk_refused(&credential.hawk_id, address).await,
    }
    Ok(standing)
}

async fn spend_new(db: &Db, nonce: store::Nonce, said_ms: i64, skew_ms: i64) -> Result<Standing> {
    let clock = db.clone();
    db.write(move |tx| {
        Box::pin(async move {
            let now_ms = clock.now_in(tx).await?;
            let stale = Standing::Stale { now_s: now_ms.div_euclid(1000) };
            if said_ms < now_ms.saturating_sub(skew_ms) || said_ms > now_ms.saturating_add(AHEAD_MS.max(skew_ms)) {
                return Ok(stale);
            }
            let expires_at = said_ms.max(now_ms).saturating_add(skew_ms.saturating_mul(2));
            if !store::use_nonce(tx, &nonce, expires_at).await? {
                return Ok(Standing::Used);
            }
            Ok(if said_ms > now_ms.saturating_add(skew_ms) { stale } else { Standing::Fresh })
        })
    })
    .await
}

/// Removes the nonces whose time is over.
pub async fn sweep(context: &Context) -> Result<()> {
    loop {
        let db = context.db.clone();
        let swept = context
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let now_ms = db.now_in(tx).await?;
                    Ok(store::sweep(tx, now_ms, SWEEP).await?)
                })
            })
            .await?;
        if swept < SWEEP as u64 {
            return Ok(());
        }
    }
}

/// What is told of a credential that is to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub hawk_id: String,
    pub algorithm: Algorithm,
    pub class: Class,
    /// The agent whose session key it is; only for the class agent.
    pub agent_id: Option<i64>,
    pub note: String,
}

/// A new session key: 256 random bits, hex.
pub(super) fn new_key() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// The row of a credential with `key`, its members checked.
///
/// Errors: `InvalidField`.
pub(super) fn row(vault: &Vault, wanted: Wanted, key: &str) -> Result<store::NewCredential> {
    let fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=LONGEST_ID).contains(&wanted.hawk_id.len()) || !wanted.hawk_id.bytes().all(fit) {
        return Err(DomainError::field("hawk_id", "must be 1 to 64 letters, digits, -, _ or ."));
    }
    if wanted.class == Class::Official && wanted.agent_id.is_some() {
        return Err(DomainError::field("agent_id", "only credentials of the class agent belong to an agent"));
    }
    if wanted.note.chars().count() > LONGEST_NOTE {
        return Err(DomainError::field("note", "must have 200 characters at most"));
    }
    visible::check(&wanted.note, Layout::Lines).map_err(|fault| DomainError::field("note", fault.to_string()))?;
    let Wanted { hawk_id, algorithm, class, agent_id, note } = wanted;
    Ok(store::NewCredential { hawk_id, key_sealed: vault.seal(key), algorithm, class, agent_id, note })
}

/// Makes a credential and answers its key, which is not told again.
///
/// Errors: `InvalidField`, `Conflict` on the id, `NotFound(Item)` for the agent.
pub async fn create_from_command_line(db: &Db, vault: &Vault, wanted: Wanted) -> Result<String> {
    let key = new_key();
    let row = row(vault, wanted, &key)?;
    let clock = db.clone();
    db.write(move |tx| {
        Box::pin(async move {
            let now_ms = clock.now_in(tx).await?;
            super::collections::hawk_credentials::insert_from_command_line(tx, &row, now_ms).await
        })
    })
    .await?;
    Ok(key)
}
