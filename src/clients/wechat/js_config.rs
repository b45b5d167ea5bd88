//! What the pages' JavaScript needs to call WeChat: the account-wide access token, the ticket that it buys, and the
//! signature of a page's address by that ticket. Token and ticket are few a day; who keeps them is not decided here.

use std::sync::Arc;

use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use sha1::{Digest, Sha1};

use super::api::{OpenApi, Reply, failed, text};
use crate::clients::outgoing::Retry;
use crate::config::Config;

/// A token or ticket and how long it is good, in seconds from when it was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub value: String,
    pub lives_seconds: i64,
}

#[async_trait]
pub trait WeChatPages: Send + Sync {
    fn app_id(&self) -> &str;

    /// A new access token. The one before stays good for a few minutes.
    ///
    /// Errors: `ProviderFailed(WeChat)`.
    async fn access_token(&self) -> Result<Credential>;

    /// Errors: `Unauthenticated` for an access token that is no longer good; `ProviderFailed(WeChat)`.
    async fn ticket(&self, access_token: &str) -> Result<Credential>;
}

/// The implementation named by `wechat.provider`.
pub fn provider(config: &Config) -> anyhow::Result<Arc<dyn WeChatPages>> {
    match config.wechat.provider.as_str() {
        "sandbox" => Ok(Arc::new(SandboxPages)),
        "none" | "" => Ok(Arc::new(NoPages)),
        "real" => Ok(Arc::new(RealPages(OpenApi::from_config(config)?))),
        other => anyhow::bail!("wechat.provider: {other:?} is not one of real, sandbox, none"),
    }
}

/// The text that is signed and its signature, 40 hex.
pub fn sign(ticket: &str, nonce: &str, timestamp: i64, url: &str) -> (String, String) {
    let raw = format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}");
    let signature = hex::encode(Sha1::digest(raw.as_bytes()));
    (raw, signature)
}

struct RealPages(OpenApi);

/// Codes of an access token that is invalid or over.
const STALE_TOKEN: [i64; 4] = [40001, 40014, 41001, 42001];
/// Shorter lives are not believed, longer ones are cut: 7200 s are documented.
const LIVES: std::ops::RangeInclusive<i64> = 60..=7_200;

fn credential(members: &serde_json::Map<String, serde_json::Value>, name: &str) -> Result<Credential> {
    let lives = members.get("expires_in").and_then(serde_json::Value::as_i64).ok_or_else(failed)?;
    if lives < *LIVES.start() {
        return Err(failed());
    }
    Ok(Credential { value: text(members, name)?, lives_seconds: lives.min(*LIVES.end()) })
}

#[async_trait]
impl WeChatPages for RealPages {
    fn app_id(&self) -> &str {
        &self.0.app_id
    }

    async fn access_token(&self) -> Result<Credential> {
        let query =
            [("grant_type", "client_credential"), ("appid", self.0.app_id.as_str()), ("secret", self.0.secret())];
        match self.0.get("/cgi-bin/token", &query, Retry::Safe).await? {
            Reply::Members(members) => credential(&members, "access_token"),
            Reply::Refused { .. } => Err(failed()),
        }
    }

    async fn ticket(&self, access_token: &str) -> Result<Credential> {
        let query = [("access_token", access_token), ("type", "jsapi")];
        match self.0.get("/cgi-bin/ticket/getticket", &query, Retry::Safe).await? {
            Reply::Members(members) => credential(&members, "ticket"),
            Reply::Refused { code, .. } if STALE_TOKEN.contains(&code) => Err(DomainError::Unauthenticated),
            Reply::Refused { .. } => Err(failed()),
        }
    }
}

/// Signs with a ticket of its own, which WeChat does not know.
struct SandboxPages;

#[async_trait]
impl WeChatPages for SandboxPages {
    fn app_id(&self) -> &str {
        super::merchant::SANDBOX_APP_ID
    }

    async fn access_token(&self) -> Result<Credential> {
        Ok(Credential { value: hex::encode(rand::random::<[u8; 32]>()), lives_seconds: *LIVES.end() })
    }

    async fn ticket(&self, _access_token: &str) -> Result<Credential> {
        self.access_token().await
    }
}

struct NoPages;

#[async_trait]
impl WeChatPages for NoPages {
    fn app_id(&self) -> &str {
        ""
    }

    async fn access_token(&self) -> Result<Credential> {
        Err(DomainError::ProviderFailed(Provider::WeChat))
    }

    async fn ticket(&self, _access_token: &str) -> Result<Credential> {
        Err(DomainError::ProviderFailed(Provider::WeChat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_signatures() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        let vectors = file["vectors"]["js_sdk_signature"].as_array().unwrap();
        assert_eq!(vectors.len(), 2);
        for vector in vectors {
            let text = |name: &str| vector[name].as_str().unwrap();
            let timestamp = vector["timestamp"].as_i64().unwrap();
            let (raw, signature) = sign(text("jsapi_ticket"), text("nonceStr"), timestamp, text("url"));
            assert_eq!((raw.as_str(), signature.as_str()), (text("rawString"), text("signature")));
        }
    }
}
