//! Which application calls, judged before anything of the call is opened, and by which of its key pairs.

use std::net::IpAddr;

use actors::error::{DomainError, Result as Outcome};

use super::{Refusal, addresses};
use crate::context::Context;
use crate::sso_wire::cipher::KeyPair;
use crate::store::sql::sso::{self as store, SealedKeys, StoredApp};
use crate::vault::Vault;

/// An application that proved its key. `pair` is the one it used, by which it is answered.
#[derive(Clone)]
pub struct Caller {
    pub app: i64,
    pub pair: KeyPair,
    pub(super) may_register: bool,
}

/// The pair as it is at work.
///
/// Errors: `Internal` for what this server's key cannot open, or what is no pair.
pub(in crate::service) fn open_pair(vault: &Vault, app: i64, keys: &SealedKeys) -> Outcome<KeyPair> {
    let opened = vault.open(&keys.key).ok().zip(vault.open(&keys.secret).ok());
    opened.and_then(|(key, secret)| KeyPair::new(&key, &secret)).ok_or_else(|| {
        tracing::error!(app, "the stored keys of an application cannot be used");
        DomainError::Internal
    })
}

/// The application of a call.
///
/// Errors: `UnknownApp`, `DisabledApp`, `AddressNotAllowed`, `AddressBanned`, `WrongKey`, in this order.
pub async fn find_caller(context: &Context, app: i64, key: &str, address: IpAddr) -> Result<Caller, Refusal> {
    let found = store::app(&context.db, app).await?.ok_or(Refusal::UnknownApp)?;
    if !found.enabled {
        return Err(Refusal::DisabledApp);
    }
    check_address(&found, address)?;
    let current = open_pair(&context.vault, app, &found.keys)?;
    let previous = match &found.previous {
        Some((keys, until)) if *until > context.db.now_ms() => Some(open_pair(&context.vault, app, keys)?),
        _ => None,
    };
    let pair = [Some(current), previous].into_iter().flatten().find(|pair| pair.has_key(key));
    let pair = pair.ok_or(Refusal::WrongKey)?;
    Ok(Caller { app, pair, may_register: found.may_register })
}

fn check_address(app: &StoredApp, address: IpAddr) -> Result<(), Refusal> {
    let address = address.to_canonical();
    if addresses::is_empty(&app.ip_allow) {
        if addresses::any_is(&app.ip_bad, address) { Err(Refusal::AddressBanned) } else { Ok(()) }
    } else if addresses::any_is(&app.ip_allow, address) {
        Ok(())
    } else {
        Err(Refusal::AddressNotAllowed)
    }
}

/// Whether a call was made now, as far as clocks agree. `timestamp` is in seconds.
///
/// Errors: `TimestampOff`.
pub fn check_time(context: &Context, timestamp: i64) -> Result<(), Refusal> {
    let deviation = context.config.sso.timestamp_deviation_seconds;
    if is_now(timestamp, context.db.now_ms(), deviation) { Ok(()) } else { Err(Refusal::TimestampOff) }
}

pub(super) fn is_now(timestamp: i64, now_ms: i64, deviation_seconds: u64) -> bool {
    (now_ms / 1000).abs_diff(timestamp) <= deviation_seconds
}
