//! What v3's answers and notices are verified with: the provider's certificates, downloaded sealed with our key, several
//! of which are good at once while they rotate; or one public key that the configuration names.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use actors::error::{DomainError, Result};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::pay::failed;
use super::rsa::VerifyingKey;
use super::v3_identity::{Sealed, V3Identity};
use crate::clients::outgoing::{Limits, Outgoing, Retry};
use crate::config::Config;

pub const PATH: &str = "/v3/certificates";
/// Looked at again this often even if every signature's certificate is known.
const REFRESH: Duration = Duration::from_secs(12 * 3600);
/// An unknown serial number does not make us ask more often than this, so that forged ones cannot.
const LEAST_PAUSE: Duration = Duration::from_secs(60);
const MOST_CERTIFICATES: usize = 16;

/// A signature and what it covers besides the body.
pub struct Signed<'s> {
    pub serial: &'s str,
    pub timestamp: &'s str,
    pub nonce: &'s str,
    pub signature: &'s str,
    pub body: &'s [u8],
}

struct Known {
    key: VerifyingKey,
    /// A named key has no end.
    expires: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct Asked {
    last_try: Option<Instant>,
    last_success: Option<Instant>,
}

pub struct PlatformKeys {
    known: RwLock<HashMap<String, Known>>,
    /// Held while certificates are downloaded, so that one request does it for all.
    asked: Mutex<Asked>,
    /// Nothing is downloaded while a key is named.
    named: bool,
}

#[derive(Deserialize)]
struct Downloaded {
    data: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    serial_no: String,
    effective_time: DateTime<Utc>,
    expire_time: DateTime<Utc>,
    encrypt_certificate: Sealed,
}

impl PlatformKeys {
    /// Errors: a named public key that is none.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        let mut known = HashMap::new();
        let pem = config.pay.platform_public_key.expose_secret();
        if !pem.is_empty() {
            let key = VerifyingKey::from_public_key(pem).context("pay.platform_public_key")?;
            known.insert(config.pay.platform_public_key_id.clone(), Known { key, expires: None });
        }
        Ok(Self { named: !known.is_empty(), known: RwLock::new(known), asked: Mutex::default() })
    }

    /// Whether the provider signed it.
    ///
    /// Errors: `BadSignature`; `ProviderFailed(Payment)` when its certificate cannot be had now.
    pub async fn verify(
        &self,
        signed: &Signed<'_>,
        identity: &V3Identity,
        http: &Outgoing,
        base_url: &str,
    ) -> Result<()> {
        let mut verdict = self.look(signed);
        if !self.named {
            let mut asked = self.asked.lock().await;
            // While we waited another request may have brought it.
            verdict = verdict.or_else(|| self.look(signed));
            let old = asked.last_success.is_none_or(|at| at.elapsed() > REFRESH);
            let may_ask = asked.last_try.is_none_or(|at| at.elapsed() > LEAST_PAUSE);
            if may_ask && (verdict.is_none() || old) {
                asked.last_try = Some(Instant::now());
                match self.download(identity, http, base_url).await {
                    Ok(()) => asked.last_success = Some(Instant::now()),
                    // What is known stays good until its own end.
                    Err(error) if verdict.is_none() => return Err(error),
                    Err(error) => tracing::warn!(%error, "the payment provider's certificates"),
                }
                verdict = self.look(signed);
            } else if verdict.is_none() && asked.last_success.is_none() {
                return Err(failed());
            }
        }
        match verdict {
            Some(true) => Ok(()),
            Some(false) | None => Err(DomainError::BadSignature),
        }
    }

    /// None: the serial number is not known.
    fn look(&self, signed: &Signed<'_>) -> Option<bool> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(signed.serial).filter(|it| it.expires.is_none_or(|at| at > Utc::now()))?;
        let mut message = format!("{}\n{}\n", signed.timestamp, signed.nonce).into_bytes();
        message.extend_from_slice(signed.body);
        message.push(b'\n');
        Some(found.key.verifies(&message, signed.signature))
    }

    /// The list proves itself: only the provider can seal with the key that we share.
    async fn download(&self, identity: &V3Identity, http: &Outgoing, base_url: &str) -> Result<()> {
        let url = format!("{base_url}{PATH}");
        let answer = http
            .send(Retry::Safe, Limits::QUICK, |client| {
                let timestamp = Utc::now().timestamp();
                let authorization = identity.authorization("GET", PATH, "", timestamp).unwrap_or_default();
                client.get(&url).header("authorization", authorization).header("accept", "application/json")
            })
            .await?;
        let list: Downloaded = serde_json::from_slice(&answer.body).map_err(|_| {
            tracing::warn!(status = %answer.status, "the payment provider's certificates cannot be read");
            failed()
        })?;
        let now = Utc::now();
        let mut fresh = HashMap::new();
        for listed in list.data.into_iter().take(MOST_CERTIFICATES) {
            if listed.effective_time > now || listed.expire_time <= now {
                continue;
            }
            let pem = identity.open(&listed.encrypt_certificate).map_err(|_| failed())?;
            let pem = String::from_utf8(pem).map_err(|_| failed())?;
            let key = VerifyingKey::from_certificate(&pem).map_err(|_| failed())?;
            fresh.insert(listed.serial_no, Known { key, expires: Some(listed.expire_time) });
        }
        if fresh.is_empty() {
            return Err(failed());
        }
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_notice_is_verified_by_its_key_only() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        let v3 = &file["vectors"]["v3"];
        let key = || VerifyingKey::from_public_key(v3["public_key_pem"].as_str().unwrap()).unwrap();
        let keys = |expires| PlatformKeys {
            known: RwLock::new(HashMap::from([("s".to_owned(), Known { key: key(), expires })])),
            asked: Mutex::default(),
            named: true,
        };
        let header = |name: &str| v3["notify"]["headers"][name].as_str().unwrap();
        let body = v3["notify"]["body"].as_str().unwrap().as_bytes();
        let signed = || Signed {
            serial: "s",
            timestamp: header("Wechatpay-Timestamp"),
            nonce: header("Wechatpay-Nonce"),
            signature: header("Wechatpay-Signature"),
            body,
        };
        assert_eq!(keys(None).look(&signed()), Some(true));
        assert_eq!(keys(Some(Utc::now() + Duration::from_secs(60))).look(&signed()), Some(true));
        assert_eq!(keys(Some(Utc::now())).look(&signed()), None, "over");
        assert_eq!(keys(None).look(&Signed { serial: "t", ..signed() }), None);
        for wrong in [
            Signed { timestamp: "1700000001", ..signed() },
            Signed { nonce: "nonceM", ..signed() },
            Signed { body: &body[1..], ..signed() },
            Signed { signature: "", ..signed() },
        ] {
            assert_eq!(keys(None).look(&wrong), Some(false));
        }
    }
}
