//! Applications of SSO: made, changed, given new keys. Keys are told once, to whom made them; no list, no trail and no
//! kept answer has them.

use actors::error::{DomainError, Entity, Result};
use reqwest::Url;
use serde_json::{Map, Value};

use super::{Answer, Change, Writer, check_length, check_line, check_range, check_text, in_tx, public, write};
use crate::clients::sso_notice;
use crate::config::Environment;
use crate::context::Context;
use crate::service::sso::{addresses, open_pair};
use crate::sso_wire::cipher::KeyPair;
use crate::store::sql::audit;
use crate::store::sql::collections::sso_apps as store;
use crate::store::sql::db::{Db, Tx};
use crate::store::sql::sso::{self, SealedKeys};
use crate::vault::Vault;

pub use crate::store::sql::collections::sso_apps::SsoAppRecord;

const LONGEST_NAME: usize = 30;
const LONGEST_URL: usize = 500;
const LONGEST_NOTE: usize = 1_000;
const MOST_PATTERNS: usize = 200;
const MOST_PARAMS: usize = 20;
/// A month.
const LONGEST_OVERLAP: i64 = 30 * 86_400;

/// What may be written; None stays.
#[derive(Debug, Clone, Default)]
pub struct AppPatch {
    pub name: Option<String>,
    pub status: Option<i64>,
    pub may_register: Option<i64>,
    pub ip_allow: Option<String>,
    pub ip_bad: Option<String>,
    pub notify_url: Option<String>,
    pub notify_params: Option<Map<String, Value>>,
    pub note: Option<String>,
}

impl AppPatch {
    /// In the form in which it is kept.
    ///
    /// Errors: `InvalidField`.
    fn checked(mut self, environment: Environment) -> Result<Self> {
        if let Some(name) = &self.name {
            check_line("name", name)?;
            check_length("name", name, LONGEST_NAME)?;
        }
        for (field, flag) in [("status", self.status), ("may_register", self.may_register)] {
            if let Some(flag) = flag {
                check_range(field, flag, 0..=1)?;
            }
        }
        for (field, list) in [("ip_allow", &mut self.ip_allow), ("ip_bad", &mut self.ip_bad)] {
            if let Some(list) = list {
                *list =
                    addresses::canonical(list, MOST_PATTERNS).map_err(|reason| DomainError::field(field, reason))?;
            }
        }
        if let Some(url) = &self.notify_url {
            check_url(url, environment)?;
        }
        if let Some(params) = &self.notify_params {
            check_params(params)?;
        }
        if let Some(note) = &self.note {
            check_text("note", note, LONGEST_NOTE)?;
        }
        Ok(self)
    }

    fn apply(self, row: SsoAppRecord) -> SsoAppRecord {
        SsoAppRecord {
            name: self.name.map_or(row.name, |name| name.trim().to_owned()),
            status: self.status.unwrap_or(row.status),
            may_register: self.may_register.unwrap_or(row.may_register),
            ip_allow: self.ip_allow.unwrap_or(row.ip_allow),
            ip_bad: self.ip_bad.unwrap_or(row.ip_bad),
            notify_url: self.notify_url.unwrap_or(row.notify_url),
            notify_params: self.notify_params.unwrap_or(row.notify_params),
            note: self.note.unwrap_or(row.note),
            ..row
        }
    }
}

fn check_url(text: &str, environment: Environment) -> Result<()> {
    let bare = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    };
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    let fits = || text.len() <= LONGEST_URL && plain && Url::parse(text).is_ok_and(|url| bare(&url));
    if !text.is_empty() && !fits() {
        return Err(DomainError::field(
            "notify_url",
            "must be an address of http or https without a password and without #, or empty",
        ));
    }
    if environment == Environment::Production && sso_notice::can_be_overheard(text) {
        return Err(DomainError::field(
            "notify_url",
            "must begin with https://, for whoever overhears a notice gets the application's keys; http is good for \
             addresses such as 127.0.0.1 or 10.0.0.7 only",
        ));
    }
    Ok(())
}

fn check_params(params: &Map<String, Value>) -> Result<()> {
    let known = |name: &str| ["app_id", "app_key", "code", "sign"].contains(&name);
    let fits = |(name, value): (&String, &Value)| {
        (1..=64).contains(&name.len()) && !known(name) && value.as_str().is_some_and(|text| text.len() <= LONGEST_URL)
    };
    if params.len() > MOST_PARAMS || !params.iter().all(fits) {
        return Err(DomainError::field(
            "notify_params",
            format!("must have at most {MOST_PARAMS} texts, none named app_id, app_key, code or sign"),
        ));
    }
    Ok(())
}

fn sealed(vault: &Vault, pair: &KeyPair) -> SealedKeys {
    SealedKeys { key: vault.seal(pair.key()), secret: vault.seal(pair.secret()) }
}

/// The answer with the application's keys added. Sent again with its idempotency key, it has them again.
async fn with_keys(context: &Context, answer: Answer) -> Result<Answer> {
    let mut row: Map<String, Value> = serde_json::from_str(&answer.body).map_err(|_| DomainError::Internal)?;
    let id = row.get("id").and_then(Value::as_i64).ok_or(DomainError::Internal)?;
    let app = sso::app(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Item))?;
    let pair = open_pair(&context.vault, id, &app.keys)?;
    row.insert("app_key".to_owned(), pair.key().into());
    row.insert("app_secret".to_owned(), pair.secret().into());
    Ok(Answer { body: Value::Object(row).to_string(), ..answer })
}

async fn locked(tx: &mut Tx, id: i64) -> Result<SsoAppRecord> {
    if !store::lock(tx, id).await? {
        return Err(DomainError::NotFound(Entity::Item));
    }
    in_tx(tx, id, Entity::Item).await
}

async fn insert(tx: &mut Tx, vault: &Vault, new: AppPatch, pair: &KeyPair, now: i64) -> Result<SsoAppRecord> {
    let id = store::insert(tx, new.name.as_deref().unwrap_or_default(), &sealed(vault, pair), now).await?;
    let row = new.apply(in_tx(tx, id, Entity::Item).await?);
    store::update(tx, &row).await?;
    Ok(row)
}

fn check_new(new: AppPatch, environment: Environment) -> Result<AppPatch> {
    if new.name.is_none() {
        return Err(DomainError::field("name", "is required"));
    }
    new.checked(environment)
}

/// Makes an application; the answer has its keys.
///
/// Errors: `InvalidField`.
pub async fn create(context: &Context, writer: Writer, new: AppPatch) -> Result<Answer> {
    let new = check_new(new, context.config.environment)?;
    let vault = context.vault.clone();
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let row = insert(tx, &vault, new, &KeyPair::random(), now).await?;
            Ok(Change { action: "create", entity: "sso-apps", id: row.id, before: None, after: public(&row) })
        })
    })
    .await?;
    with_keys(context, answer).await
}

/// Errors: `InvalidField`, `NotFound(Item)`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: AppPatch) -> Result<Answer> {
    let patch = patch.checked(context.config.environment)?;
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            let before = locked(tx, id).await?;
            let after = patch.apply(before.clone());
            store::update(tx, &after).await?;
            Ok(Change { action: "update", entity: "sso-apps", id, before: public(&before), after: public(&after) })
        })
    })
    .await
}

/// The application before and after.
async fn rotate_in(
    tx: &mut Tx,
    vault: &Vault,
    id: i64,
    pair: &KeyPair,
    overlap_seconds: i64,
    now: i64,
) -> Result<[SsoAppRecord; 2]> {
    let before = locked(tx, id).await?;
    store::rotate(tx, id, &sealed(vault, pair), now + overlap_seconds * 1000, now).await?;
    Ok([before, in_tx(tx, id, Entity::Item).await?])
}

/// Gives an application new keys, told in the answer; the old ones stay good for `overlap_seconds`. While keys of an
/// earlier rotation are good these stay so, for `overlap_seconds` at least, and the ones in between are over.
///
/// Errors: `InvalidField`, `NotFound(Item)`.
pub async fn rotate(context: &Context, writer: Writer, id: i64, overlap_seconds: i64) -> Result<Answer> {
    check_range("overlap_seconds", overlap_seconds, 0..=LONGEST_OVERLAP)?;
    let vault = context.vault.clone();
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let [before, after] = rotate_in(tx, &vault, id, &KeyPair::random(), overlap_seconds, now).await?;
            Ok(Change { action: "rotate", entity: "sso-apps", id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    with_keys(context, answer).await
}

/// An application and its keys, as the command line prints them.
pub struct Made {
    pub id: i64,
    pub pair: KeyPair,
}

/// As `create`, by whoever runs the server.
pub async fn create_from_command_line(db: &Db, vault: &Vault, environment: Environment, new: AppPatch) -> Result<Made> {
    let new = check_new(new, environment)?;
    from_command_line(db, vault, move |tx, vault, pair, now| {
        Box::pin(async move {
            let row = insert(tx, &vault, new, &pair, now).await?;
            Ok(Change { action: "create", entity: "sso-apps", id: row.id, before: None, after: public(&row) })
        })
    })
    .await
}

/// As `rotate`, by whoever runs the server.
pub async fn rotate_from_command_line(db: &Db, vault: &Vault, id: i64, overlap_seconds: i64) -> Result<Made> {
    check_range("overlap_seconds", overlap_seconds, 0..=LONGEST_OVERLAP)?;
    from_command_line(db, vault, move |tx, vault, pair, now| {
        Box::pin(async move {
            let [before, after] = rotate_in(tx, &vault, id, &pair, overlap_seconds, now).await?;
            Ok(Change { action: "rotate", entity: "sso-apps", id, before: public(&before), after: public(&after) })
        })
    })
    .await
}

async fn from_command_line<F>(db: &Db, vault: &Vault, work: F) -> Result<Made>
where
    F: for<'t> FnOnce(&'t mut Tx, Vault, KeyPair, i64) -> crate::store::sql::db::BoxFuture<'t, Result<Change>>
        + Send
        + 'static,
{
    let pair = KeyPair::random();
    let (clock, vault, used) = (db.clone(), vault.clone(), pair.clone());
    let id = db
        .write(move |tx| {
            Box::pin(async move {
                let now = clock.now_in(tx).await?;
                let change = work(tx, vault, used, now).await?;
                let entry = audit::Entry {
                    admin_id: None,
                    admin_name: "command line",
                    action: change.action,
                    entity: change.entity,
                    entity_id: &change.id.to_string(),
                    before: change.before.as_ref(),
                    after: change.after.as_ref(),
                };
                audit::insert(tx, &entry, now).await?;
                Ok(change.id)
            })
        })
        .await?;
    Ok(Made { id, pair })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_plain_addresses_are_told() {
        for good in ["", "http://10.0.0.7:8080/notify", "https://app.example.org/notify.php?x=1"] {
            assert_eq!(check_url(good, Environment::Development), Ok(()), "{good}");
            assert_eq!(check_url(good, Environment::Production), Ok(()), "{good}");
        }
        let long = format!("https://a.example/{}", "x".repeat(LONGEST_URL));
        for bad in [
            "ftp://a.example/",
            "/notify",
            "a.example",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "http://",
            "https://a.example/ x",
            &long,
        ] {
            assert!(check_url(bad, Environment::Development).is_err(), "{bad}");
        }
    }

    #[test]
    fn in_production_nobody_overhears_a_notice() {
        for url in ["http://a.example/", "HTTP://203.0.113.7/", "http://8.8.8.8:80/n?x=1", "http://[2001:db8::1]/"] {
            assert_eq!(check_url(url, Environment::Development), Ok(()), "{url}");
            let refused = check_url(url, Environment::Production);
            assert!(matches!(refused, Err(DomainError::InvalidField { .. })), "{url}");
        }
    }

    #[test]
    fn parameters_are_bounded() {
        let check = |params: Value| check_params(params.as_object().unwrap());
        assert!(check(json!({"from": "matchday"})).is_ok());
        for bad in [json!({"sign": "x"}), json!({"": "x"}), json!({"a": 1}), json!({"a": "x".repeat(501)})] {
            assert!(check(bad).is_err());
        }
    }
}
