//! Short messages through the outbox: written with the change that makes them necessary, sent by the loop or at once by
//! who waits for them. What names a person is sealed, and gone when the message has left.

use actors::error::{DomainError, Entity, Provider, Result};
use serde::{Deserialize, Serialize};

use super::outbox::SMS;
use crate::clients::sms::{Message, SANDBOX, SmsProvider};
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::{outbox, phones};
use crate::vault::Vault;

/// The loop leaves a message to who sends it at once for this long.
const AT_ONCE_MS: i64 = 15_000;
/// Messages that administrators are shown.
const SHOWN: i64 = 100;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A verification code; the parameters are the code and its minutes.
    Code,
    /// An unpaid membership order was closed; the parameter is its name.
    OrderClosed,
    MembershipOver,
}

impl Kind {
    fn parameter_names(self) -> &'static [&'static str] {
        match self {
            Self::Code => &["code", "minutes"],
            Self::OrderClosed => &["name"],
            Self::MembershipOver => &[],
        }
    }
}

/// A message that is to be sent before `until` (milliseconds since 1970), or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sms {
    pub phone: String,
    pub kind: Kind,
    pub values: Vec<String>,
    pub until: i64,
}

/// The payload in the outbox.
#[derive(Serialize, Deserialize)]
struct Work {
    sealed: String,
    phone_key: String,
}

impl Work {
    fn seal(vault: &Vault, sms: &Sms) -> Result<Self> {
        let plain = serde_json::to_string(sms).map_err(|_| DomainError::Internal)?;
        Ok(Self { sealed: vault.seal(&plain), phone_key: vault.mobile_key(&sms.phone) })
    }

    fn open(&self, vault: &Vault) -> Result<Sms> {
        let plain = vault.open(&self.sealed).map_err(|_| DomainError::Internal)?;
        serde_json::from_str(&plain).map_err(|_| DomainError::Internal)
    }
}

fn template(context: &Context, kind: Kind) -> &str {
    let sms = &context.config.sms;
    match kind {
        Kind::Code => &sms.code_template,
        Kind::OrderClosed => &sms.order_closed_template,
        Kind::MembershipOver => &sms.membership_over_template,
    }
}

/// Whether messages of this kind are sent at all.
pub fn sends(context: &Context, kind: Kind) -> bool {
    let provider = context.outside.sms.as_deref().map(SmsProvider::name);
    provider.is_some_and(|name| name == SANDBOX || !template(context, kind).is_empty())
}

/// Writes a message into the outbox, in the transaction of what it tells of. The loop sends it.
pub async fn enqueue(tx: &mut Tx, vault: &Vault, sms: &Sms, now_ms: i64) -> Result<()> {
    add(tx, vault, sms, now_ms, now_ms).await.map(drop)
}

/// As `enqueue`, for a caller that sends it with `send_at_once`; answers the work's id.
pub async fn enqueue_at_once(tx: &mut Tx, vault: &Vault, sms: &Sms, now_ms: i64) -> Result<i64> {
    add(tx, vault, sms, now_ms + AT_ONCE_MS, now_ms).await
}

async fn add(tx: &mut Tx, vault: &Vault, sms: &Sms, next_at: i64, now_ms: i64) -> Result<i64> {
    let work_key = format!("{SMS}:{}", hex::encode(rand::random::<[u8; 16]>()));
    Ok(outbox::insert_later(tx, SMS, &work_key, &Work::seal(vault, sms)?, next_at, now_ms).await?)
}

/// Sends what `enqueue_at_once` wrote; when that fails it is not tried again.
///
/// Errors: `ProviderFailed(Sms)`.
pub async fn send_at_once(context: &Context, work_id: i64, sms: &Sms) -> Result<()> {
    let sent = deliver(context, work_id, &context.vault.mobile_key(&sms.phone), sms).await;
    if sent.is_err() {
        context.db.write(move |tx| Box::pin(async move { Ok(outbox::forget(tx, work_id).await?) })).await?;
    }
    sent
}

/// Does one message of the outbox.
///
/// Errors: `ProviderFailed(Sms)`, after which it may be tried again.
pub(super) async fn perform(context: &Context, work_id: i64, payload: &str) -> Result<()> {
    let unreadable = |error: serde_json::Error| {
        tracing::error!(work_id, %error, "unreadable message");
        DomainError::Internal
    };
    let work: Work = serde_json::from_str(payload).map_err(unreadable)?;
    let sms = work.open(&context.vault)?;
    if sms.until <= context.db.now_ms() {
        tracing::warn!(work_id, "a message came too late to be sent");
        return finish(context, work_id, None).await;
    }
    deliver(context, work_id, &work.phone_key, &sms).await
}

async fn deliver(context: &Context, work_id: i64, phone_key: &str, sms: &Sms) -> Result<()> {
    let provider = context.outside.sms.as_deref().ok_or(DomainError::ProviderFailed(Provider::Sms))?;
    let message = Message {
        phone: sms.phone.clone(),
        template: template(context, sms.kind).to_owned(),
        parameters: sms.kind.parameter_names().iter().copied().zip(sms.values.iter().cloned()).collect(),
        reference: work_id.to_string(),
    };
    provider.send(&message, context.db.now_ms()).await?;
    let kept = (provider.name() == SANDBOX).then(|| (phone_key.to_owned(), sms.clone()));
    finish(context, work_id, kept).await
}

async fn finish(context: &Context, work_id: i64, kept: Option<(String, Sms)>) -> Result<()> {
    let vault = context.vault.clone();
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                if let Some((phone_key, sms)) = &kept {
                    let sealed = Work::seal(&vault, sms)?.sealed;
                    phones::keep_message(tx, phone_key, &sealed, work_id, now_ms).await?;
                }
                outbox::done(tx, work_id, now_ms).await?;
                Ok(outbox::empty(tx, work_id).await?)
            })
        })
        .await
}

/// A message of the sandbox as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: i64,
    pub sms: Sms,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// Whether messages are kept here to be read, and not sent.
pub fn is_sandbox(context: &Context) -> bool {
    context.outside.sms.as_deref().map(SmsProvider::name) == Some(SANDBOX)
}

/// The last messages of the sandbox, newest first; only those to `phone` when it is given.
///
/// Errors: `NotFound(Route)` while the sandbox is off.
pub async fn shown(context: &Context, phone: Option<&str>) -> Result<Vec<Shown>> {
    if !is_sandbox(context) {
        return Err(DomainError::NotFound(Entity::Route));
    }
    let kept = match phone {
        Some(phone) => phones::messages_to(&context.db, &context.vault.mobile_key(phone), SHOWN).await?,
        None => phones::messages(&context.db, SHOWN).await?,
    };
    kept.into_iter()
        .map(|row| {
            let work = Work { sealed: row.sealed, phone_key: String::new() };
            Ok(Shown { id: row.id, sms: work.open(&context.vault)?, at: row.created_at })
        })
        .collect()
}
