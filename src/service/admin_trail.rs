//! What the audit trail keeps of signing in. Anybody can make a sign-in fail, so failures are counted by administrator,
//! address and hour, over a bounded number of addresses an hour, and everything here is pruned by age.

use actors::domain::account::Admin;
use actors::domain::caller_address::CallerAddress;
use actors::error::Result;
use serde_json::json;

use super::address_key::AddressKey;
use crate::context::Context;
use crate::store::sql::audit;
use crate::store::sql::db::Tx;

/// Entries on failures an hour; what other addresses do beyond them is counted in one entry for each administrator.
const MOST_FAILURES: i64 = 200;
/// Who failed is not known.
const NOBODY: &str = "not signed in";
/// Entries pruned at once.
const SWEEP: i64 = 1_000;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// How a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    Wrong,
    /// Wrong, and no further try is taken for a while. Refusals without a try leave no entry.
    Locked,
}

impl Failure {
    fn action(self) -> &'static str {
        match self {
            Self::Wrong => "sign-in-failed",
            Self::Locked => "sign-in-locked",
        }
    }
}

pub(super) async fn signed_in(
    tx: &mut Tx,
    admin: &Admin,
    address: CallerAddress,
    session: &str,
    now: i64,
) -> Result<()> {
    of_session(tx, "sign-in", admin, address, session, now).await
}

pub(super) async fn signed_out(
    tx: &mut Tx,
    admin: &Admin,
    address: CallerAddress,
    session: &str,
    now: i64,
) -> Result<()> {
    of_session(tx, "sign-out", admin, address, session, now).await
}

/// `session` is the hash of its token, which happens once.
async fn of_session(
    tx: &mut Tx,
    action: &'static str,
    admin: &Admin,
    address: CallerAddress,
    session: &str,
    now: i64,
) -> Result<()> {
    let entry = audit::Entry {
        admin_id: Some(admin.id.0),
        admin_name: &admin.username,
        action,
        entity: "admins",
        entity_id: &admin.id.to_string(),
        before: None,
        after: Some(&json!({"address": address.to_string()})),
    };
    Ok(audit::insert_sign_in(tx, &entry, &format!("{action}|{session}"), now).await?)
}

/// `known` is whose name was given, if it is anybody's. Another name is not kept: people type passwords there. A database
/// that does not take the entry changes nothing for the caller, who is refused anyhow.
pub async fn failed(context: &Context, address: CallerAddress, known: Option<Admin>, failure: Failure) {
    let db = context.db.clone();
    let written = context.db.write(move |tx| {
        Box::pin(async move {
            let now = db.now_in(tx).await?;
            let action = failure.action();
            let id = known.as_ref().map_or(0, |admin| admin.id.0);
            let key = |from: &str| format!("{action}|{id}|{from}");
            let own = key(&AddressKey::of(address).to_string());
            if audit::count_sign_in(tx, &own, now).await? {
                return Ok(());
            }
            let room = audit::sign_ins(tx, "sign-in-%|%", now).await? < MOST_FAILURES;
            let (key, from) = match room {
                true => (own, address.to_string()),
                false => (key("others"), "others".to_owned()),
            };
            let entry = audit::Entry {
                admin_id: None,
                admin_name: NOBODY,
                action,
                entity: "admins",
                entity_id: &id.to_string(),
                before: None,
                after: Some(&json!({"username": known.as_ref().map(|admin| &admin.username), "address": from})),
            };
            Ok(audit::insert_sign_in(tx, &entry, &key, now).await?)
        })
    });
    if let Err(error) = written.await {
        tracing::warn!(%error, "a failed sign-in is not in the audit trail");
    }
}

/// Prunes what is older than `admin.sign_in_audit_days`, a bounded number at once.
pub async fn sweep(context: &Context) -> Result<()> {
    let days = i64::try_from(context.config.admin.sign_in_audit_days).unwrap_or(i64::MAX / DAY_MS);
    let before = context.db.now_ms().saturating_sub(days.saturating_mul(DAY_MS));
    context
        .db
        .write(move |tx| Box::pin(async move { Ok(audit::prune_sign_ins(tx, before, SWEEP).await.map(drop)?) }))
        .await
}
