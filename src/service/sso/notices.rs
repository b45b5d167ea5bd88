//! Telling applications of a registration. The outbox holds only who is to be told of whom; what is said is read when it
//! is said, so that nothing of an erased person is left in it.

use actors::error::DomainError;
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::caller::open_pair;
use crate::clients::sso_notice::Notice;
use crate::context::Context;
use crate::service::outbox::Setback;
use crate::sso_wire::cipher::seal;
use crate::sso_wire::json::{Value, object};
use crate::store::sql::outbox;
use crate::store::sql::sso::{self as store, StoredApp, ToldMember};

/// The payload, as the statement that enqueues notices writes it.
#[derive(Deserialize)]
struct Work {
    app: i64,
    account: i64,
}

/// Tells one application of one person. An application that is disabled or wants to hear nothing by now, and a person who
/// was erased, are done without a word.
pub(in crate::service) async fn perform(context: &Context, work_id: i64, payload: &str) -> Result<(), Setback> {
    let work: Work = serde_json::from_str(payload).map_err(|error| {
        tracing::error!(work_id, %error, "unreadable notice");
        DomainError::Internal
    })?;
    let app = store::app(&context.db, work.app).await.map_err(DomainError::from)?;
    let member = store::told_member(&context.db, work.account).await.map_err(DomainError::from)?;
    if let (Some(app), Some(member)) = (app, member)
        && app.enabled
        && !app.notify_url.is_empty()
    {
        let notice = compose(context, &app, work.account, &member)?;
        context.outside.notices.send(&notice).await.map_err(Setback::new)?;
    }
    let db = context.db.clone();
    let done = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = db.now_in(tx).await?;
            Ok(outbox::done(tx, work_id, now_ms).await?)
        })
    });
    done.await?;
    Ok(())
}

fn compose(context: &Context, app: &StoredApp, account: i64, member: &ToldMember) -> Result<Notice, DomainError> {
    let pair = open_pair(&context.vault, app.id, &app.keys)?;
    let mail = member.email_sealed.as_deref().and_then(|sealed| context.vault.open(sealed).ok());
    let mut members = vec![("user_id", Value::Whole(account)), ("user_name", member.user_name.as_str().into())];
    if let Some(mail) = &mail {
        members.push(("user_mail", mail.as_str().into()));
    }
    members.push(("user_status", status_name(member.email_pending).into()));
    members.push(("timestamp", Value::Whole(context.db.now_ms() / 1000)));
    let sealed = seal(&pair, &object(&members));
    let mut form = vec![
        ("app_id".to_owned(), app.id.to_string()),
        ("app_key".to_owned(), pair.key().to_owned()),
        ("code".to_owned(), sealed.code),
        ("sign".to_owned(), sealed.sign),
    ];
    let more: Map<String, Json> = serde_json::from_str(&app.notify_params).unwrap_or_default();
    form.extend(more.into_iter().filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))));
    Ok(Notice { app: app.id, url: app.notify_url.clone(), form })
}

/// The word of this dialect for an account that waits for its mail's confirmation, or does not.
pub fn status_name(waits: bool) -> &'static str {
    if waits { "wait" } else { "enable" }
}
