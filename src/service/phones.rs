//! Proving a phone: a code is sent to it, and whoever tells the code has it. Codes are kept as keyed hashes, live five
//! minutes and take five tries. A phone is bound to the account of who tells its code; `phone_sign_in` signs in by it.

use actors::domain::account::Account;
use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::domain::phone;
use actors::error::{DomainError, Provider, Result};
use rand::RngExt;
use subtle::ConstantTimeEq;

use super::message_limits::{MessageLimits, day, retry_after};
use super::sms::{self, Kind, Sms};
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::phones::{self as store, NewCode};
use crate::vault::Vault;

const CODE_LIFE_MS: i64 = 5 * 60_000;
const CODE_MINUTES: &str = "5";
const TRIES: i64 = 5;
/// Between two codes to one phone. No setting switches it off.
const RESEND_MS: i64 = 60_000;
/// Messages are kept for this long.
const KEEP_MS: i64 = 86_400_000;

/// A mobile number of mainland China in its one spelling: 11 digits.
pub(super) fn mobile(text: &str) -> Result<String> {
    phone::mainland_mobile(text).ok_or_else(|| DomainError::field("phone", "手机号码格式不正确"))
}

fn code_hash(vault: &Vault, phone_key: &str, code: &str) -> String {
    vault.lookup_key("phone code", format!("{phone_key}|{code}").as_bytes())
}

/// The caller that has a code sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    SignedIn(AccountId),
    /// Anybody. Strangers have smaller shares of an address, of a network and of a phone's codes.
    Stranger,
}

/// Sends a code to a phone; the code before it stays good until its own end. Whether the phone has an account changes
/// nothing.
///
/// Errors: `InvalidField`; `RateLimited`; `Busy` when the budget of all messages is used up; `ProviderFailed(Sms)`, after
/// which the next code may be sent at once.
pub async fn send_code(context: &Context, address: CallerAddress, phone: &str, asker: Asker) -> Result<()> {
    let phone = mobile(phone)?;
    if !sms::sends(context, Kind::Code) {
        return Err(DomainError::ProviderFailed(Provider::Sms));
    }
    let vault = context.vault.clone();
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000_u32));
    let phone_key = vault.mobile_key(&phone);
    let hash = code_hash(&vault, &phone_key, &code);
    let limits = MessageLimits::of(context, &phone_key, address, asker).await?;
    let db = context.db.clone();
    let (key, new_hash) = (phone_key.clone(), hash.clone());
    let written = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = db.now_in(tx).await?;
            let code_row = NewCode {
                phone_key: key,
                code_hash: new_hash,
                tries: TRIES,
                sent_at: now_ms,
                expires_at: now_ms + CODE_LIFE_MS,
            };
            if !store::renew_code(tx, &code_row, now_ms - RESEND_MS).await? {
                let sent_at = store::code_sent_at(tx, &code_row.phone_key).await?;
                return Err(retry_after(sent_at + RESEND_MS - now_ms));
            }
            limits.count(tx, now_ms).await?;
            let values = vec![code, CODE_MINUTES.to_owned()];
            let sms = Sms { phone, kind: Kind::Code, values, until: code_row.expires_at };
            Ok((sms::enqueue_at_once(tx, &vault, &sms, now_ms).await?, sms))
        })
    });
    let (work_id, sms) = written.await?;
    let sent = sms::send_at_once(context, work_id, &sms).await;
    if sent.is_err() {
        context
            .db
            .write(move |tx| Box::pin(async move { Ok(store::code_did_not_leave(tx, &phone_key, &hash).await?) }))
            .await?;
    }
    sent
}

/// A phone and the code that somebody tells for it.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    pub phone: String,
    pub phone_key: String,
    /// Of the code that is told, which need not be the one that was sent.
    pub code_hash: String,
}

impl Proof {
    /// Errors: `InvalidField`.
    pub fn new(vault: &Vault, phone: &str, code: &str) -> Result<Self> {
        let phone = mobile(phone)?;
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(DomainError::field("code", "必须是6位数字"));
        }
        let phone_key = vault.mobile_key(&phone);
        let code_hash = code_hash(vault, &phone_key, code);
        Ok(Self { phone, phone_key, code_hash })
    }

    /// Spends a try, which must be committed whatever the answer is; true: the code is the last one that was sent, or the
    /// one before, if that is still good.
    ///
    /// Errors: `NoCode` when none was sent or it is over or out of tries.
    pub async fn holds(&self, tx: &mut Tx, now_ms: i64) -> Result<bool> {
        let good = store::take_try(tx, &self.phone_key, now_ms).await?.ok_or(DomainError::NoCode)?;
        let is_it = |hash: &str| hash.as_bytes().ct_eq(self.code_hash.as_bytes());
        Ok((is_it(&good.last) | good.previous.as_deref().map_or(0.into(), is_it)).into())
    }
}

enum Told {
    Bound,
    Wrong,
}

/// Binds a phone to the account that tells its code, and joins the athlete's record with that phone, if there is one.
///
/// Errors: `InvalidField`, `NoCode` when none was sent or it is over or out of tries, `WrongCode`, `Conflict` on `mobile`
/// when another account has the phone.
pub async fn bind(context: &Context, account: &Account, phone: &str, code: &str) -> Result<()> {
    let vault = context.vault.clone();
    let proof = Proof::new(&vault, phone, code)?;
    let (db, account_id) = (context.db.clone(), account.id);
    let outcome = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = db.now_in(tx).await?;
            if !proof.holds(tx, now_ms).await? {
                return Ok(Told::Wrong);
            }
            store::bind(tx, account_id, &proof.phone_key, &vault.seal(&proof.phone)).await?;
            store::join_member(tx, account_id, &proof.phone_key).await?;
            store::forget_code(tx, &proof.phone_key).await?;
            Ok(Told::Bound)
        })
    });
    match outcome.await? {
        Told::Bound => {
            context.sessions.forget(account.id);
            Ok(())
        }
        Told::Wrong => Err(DomainError::WrongCode),
    }
}

/// Removes codes that are over, counts of earlier days and messages of before yesterday.
pub async fn sweep(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                Ok(store::sweep(tx, day(now_ms), now_ms, now_ms - KEEP_MS).await?)
            })
        })
        .await
}
