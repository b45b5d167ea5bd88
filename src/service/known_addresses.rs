//! Addresses from which a person signed in during the last weeks. Others can guess at a person's password until the name
//! is refused, or have codes sent to the phone until its day is used up; from these addresses the person gets in all the
//! same. Kept in SQL, so that a restart and another node make no difference.

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::error::Result;

use super::address_key::AddressKey;
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::known_addresses as store;
use crate::vault::Vault;

const DAY_MS: i64 = 86_400_000;
const KEPT_MS: i64 = 28 * DAY_MS;
/// Addresses of one person; a phone on the road has many, and the newest count.
const MOST: i64 = 16;

/// A person as they name themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The name of an administrator, folded.
    Admin(&'a str),
    /// The login name of an account, folded.
    LoginName(&'a str),
    /// The keyed hash of a phone.
    Phone(&'a str),
}

impl Subject<'_> {
    fn key(self, vault: &Vault) -> String {
        let (kind, name) = match self {
            Self::Admin(name) => ("admin", name),
            Self::LoginName(name) => ("login name", name),
            Self::Phone(key) => ("phone", key),
        };
        vault.lookup_key("known address of", format!("{kind}|{name}").as_bytes())
    }
}

/// Two persons at one address have different keys.
fn address_key(vault: &Vault, subject_key: &str, address: CallerAddress) -> String {
    vault.lookup_key("known address", format!("{subject_key}|{}", AddressKey::of(address)).as_bytes())
}

/// Whether the person signed in from there during the last four weeks. A caller without an address comes from nowhere
/// known: all such callers would share the favour.
///
/// Errors: `Busy`.
pub async fn is_known(context: &Context, subject: Subject<'_>, address: CallerAddress) -> Result<bool> {
    if address == CallerAddress::Unknown {
        return Ok(false);
    }
    let subject_key = subject.key(&context.vault);
    let address_key = address_key(&context.vault, &subject_key, address);
    Ok(store::is_known(&context.db, &subject_key, &address_key, context.db.now_ms() - KEPT_MS).await?)
}

/// Remembers that the person signed in from there, written at most once a day. A failure is logged: the sign-in itself
/// is good.
pub async fn remember(context: &Context, subject: Subject<'_>, address: CallerAddress) {
    if let Err(error) = try_remember(context, subject, address).await {
        tracing::warn!(%error, "the address of a sign-in is not remembered");
    }
}

async fn try_remember(context: &Context, subject: Subject<'_>, address: CallerAddress) -> Result<()> {
    if address == CallerAddress::Unknown {
        return Ok(());
    }
    let subject_key = subject.key(&context.vault);
    let address_key = address_key(&context.vault, &subject_key, address);
    if store::is_known(&context.db, &subject_key, &address_key, context.db.now_ms() - DAY_MS).await? {
        return Ok(());
    }
    let clock = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = clock.now_in(tx).await?;
                Ok(store::remember(tx, &subject_key, &address_key, MOST, now_ms).await?)
            })
        })
        .await
}

/// Forgets the addresses of an account that is erased. Must come before its names go.
pub(super) async fn forget(tx: &mut Tx, vault: &Vault, account: AccountId) -> Result<()> {
    let [login_name, phone_key] = store::names_of(tx, account).await?;
    let subjects = [login_name.as_deref().map(Subject::LoginName), phone_key.as_deref().map(Subject::Phone)];
    for subject in subjects.into_iter().flatten() {
        store::forget(tx, &subject.key(vault)).await?;
    }
    Ok(())
}

/// Removes addresses that no longer count.
pub async fn sweep(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                Ok(store::sweep(tx, now_ms - KEPT_MS).await?)
            })
        })
        .await
}
