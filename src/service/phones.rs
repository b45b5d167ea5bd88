//! Proving a phone: a code is sent to it, and whoever tells the code has it. Codes are kept as keyed hashes, live five
//! minutes and take five tries. A phone is bound to the account of who tells its code; `phone_sign_in` signs in by it.

use actors::domain::account::Account;
use actors::domain::caller_address::CallerAddress;
use actors::domain::phone;
use actors::error::{DomainError, Provider, Result};
use rand::RngExt;
use subtle::ConstantTimeEq;

use super::attempts::address_key;
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
const DAY_MS: i64 = 86_400_000;
/// Days are those of Beijing.
const BEIJING_MS: i64 = 8 * 3_600_000;
/// Messages are kept for this long.
const KEEP_MS: i64 = DAY_MS;

fn day(now_ms: i64) -> i64 {
    (now_ms + BEIJING_MS).div_euclid(DAY_MS)
}

/// A mobile number of mainland China in its one spelling: 11 digits.
pub(super) fn mobile(text: &str) -> Result<String> {
    phone::mainland_mobile(text).ok_or_else(|| DomainError::field("phone", "手机号码格式不正确"))
}

fn code_hash(vault: &Vault, phone_key: &str, code: &str) -> String {
    vault.lookup_key("phone code", format!("{phone_key}|{code}").as_bytes())
}

/// Who asks for a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    SignedIn,
    /// Anybody; an address has a smaller share of its own for them.
    Stranger,
}

/// Sends a code to a phone; a code that was sent before is worth nothing then. Whether the phone has an account changes
/// nothing.
///
/// Errors: `InvalidField`, `RateLimited`, `ProviderFailed(Sms)`; after the last one a code may be asked for again at once.
pub async fn send_code(context: &Context, address: CallerAddress, phone: &str, asker: Asker) -> Result<()> {
    let phone = mobile(phone)?;
    if !sms::sends(context, Kind::Code) {
        return Err(DomainError::ProviderFailed(Provider::Sms));
    }
    let vault = context.vault.clone();
    let code = format!("{:06}", rand::rng().random_range(0..1_000_000_u32));
    let phone_key = vault.mobile_key(&phone);
    let hash = code_hash(&vault, &phone_key, &code);
    let limits = DayLimits {
        enabled: context.config.limits.enabled,
        address_key: vault.lookup_key("sms address", address_key(address).as_bytes()),
        strangers_key: (asker == Asker::Stranger)
            .then(|| vault.lookup_key("sms strangers", address_key(address).as_bytes())),
        per_phone: context.config.sms.per_phone_per_day.into(),
        per_address: context.config.sms.per_address_per_day.into(),
        per_strangers: context.config.sms.strangers_per_address_per_day.into(),
    };
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
            limits.count(tx, &code_row.phone_key, now_ms).await?;
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

struct DayLimits {
    enabled: bool,
    address_key: String,
    /// Only when a stranger asks.
    strangers_key: Option<String>,
    per_phone: i64,
    per_address: i64,
    per_strangers: i64,
}

impl DayLimits {
    async fn count(&self, tx: &mut Tx, phone_key: &str, now_ms: i64) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        let day = day(now_ms);
        let strangers = self.strangers_key.as_deref().map(|key| (key, self.per_strangers));
        for (key, most) in
            [(phone_key, self.per_phone), (self.address_key.as_str(), self.per_address)].into_iter().chain(strangers)
        {
            if store::count_message(tx, day, key).await? > most {
                return Err(retry_after((day + 1) * DAY_MS - BEIJING_MS - now_ms));
            }
        }
        Ok(())
    }
}

fn retry_after(ms: i64) -> DomainError {
    DomainError::RateLimited { retry_after_seconds: u32::try_from(ms.max(0) / 1000 + 1).unwrap_or(u32::MAX) }
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

    /// Spends a try, which must be committed whatever the answer is; true: the code is the one that was sent.
    ///
    /// Errors: `NoCode` when none was sent or it is over or out of tries.
    pub async fn holds(&self, tx: &mut Tx, now_ms: i64) -> Result<bool> {
        let hash = store::take_try(tx, &self.phone_key, now_ms).await?.ok_or(DomainError::NoCode)?;
        Ok(hash.as_bytes().ct_eq(self.code_hash.as_bytes()).into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_in_beijing() {
        let at = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis();
        assert_eq!(day(at("2026-11-22T23:59:59+08:00")) + 1, day(at("2026-11-23T00:00:00+08:00")));
    }
}
