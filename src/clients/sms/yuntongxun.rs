//! Yuntongxun's template messages, REST version 2013-12-26.

use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, FixedOffset};
use md5::{Digest, Md5};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::{Message, SmsProvider, YUNTONGXUN};
use crate::clients::outgoing::{Limits, Outgoing, Retry};
use crate::config::Config;

pub(super) const BASE_URL: &str = "https://app.cloopen.com:8883";

pub struct Yuntongxun {
    http: Outgoing,
    base_url: String,
    account_sid: String,
    auth_token: SecretString,
    app_id: String,
}

impl Yuntongxun {
    pub fn new(config: &Config) -> anyhow::Result<Self> {
        let sms = &config.sms;
        let base_url = if sms.base_url.is_empty() { BASE_URL } else { sms.base_url.trim_end_matches('/') };
        Ok(Self {
            http: Outgoing::new(Provider::Sms, None)?,
            base_url: base_url.to_owned(),
            account_sid: sms.key_id.clone(),
            auth_token: sms.key_secret.clone(),
            app_id: sms.app_id.clone(),
        })
    }
}

/// Beijing time without separators: both signatures hold it.
fn timestamp(now_ms: i64) -> String {
    let beijing = FixedOffset::east_opt(8 * 3600).unwrap_or_else(|| unreachable!("8 h is a valid offset"));
    let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default().with_timezone(&beijing);
    now.format("%Y%m%d%H%M%S").to_string()
}

/// The query's `sig`: upper-case hex MD5 of account, token and time.
fn signature(account_sid: &str, auth_token: &str, timestamp: &str) -> String {
    hex::encode_upper(Md5::digest(format!("{account_sid}{auth_token}{timestamp}").as_bytes()))
}

#[async_trait]
impl SmsProvider for Yuntongxun {
    fn name(&self) -> &'static str {
        YUNTONGXUN
    }

    async fn send(&self, message: &Message, now_ms: i64) -> Result<()> {
        let failed = DomainError::ProviderFailed(Provider::Sms);
        let timestamp = timestamp(now_ms);
        let signature = signature(&self.account_sid, self.auth_token.expose_secret(), &timestamp);
        let address =
            format!("{}/2013-12-26/Accounts/{}/SMS/TemplateSMS?sig={signature}", self.base_url, self.account_sid);
        let values: Vec<&str> = message.parameters.iter().map(|(_, value)| value.as_str()).collect();
        let asked = json!({
            "to": message.phone,
            "appId": self.app_id,
            "templateId": message.template,
            "datas": values,
        });
        let request = |client: &reqwest::Client| {
            client
                .post(&address)
                .header("accept", "application/json")
                .header("authorization", STANDARD.encode(format!("{}:{timestamp}", self.account_sid)))
                .json(&asked)
        };
        let answer = self.http.send(Retry::Unsent, Limits::QUICK, request).await?;
        let reply: Value = serde_json::from_slice(&answer.body).map_err(|_| failed.clone())?;
        match reply["statusCode"].as_str() {
            Some("000000") => Ok(()),
            code => {
                tracing::warn!(code = code.unwrap_or("none"), "Yuntongxun refused a message");
                Err(failed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_signed_with_beijing_time() {
        let at = timestamp(1_499_827_339_000);
        assert_eq!(at, "20170712104219");
        assert_eq!(signature("sid", "token", &at), "FC2AD837D4373DB4BFFE85822D3483EE");
    }
}
