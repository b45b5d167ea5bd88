//! Travel agents kept by owners. The audit trail gets neither phones nor passwords.

use actors::error::{DomainError, Entity, Result};
use serde_json::{Map, Value};

use super::{
    AgentRecord, Answer, Change, Writer, check_length, check_line, check_range, check_text, in_tx, public, write,
};
use crate::context::Context;
use crate::service::phones::mobile;
use crate::service::regist::wrap::upper_md5;
use crate::store::sql::collections::agents::{self as store, AgentColumns, StoredPhone};
use crate::store::sql::collections::{self as rows, Page};
use crate::vault::Vault;

const ENTITY: &str = "agents";
/// In characters.
pub const LONGEST_PASSWORD: usize = 64;

/// What is written of an agent; `None` stays or is empty, a phone of `Some(None)` is taken away.
#[derive(Default)]
pub struct AgentPatch {
    pub name: Option<String>,
    pub username: Option<String>,
    pub type_code: Option<String>,
    pub type_name: Option<String>,
    /// In the clear; empty takes it away.
    pub password: Option<String>,
    pub mobile: Option<Option<String>>,
    pub status: Option<i64>,
    /// Takes the bound account away.
    pub unbind: bool,
}

impl AgentPatch {
    /// Errors: `InvalidField`.
    fn columns(self, vault: &Vault) -> Result<AgentColumns> {
        for (field, text) in [("name", &self.name), ("username", &self.username)] {
            if let Some(text) = text {
                check_line(field, text)?;
            }
        }
        for (field, text, most) in
            [("type_code", &self.type_code, super::LINE), ("type_name", &self.type_name, super::LINE)]
        {
            if let Some(text) = text {
                check_text(field, text, most)?;
            }
        }
        if let Some(password) = &self.password {
            check_length("password", password, LONGEST_PASSWORD)?;
        }
        if let Some(status) = self.status {
            check_range("status", status, 0..=1)?;
        }
        let phone = |number: String| {
            let number = mobile(&number)
                .map_err(|_| DomainError::field("mobile", "must be a mobile number such as 13800000001, or null"))?;
            Ok::<_, DomainError>(StoredPhone { key: vault.mobile_key(&number), sealed: vault.seal(&number) })
        };
        let mobile = self.mobile.map(|number| number.map(phone).transpose()).transpose()?;
        let sealed = |password: String| match password.as_str() {
            "" => String::new(),
            password => vault.seal(&upper_md5(password)),
        };
        Ok(AgentColumns {
            name: self.name,
            username: self.username,
            type_code: self.type_code,
            type_name: self.type_name,
            password_sealed: self.password.map(sealed),
            mobile,
            status: self.status,
        })
    }
}

/// Phones in full: the collection is for owners.
pub async fn page(context: &Context, search: &str, page: i64, size: i64) -> Result<Page<AgentRecord>> {
    let found: Page<AgentRecord> = super::page(context, search, page, size).await?;
    let rows = found.rows.into_iter().map(|agent| agent.opened(&context.vault)).collect();
    Ok(Page { total: found.total, rows })
}

/// Errors: `NotFound(Item)`.
pub async fn one(context: &Context, id: i64) -> Result<AgentRecord> {
    let agent = rows::one::<AgentRecord>(&context.db, id).await?;
    Ok(agent.ok_or(DomainError::NotFound(Entity::Item))?.opened(&context.vault))
}

/// The answer with the agent's phone as it is now: what is kept for the same request sent again has none.
async fn with_phone(context: &Context, answer: Answer) -> Result<Answer> {
    let mut row: Map<String, Value> = serde_json::from_str(&answer.body).map_err(|_| DomainError::Internal)?;
    let id = row.get("id").and_then(Value::as_i64).ok_or(DomainError::Internal)?;
    row.insert("mobile".to_owned(), one(context, id).await?.mobile.into());
    Ok(Answer { body: Value::Object(row).to_string(), ..answer })
}

/// Errors: `InvalidField`, `Conflict` on `username` or `mobile`.
pub async fn create(context: &Context, writer: Writer, new: AgentPatch) -> Result<Answer> {
    for (field, text) in [("name", &new.name), ("username", &new.username)] {
        if text.is_none() {
            return Err(DomainError::field(field, "is required"));
        }
    }
    let columns = new.columns(&context.vault)?;
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let id = store::insert(tx, &columns, now).await?;
            let after: AgentRecord = in_tx(tx, id, Entity::Item).await?;
            Ok(Change { action: "create", entity: ENTITY, id, before: None, after: public(&after) })
        })
    })
    .await?;
    with_phone(context, answer).await
}

/// Errors: `NotFound(Item)`, and those of `create`.
pub async fn change(context: &Context, writer: Writer, id: i64, patch: AgentPatch) -> Result<Answer> {
    let (unbind, action) = (patch.unbind, if patch.password.is_some() { "update with password" } else { "update" });
    let columns = patch.columns(&context.vault)?;
    let answer = write(context, writer, move |tx, _| {
        Box::pin(async move {
            if !store::lock(tx, id).await? {
                return Err(DomainError::NotFound(Entity::Item));
            }
            let before: AgentRecord = in_tx(tx, id, Entity::Item).await?;
            store::update(tx, id, &columns).await?;
            if unbind {
                store::part_from_account(tx, id).await?;
            }
            let after: AgentRecord = in_tx(tx, id, Entity::Item).await?;
            Ok(Change { action, entity: ENTITY, id, before: public(&before), after: public(&after) })
        })
    })
    .await?;
    with_phone(context, answer).await
}
