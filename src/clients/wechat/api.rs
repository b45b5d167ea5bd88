//! WeChat's open API (`api.weixin.qq.com`): GET with everything in the query, JSON back, errors as `errcode`. The query
//! holds secrets, so neither it nor the address is ever logged.

use actors::error::{DomainError, Provider, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::byte_order_mark;
use crate::clients::outgoing::{Limits, Outgoing, Retry};
use crate::config::Config;

pub struct OpenApi {
    http: Outgoing,
    base_url: String,
    pub app_id: String,
    app_secret: SecretString,
}

/// Characters of a refusal's text that are passed on.
const TEXT_CHARACTERS: usize = 120;

/// An answer's members, or the code and text of its refusal.
pub enum Reply {
    Members(Map<String, Value>),
    Refused { code: i64, text: String },
}

/// What WeChat answers while it is busy.
const SYSTEM_BUSY: i64 = -1;

pub fn failed() -> DomainError {
    DomainError::ProviderFailed(Provider::WeChat)
}

impl OpenApi {
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            http: Outgoing::new(Provider::WeChat, None)?,
            base_url: config.wechat.base_url.trim_end_matches('/').to_owned(),
            app_id: config.wechat.app_id.clone(),
            app_secret: config.wechat.app_secret.clone(),
        })
    }

    pub fn secret(&self) -> &str {
        self.app_secret.expose_secret()
    }

    /// Errors: `ProviderFailed(WeChat)` when there is no readable answer.
    pub async fn get(&self, path: &str, query: &[(&str, &str)], retry: Retry) -> Result<Reply> {
        let query = serde_urlencoded::to_string(query).map_err(|_| DomainError::Internal)?;
        let url = format!("{}{path}?{query}", self.base_url);
        let answer = self.http.send(retry, Limits::USUAL, |client| client.get(&url)).await?;
        let members: Map<String, Value> =
            serde_json::from_slice(byte_order_mark::without(&answer.body)).map_err(|_| {
                tracing::warn!(path, status = %answer.status, "WeChat's answer is not a JSON object");
                failed()
            })?;
        match members.get("errcode").map_or(Some(0), Value::as_i64) {
            Some(0) => Ok(Reply::Members(members)),
            Some(SYSTEM_BUSY) | None => Err(failed()),
            Some(code) => {
                tracing::warn!(path, code, "WeChat refused");
                let text = members.get("errmsg").and_then(Value::as_str).unwrap_or_default();
                let text = text.chars().filter(|letter| !letter.is_control()).take(TEXT_CHARACTERS).collect();
                Ok(Reply::Refused { code, text })
            }
        }
    }
}

/// A member that has to be there and be a text.
pub fn text(members: &Map<String, Value>, name: &str) -> Result<String> {
    let text = members.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| {
        tracing::warn!(name, "WeChat's answer lacks a member");
        failed()
    })
}
