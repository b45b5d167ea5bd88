//! Registering a person: the account, what the application told of it, the call itself so that it is taken once, the
//! confirmation mail and the notices to other applications, all in one transaction.

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result as Outcome};

use super::caller::is_now;
use super::fields::{self, Checked};
use super::{Caller, Refusal};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::service::confirmations::{self, Links};
use crate::store::sql::db::Tx;
use crate::store::sql::new_accounts::{self, PasswordKind, Sealed};
use crate::store::sql::sso::{self as store, NewMember, Occasion};
use crate::vault::Vault;

/// The members of a registration as texts; documents as JSON.
#[derive(Debug, Clone, Default)]
pub struct Given {
    pub user_name: Option<String>,
    pub user_pass: Option<String>,
    pub user_mail: Option<String>,
    pub user_nick: Option<String>,
    pub user_contact: Option<String>,
    pub user_extend: Option<String>,
    pub user_ip: Option<String>,
}

/// What tells a call from every other one.
#[derive(Debug, Clone)]
pub struct Call {
    pub sign: String,
    /// Seconds since 1970.
    pub timestamp: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub account: AccountId,
    /// As typed.
    pub user_name: String,
    /// The account waits until its mail address is confirmed.
    pub waits: bool,
    /// Seconds since 1970.
    pub at: i64,
}

/// Whether the application may register anybody now, and has not made this very call before.
///
/// Errors: `BadSign` for a call that was taken, `RegistrationClosed`, `MayNotRegister`.
pub async fn may_register(context: &Context, caller: &Caller, call: &Call) -> Result<(), Refusal> {
    if store::knows_call(&context.db, caller.app, &call.sign).await? {
        return Err(Refusal::BadSign);
    }
    if !context.config.sso.registration {
        return Err(Refusal::RegistrationClosed);
    }
    if caller.may_register { Ok(()) } else { Err(Refusal::MayNotRegister) }
}

/// Everything the transaction writes, sealed.
struct Plan {
    account: new_accounts::Registered,
    member: NewMember,
    /// The address that is asked to confirm itself.
    confirm: Option<String>,
}

enum Written {
    Done(AccountId, i64),
    TakenBefore,
    TooLate,
}

/// Makes the account. `address` is the caller's.
///
/// Errors: `BadSign` when the call was taken meanwhile, `TimestampOff`, `InvalidField`, `Conflict` on `login_name` or
/// `email`, `RateLimited` when too many names were found taken, `Busy`. Refused calls may be made again.
pub async fn register(
    context: &Context,
    caller: &Caller,
    call: Call,
    given: &Given,
    address: CallerAddress,
) -> Result<Registered, Refusal> {
    let checked = fields::check(&context.config, given, address)?;
    let _share = context.passwords.share(caller.app).await?;
    refuse_taken(context, caller, address, &call, &checked).await?;
    let hash = context.passwords.hash(&checked.password).await?;
    let plan = plan(context, caller, &checked, hash);
    let links = Links::from_context(context);
    let (user_name, waits) = (checked.name.typed().to_owned(), plan.account.email_pending);
    match write(context, caller.app, call, plan, links).await? {
        Written::Done(account, now_ms) => Ok(Registered { account, user_name, waits, at: now_ms / 1000 }),
        Written::TakenBefore => Err(Refusal::BadSign),
        Written::TooLate => Err(Refusal::TimestampOff),
    }
}

/// Spares the work on a password that would be for nothing. A taken name counts as a question for it.
async fn refuse_taken(
    context: &Context,
    caller: &Caller,
    address: CallerAddress,
    call: &Call,
    checked: &Checked,
) -> Result<(), Refusal> {
    let taken = if store::has_name(&context.db, checked.name.folded()).await? {
        "login_name"
    } else if let Some(mail) = &checked.mail
        && store::has_mail(&context.db, &context.vault.email_key(mail)).await?
    {
        "email"
    } else {
        return Ok(());
    };
    // Looked at again, and after the name: this very call may have taken it since it was judged.
    if store::knows_call(&context.db, caller.app, &call.sign).await? {
        return Err(Refusal::BadSign);
    }
    context.limits.sso_check(caller.app, address).await?;
    Err(DomainError::Conflict { field: taken.into() }.into())
}

fn plan(context: &Context, caller: &Caller, checked: &Checked, password_hash: String) -> Plan {
    let vault = &context.vault;
    let confirms = context.config.sso.confirm_mail;
    let sealed = |text: &str| if text.is_empty() { String::new() } else { vault.seal(text) };
    Plan {
        account: new_accounts::Registered {
            login_name: checked.name.clone(),
            display_name: checked.nick.clone().unwrap_or_else(|| checked.name.typed().to_owned()),
            mobile: None,
            email: checked.mail.as_deref().map(|mail| sealed_mail(vault, mail)),
            email_pending: confirms,
            password_hash,
            password_kind: PasswordKind::Md5Hex,
        },
        member: NewMember {
            app: caller.app,
            user_name: checked.name.typed().to_owned(),
            contact_sealed: sealed(&checked.contact),
            extend_sealed: sealed(&checked.extend),
            address_sealed: sealed(&checked.address.map_or_else(String::new, |address| address.to_string())),
        },
        confirm: checked.mail.clone().filter(|_| confirms),
    }
}

fn sealed_mail(vault: &Vault, mail: &str) -> Sealed {
    Sealed { key: vault.email_key(mail), sealed: vault.seal(mail) }
}

async fn write(context: &Context, app: i64, call: Call, plan: Plan, links: Links) -> Outcome<Written> {
    let (db, vault) = (context.db.clone(), context.vault.clone());
    let deviation = context.config.sso.timestamp_deviation_seconds;
    let deviation_ms = i64::try_from(deviation).unwrap_or(i64::MAX / 4_000) * 1000;
    // The clock that judges is the database's, so that a call is not forgotten by one node while it is good on another.
    context
        .db
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                if !is_now(call.timestamp, now_ms, deviation) {
                    return Ok(Written::TooLate);
                }
                let expires_at = (call.timestamp + 1) * 1000 + deviation_ms;
                if !store::take_call(tx, app, &call.sign, expires_at).await? {
                    return Ok(Written::TakenBefore);
                }
                pass(Failpoint::SsoCallNoted);
                let account = new_accounts::insert(tx, &plan.account, now_ms).await?;
                pass(Failpoint::SsoAccountInserted);
                store::insert_member(tx, account, &plan.member, now_ms).await?;
                pass(Failpoint::SsoMemberKept);
                if let Some(mail) = &plan.confirm {
                    confirmations::ask(tx, &vault, &links, account, mail, now_ms).await?;
                    pass(Failpoint::SsoMailEnqueued);
                }
                store::enqueue_notices(tx, account, Occasion::Registered, now_ms).await?;
                pass(Failpoint::SsoNoticesEnqueued);
                Ok(Written::Done(account, now_ms))
            })
        })
        .await
}
