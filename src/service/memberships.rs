//! Paid memberships apart from paying: granted and disabled by administrators, ended when their time is over.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};

use super::collections::{AccountRecord, Answer, Change, Time, Writer, accounts as collection, write};
use super::payments::years_after;
use super::sms::{self, Kind, Sms};
use crate::context::Context;
use crate::store::sql::accounts as store;

/// Longest grant.
const MOST_YEARS: i64 = 10;
/// Memberships that are ended at once.
const SWEEP: i64 = 100;
/// After this long nobody needs to be told any more.
const MESSAGE_LIFE_MS: i64 = 12 * 3_600_000;

/// How long a membership is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// From its end, or from now if it is over.
    Years(i64),
    /// Until a moment, in milliseconds since 1970, also one before its end.
    Until(i64),
}

/// Grants or extends a membership. One that is disabled stays disabled.
///
/// Errors: `InvalidField`, `NotFound(Account)`.
pub async fn grant(context: &Context, writer: Writer, id: i64, grant: Grant) -> Result<Answer> {
    if let Grant::Years(years) = grant
        && !(1..=MOST_YEARS).contains(&years)
    {
        return Err(DomainError::field("years", format!("must be 1 to {MOST_YEARS}")));
    }
    change(context, writer, id, "grant_membership", move |before, now_ms| {
        let until = match grant {
            Grant::Until(at) if at <= now_ms => return Err(DomainError::field("until", "must be in the future")),
            Grant::Until(at) => at,
            Grant::Years(years) => {
                let from = before.member_expire_time.map_or(now_ms, |Time(at)| at.max(now_ms));
                let until = years_after(from, years).filter(|at| Time(*at).is_usual());
                until
                    .ok_or_else(|| DomainError::field("years", "the membership would have no end that anybody sees"))?
            }
        };
        let status = if before.member_status == store::DISABLED { store::DISABLED } else { store::MEMBER };
        Ok((status, Some(Time(until))))
    })
    .await
}

/// Disables a membership, or enables it again for what is left of it.
///
/// Errors: `NotFound(Account)`.
pub async fn set_disabled(context: &Context, writer: Writer, id: i64, disabled: bool) -> Result<Answer> {
    let action = if disabled { "disable_membership" } else { "enable_membership" };
    change(context, writer, id, action, move |before, now_ms| {
        let until = before.member_expire_time;
        let status = match (disabled, until) {
            (true, _) => store::DISABLED,
            (false, None) => store::NO_MEMBER,
            (false, Some(Time(at))) if at > now_ms => store::MEMBER,
            (false, Some(_)) => store::OVER,
        };
        Ok((status, until))
    })
    .await
}

/// What `decide` makes of the account: the membership's status and end.
async fn change(
    context: &Context,
    writer: Writer,
    id: i64,
    action: &'static str,
    decide: impl FnOnce(&AccountRecord, i64) -> Result<(i64, Option<Time>)> + Send + 'static,
) -> Result<Answer> {
    let vault = context.vault.clone();
    let answer = write(context, writer, move |tx, now_ms| {
        Box::pin(async move {
            let before = collection::locked(tx, &vault, id).await?;
            let (member_status, member_expire_time) = decide(&before, now_ms)?;
            store::put_membership(tx, AccountId(id), member_status, member_expire_time.map(|Time(at)| at)).await?;
            let after = AccountRecord { member_status, member_expire_time, ..before.clone() };
            let (before, after) = (serde_json::to_value(&before).ok(), serde_json::to_value(&after).ok());
            Ok(Change { action, entity: "accounts", id, before, after })
        })
    })
    .await?;
    context.sessions.forget(AccountId(id));
    Ok(answer)
}

/// Ends memberships whose time is over, a bounded number, and tells their owners where messages are sent. Answers how
/// many.
pub async fn sweep(context: &Context) -> Result<u64> {
    let mut ended = 0;
    let tells = sms::sends(context, Kind::MembershipOver);
    for id in store::ending_memberships(&context.db, context.db.now_ms(), SWEEP).await? {
        let (db, vault) = (context.db.clone(), context.vault.clone());
        let work = context.db.write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                let Some(mobile_sealed) = store::end_membership(tx, id, now_ms).await? else { return Ok(false) };
                if let Some(phone) = mobile_sealed.filter(|_| tells).and_then(|sealed| vault.open(&sealed).ok()) {
                    let until = now_ms + MESSAGE_LIFE_MS;
                    let sms = Sms { phone, kind: Kind::MembershipOver, values: Vec::new(), until };
                    sms::enqueue(tx, &vault, &sms, now_ms).await?;
                }
                Ok(true)
            })
        });
        if work.await? {
            context.sessions.forget(id);
            ended += 1;
        }
    }
    Ok(ended)
}
