//! Signing in by a phone: its code and, for an account that has no phone yet, the account's name and password, which
//! bind the phone in the transaction that makes the session. No account is made here.
//!
//! The code is looked at first: each guess at a password costs a try of a code that was sent to a phone.

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::domain::login_name::LoginName;
use actors::error::{DomainError, Entity, Result};

use super::accounts::NewSession;
use super::confirmations;
use super::known_addresses::{self, Subject};
use super::limits::Realm;
use super::password_tries;
use super::phones::Proof;
use crate::context::Context;
use crate::store::sql::accounts::{self as store, Standing};
use crate::store::sql::new_accounts::PasswordKind;
use crate::store::sql::phones;

/// Who an account without a phone says to be.
#[derive(Debug, Clone)]
pub struct Named {
    pub user_name: String,
    /// 32 hex digits of MD5, in any case, as in the SSO dialect.
    pub user_pass: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The session's token.
    Token(String),
    /// The account waits for the link in its mail to be opened.
    EmailPending,
    /// As before, and a new link has been sent.
    MailSent,
}

/// What a transaction found, which is committed. A right code of a phone that nobody has is an error instead, so that the
/// code is as good as before: its owner may still register with it.
enum Found {
    SignedIn,
    WrongCode,
    Refused(Standing),
}

/// Signs in who tells the code of a phone.
///
/// Errors: `InvalidField`; `NoCode` when none was sent or it is over or out of tries; `WrongCode`;
/// `NotFound(Account)` when nobody has the phone and no name is told; `BadCredentials` for a wrong name or password;
/// `RateLimited` after too many of them; `AccountDisabled`; `Forbidden` when the named account has another phone;
/// `Conflict` on `mobile` when another account has this one; `Busy`.
pub async fn sign_in(
    context: &Context,
    address: CallerAddress,
    phone: &str,
    code: &str,
    named: Option<Named>,
) -> Result<Outcome> {
    let proof = Proof::new(&context.vault, phone, code)?;
    match named {
        None => by_phone(context, address, proof).await,
        Some(named) => by_name(context, address, proof, named).await,
    }
}

async fn by_phone(context: &Context, address: CallerAddress, proof: Proof) -> Result<Outcome> {
    let phone_key = proof.phone_key.clone();
    let session = NewSession::draw(context)?;
    let token = session.token.clone();
    let clock = context.db.clone();
    let found = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = clock.now_in(tx).await?;
            if !proof.holds(tx, now_ms).await? {
                return Ok(Found::WrongCode);
            }
            let account = store::by_mobile(tx, &proof.phone_key).await?;
            let account = account.ok_or(DomainError::NotFound(Entity::Account))?;
            if !store::count_login(tx, account.id, now_ms).await? {
                return Ok(Found::Refused(account));
            }
            session.insert(tx, account.id).await?;
            phones::forget_code(tx, &proof.phone_key).await?;
            Ok(Found::SignedIn)
        })
    });
    match found.await? {
        Found::SignedIn => {
            known_addresses::remember(context, Subject::Phone(&phone_key), address).await;
            Ok(Outcome::Token(token))
        }
        Found::WrongCode => Err(DomainError::WrongCode),
        Found::Refused(account) => refused(&account),
    }
}

/// Why an account that was found may not sign in.
fn refused(account: &Standing) -> Result<Outcome> {
    if account.enabled && account.email_pending { Ok(Outcome::EmailPending) } else { Err(DomainError::AccountDisabled) }
}

async fn by_name(context: &Context, address: CallerAddress, proof: Proof, named: Named) -> Result<Outcome> {
    let name = LoginName::new(&named.user_name)
        .ok_or_else(|| DomainError::field("user_name", "长度必须是1到30个字符，不能有空格"))?;
    let password = named.user_pass.to_ascii_lowercase();
    if password.len() != 32 || !password.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(DomainError::field("user_pass", "必须是32位十六进制的MD5"));
    }
    let tried = password_tries::begin(context, Realm::LoginNames, address, name.folded()).await?;
    let (proof, account, stored) = match with_password(context, address, proof, &name, &password).await {
        Ok(proven) => proven,
        Err(error) => {
            tried.failed(context, &error).await;
            return Err(error);
        }
    };
    tried.succeeded(context).await;
    if account.enabled && account.email_pending {
        return renew_link(context, account.id).await;
    }
    if !account.enabled {
        return refused(&account);
    }
    if account.mobile_key.as_ref().is_some_and(|key| *key != proof.phone_key) {
        return Err(DomainError::Forbidden);
    }
    let phone_key = proof.phone_key.clone();
    let outcome = bind_and_sign_in(context, proof, account, stored).await?;
    known_addresses::remember(context, Subject::Phone(&phone_key), address).await;
    Ok(outcome)
}

/// The account of a name, and its password's hash, once the phone's code and the password are right.
///
/// Errors: `NoCode`, `WrongCode`, `BadCredentials`, `Busy`.
async fn with_password(
    context: &Context,
    address: CallerAddress,
    proof: Proof,
    name: &LoginName,
    password: &str,
) -> Result<(Proof, Standing, String)> {
    // Before the code's try is spent: whoever has to come back has lost nothing.
    let place = context.passwords.place_of(address)?;
    let (clock, told) = (context.db.clone(), proof.clone());
    let holds = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = clock.now_in(tx).await?;
            told.holds(tx, now_ms).await
        })
    });
    if !holds.await? {
        return Err(DomainError::WrongCode);
    }
    // Outside of any transaction: the work on a password takes long.
    let found = store::by_login_name(&context.db, name.folded()).await?;
    let found = found.filter(|account| account.password_kind == PasswordKind::Md5Hex as i64);
    let stored = found.as_ref().and_then(|account| account.password_hash.clone());
    let fits = place.verify(password, stored.clone()).await?;
    match (found, stored, fits) {
        (Some(account), Some(stored), true) => Ok((proof, account, stored)),
        _ => Err(DomainError::BadCredentials),
    }
}

/// The mail with the link may never have arrived; whoever knows the password may ask for another.
async fn renew_link(context: &Context, account: AccountId) -> Result<Outcome> {
    if context.outside.mail.is_none() {
        return Ok(Outcome::EmailPending);
    }
    match confirmations::ask_once_more(context, account).await {
        Ok(()) => Ok(Outcome::MailSent),
        // There is no address to send it to, or one was sent just now.
        Err(DomainError::RateLimited { .. } | DomainError::NotFound(_)) => Ok(Outcome::EmailPending),
        Err(error) => Err(error),
    }
}

async fn bind_and_sign_in(context: &Context, proof: Proof, account: Standing, stored: String) -> Result<Outcome> {
    let session = NewSession::draw(context)?;
    let token = session.token.clone();
    let (clock, sealed, id) = (context.db.clone(), context.vault.seal(&proof.phone), account.id);
    let done = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = clock.now_in(tx).await?;
            if !phones::use_code(tx, &proof.phone_key, &proof.code_hash, now_ms).await? {
                return Err(DomainError::NoCode);
            }
            if !phones::bind_first(tx, id, &proof.phone_key, &sealed, &stored).await? {
                return Err(DomainError::Forbidden);
            }
            if !store::count_login(tx, id, now_ms).await? {
                return Err(DomainError::AccountDisabled);
            }
            phones::join_member(tx, id, &proof.phone_key).await?;
            Ok(session.insert(tx, id).await?)
        })
    });
    done.await?;
    context.sessions.forget(id);
    Ok(Outcome::Token(token))
}
