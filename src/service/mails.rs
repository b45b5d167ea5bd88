//! Mails through the outbox: written with the change that makes them necessary, sent by the loop. What names a person is
//! sealed, and gone when the mail has left.

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};
use serde::{Deserialize, Serialize};

use super::outbox::Setback;
use crate::clients::mail::{Letter, MailProvider, SANDBOX};
use crate::context::Context;
use crate::store::sql::db::Tx;
use crate::store::sql::mails::{self as store, MAIL};
use crate::store::sql::outbox;
use crate::vault::Vault;

/// Mails that administrators are shown.
const SHOWN: i64 = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Confirms an address; the values are the link and for how many minutes it is good.
    Confirmation,
}

/// A mail that is to be sent before `until` (milliseconds since 1970), or not at all.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    pub to: String,
    pub kind: Kind,
    pub values: Vec<String>,
    pub until: i64,
}

/// The payload in the outbox.
#[derive(Serialize, Deserialize)]
struct Work {
    account: i64,
    sealed: String,
}

fn seal(vault: &Vault, mail: &Mail) -> Result<String> {
    Ok(vault.seal(&serde_json::to_string(mail).map_err(|_| DomainError::Internal)?))
}

fn open(vault: &Vault, sealed: &str) -> Result<Mail> {
    let plain = vault.open(sealed).map_err(|_| DomainError::Internal)?;
    serde_json::from_str(&plain).map_err(|_| DomainError::Internal)
}

/// Writes a mail into the outbox, in the transaction of what it tells of.
pub(super) async fn enqueue(tx: &mut Tx, vault: &Vault, account: AccountId, mail: &Mail, now_ms: i64) -> Result<()> {
    let work_key = format!("{MAIL}:{account}:{}", hex::encode(rand::random::<[u8; 16]>()));
    let work = Work { account: account.0, sealed: seal(vault, mail)? };
    Ok(outbox::insert(tx, MAIL, &work_key, &work, now_ms).await?)
}

/// Does one mail of the outbox.
pub(super) async fn perform(context: &Context, work_id: i64, payload: &str) -> std::result::Result<(), Setback> {
    let work: Work = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable mail");
        DomainError::Internal
    })?;
    let mail = open(&context.vault, &work.sealed)?;
    if mail.until <= context.db.now_ms() {
        tracing::warn!(work_id, "a mail came too late to be sent");
        return Ok(give_up(context, work_id, "the mail came too late to be sent").await?);
    }
    let provider = context.outside.mail.as_deref().ok_or_else(|| Setback::new("mail is switched off"))?;
    provider.send(&letter(&mail, work_id)).await.map_err(Setback::new)?;
    let kept = (provider.name() == SANDBOX).then_some((work.account, mail));
    Ok(finish(context, work_id, kept).await?)
}

/// Administrators see it, until the sweep removes it.
async fn give_up(context: &Context, work_id: i64, reason: &'static str) -> Result<()> {
    context.db.write(move |tx| Box::pin(async move { Ok(outbox::give_up(tx, work_id, reason).await?) })).await
}

async fn finish(context: &Context, work_id: i64, kept: Option<(i64, Mail)>) -> Result<()> {
    let (db, vault) = (context.db.clone(), context.vault.clone());
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let now_ms = db.now_in(tx).await?;
                if let Some((account, mail)) = &kept {
                    store::keep(tx, *account, &seal(&vault, mail)?, work_id, now_ms).await?;
                }
                outbox::done(tx, work_id, now_ms).await?;
                Ok(outbox::empty(tx, work_id).await?)
            })
        })
        .await
}

/// In both languages, because nobody told which one the person reads.
fn letter(mail: &Mail, work_id: i64) -> Letter {
    let value = |at: usize| mail.values.get(at).map_or("", String::as_str);
    let (subject, text) = match mail.kind {
        Kind::Confirmation => {
            let (link, minutes) = (value(0), value(1));
            let text = format!(
                "您好，\n\n请在 {minutes} 分钟内打开下面的链接，确认这是您的邮箱：\n\n{link}\n\n\
                 如果您没有注册，请忽略这封邮件。\n\n----\n\nHello,\n\nto confirm that this address is yours, open this \
                 link within {minutes} minutes:\n\n{link}\n\nIf you did not register anywhere, ignore this mail.\n"
            );
            ("请确认您的邮箱 / Please confirm your mail address", text)
        }
    };
    Letter { to: mail.to.clone(), subject: subject.to_owned(), text, reference: work_id.to_string() }
}

/// A mail of the sandbox as it is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub id: i64,
    pub account: i64,
    pub mail: Mail,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// The last mails of the sandbox, newest first.
///
/// Errors: `NotFound(Route)` while the sandbox is off.
pub async fn shown(context: &Context) -> Result<Vec<Shown>> {
    if context.outside.mail.as_deref().map(MailProvider::name) != Some(SANDBOX) {
        return Err(DomainError::NotFound(Entity::Route));
    }
    let kept = store::kept(&context.db, SHOWN).await?;
    kept.into_iter()
        .map(|row| {
            let mail = open(&context.vault, &row.sealed)?;
            Ok(Shown { id: row.id, account: row.account, mail, at: row.created_at })
        })
        .collect()
}
