//! Live streams at Aliyun: signed addresses (type A) and the number of viewers.

use std::sync::Arc;

use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;
use md5::{Digest, Md5};
use serde_json::Value;

use super::aliyun::Rpc;
use super::outgoing::{Outgoing, Retry};
use crate::config::Config;

pub(super) const BASE_URL: &str = "https://live.aliyuncs.com";

/// `auth_key=<expiry>-<rand>-<uid>-<md5>` for a path with its suffix; `expires` in seconds since 1970.
pub fn auth_key(path: &str, expires: i64, key: &str) -> String {
    let hash = Md5::digest(format!("{path}-{expires}-0-0-{key}").as_bytes());
    format!("{expires}-0-0-{}", hex::encode(hash))
}

/// How many watch one stream, in the provider's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewers {
    pub total: i64,
    /// One row a stream: time (UTC), address, viewers.
    pub streams: Vec<(String, String, i64)>,
    pub request_id: String,
}

#[async_trait]
pub trait ViewerCount: Send + Sync {
    /// Errors: `ProviderFailed(Live)`.
    async fn viewers(&self, stream: &str, now_ms: i64) -> Result<Viewers>;
}

/// Aliyun's numbers, where the configuration wants them.
pub fn viewer_count(config: &Config) -> anyhow::Result<Option<Arc<dyn ViewerCount>>> {
    let live = &config.live;
    if live.online != "aliyun" {
        return Ok(None);
    }
    let base_url = if live.base_url.is_empty() { BASE_URL } else { &live.base_url };
    let rpc = Rpc {
        http: Outgoing::new(Provider::Live, None)?,
        provider: Provider::Live,
        base_url: base_url.to_owned(),
        version: "2016-11-01",
        key_id: live.key_id.clone(),
        key_secret: live.key_secret.clone(),
    };
    Ok(Some(Arc::new(Aliyun { rpc, domain: live.play_domain.clone(), app: live.app_name.clone() })))
}

struct Aliyun {
    rpc: Rpc,
    domain: String,
    app: String,
}

#[async_trait]
impl ViewerCount for Aliyun {
    async fn viewers(&self, stream: &str, now_ms: i64) -> Result<Viewers> {
        let own = [("DomainName", self.domain.as_str()), ("AppName", &self.app), ("StreamName", stream)];
        let reply = self.rpc.call(Retry::Safe, "DescribeLiveStreamOnlineUserNum", &own, now_ms).await?;
        read(&reply).ok_or_else(|| {
            tracing::warn!(code = reply["Code"].as_str().unwrap_or("none"), "Aliyun told no viewers");
            DomainError::ProviderFailed(Provider::Live)
        })
    }
}

fn read(reply: &Value) -> Option<Viewers> {
    let rows = reply["OnlineUserInfo"]["LiveStreamOnlineUserNumInfo"].as_array().map_or(&[][..], Vec::as_slice);
    let stream = |row: &Value| {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        (text("Time"), text("StreamUrl"), row["UserNumber"].as_i64().unwrap_or(0))
    };
    Some(Viewers {
        total: reply["TotalUserNumber"].as_i64()?,
        streams: rows.iter().map(stream).collect(),
        request_id: reply["RequestId"].as_str().unwrap_or_default().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/aliyun.json")).unwrap();
        let cases = vectors["live_url_auth_type_a"].as_array().unwrap();
        assert_eq!(cases.len(), 3);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap();
            assert_eq!(auth_key(text("uri"), case["expires"].as_i64().unwrap(), text("key")), text("auth_key"));
        }
    }

    #[test]
    fn a_reply_without_a_total_is_a_failure() {
        assert_eq!(read(&serde_json::json!({"Code": "InvalidDomain.NotFound"})), None);
    }
}
