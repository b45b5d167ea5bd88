//! Which application calls, judged before anything of the call is opened, and by which of its key pairs.

use actors::domain::caller_address::CallerAddress;
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
pub async fn find_caller(context: &Context, app: i64, key: &str, address: CallerAddress) -> Result<Caller, Refusal> {
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

/// A caller without a known address is on no list of allowed ones, and is refused where any address is banned: it may be
/// that one.
fn check_address(app: &StoredApp, address: CallerAddress) -> Result<(), Refusal> {
    let is_on = |list: &str, unknown: bool| address.ip().map_or(unknown, |address| addresses::any_is(list, address));
    match (addresses::is_empty(&app.ip_allow), addresses::is_empty(&app.ip_bad)) {
        (true, true) => Ok(()),
        (true, false) if is_on(&app.ip_bad, true) => Err(Refusal::AddressBanned),
        (true, false) => Ok(()),
        (false, _) if is_on(&app.ip_allow, false) => Ok(()),
        (false, _) => Err(Refusal::AddressNotAllowed),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_without_an_address_is_on_no_list_of_allowed_ones_and_may_be_a_banned_one() {
        let keys = || SealedKeys { key: String::new(), secret: String::new() };
        let judged = |allow: &str, bad: &str, address: Option<&str>| {
            let app = StoredApp {
                id: 1,
                enabled: true,
                may_register: true,
                keys: keys(),
                previous: None,
                ip_allow: allow.to_owned(),
                ip_bad: bad.to_owned(),
                notify_url: String::new(),
                notify_params: String::new(),
            };
            let address = address.map_or(CallerAddress::Unknown, |text| CallerAddress::known(text.parse().unwrap()));
            check_address(&app, address)
        };
        assert!(judged("", "", None).is_ok());
        assert!(matches!(judged("*", "", None), Err(Refusal::AddressNotAllowed)));
        assert!(matches!(judged("unk*", "", None), Err(Refusal::AddressNotAllowed)));
        assert!(matches!(judged("", "10.0.0.1", None), Err(Refusal::AddressBanned)));
        assert!(judged("", "10.0.0.1", Some("10.0.0.2")).is_ok());
        assert!(matches!(judged("", "10.0.0.1", Some("10.0.0.1")), Err(Refusal::AddressBanned)));
        assert!(judged("10.0.0.1", "10.0.0.1", Some("10.0.0.1")).is_ok());
        assert!(matches!(judged("10.0.0.1", "", Some("10.0.0.2")), Err(Refusal::AddressNotAllowed)));
    }
}
