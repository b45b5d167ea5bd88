//! What v3's answers and notices are verified with: the provider's certificates, downloaded sealed with our key, several
//! of which are good at once while they rotate; or one public key that the configuration names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use actors::error::{DomainError, Result};
use anyhow::Context as _;
use chrono::{DateTime, Utc};
use quick_cache::sync::Cache;
use secrecy::ExposeSecret;
use serde::Deserialize;
use tokio::sync::{Semaphore, watch};

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
/// A serial number that was not listed makes us ask again only after this: certificates are listed before they sign.
const UNLISTED: Duration = Duration::from_secs(600);
/// Serial numbers that were not listed, the newest of them. One that is forgotten costs a download at most.
const MOST_UNLISTED: usize = 256;
/// Callers that wait for the download under way; others come again.
const MOST_WAITING: usize = 64;
const MOST_CERTIFICATES: usize = 16;
/// Serial numbers are 40 hexadecimal digits.
const LONGEST_SERIAL: usize = 64;

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

/// The outcome of a download, none while it is under way.
type Outcome = Option<Result<()>>;

#[derive(Default)]
struct Asked {
    last_try: Option<Instant>,
    last_success: Option<Instant>,
    /// The download under way, of which there is one at the most.
    running: Option<watch::Receiver<Outcome>>,
}

/// What a download needs.
pub struct Source {
    pub identity: V3Identity,
    pub http: Outgoing,
    pub base_url: String,
}

pub struct PlatformKeys {
    known: RwLock<HashMap<String, Known>>,
    /// Never held over a wait.
    asked: Mutex<Asked>,
    unlisted: Cache<String, Instant>,
    waiting: Semaphore,
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
        Ok(Self::of(known))
    }

    fn of(named: HashMap<String, Known>) -> Self {
        Self {
            named: !named.is_empty(),
            known: RwLock::new(named),
            asked: Mutex::default(),
            unlisted: Cache::new(MOST_UNLISTED),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    /// Whether the provider signed it. A known serial number never waits; its certificates are looked at again meanwhile.
    /// An unknown one waits for one download, which serves all who wait.
    ///
    /// Errors: `BadSignature`; `ProviderFailed(Payment)` when its certificate cannot be had now, `Busy` while too many
    /// wait for it.
    pub async fn verify(self: &Arc<Self>, signed: &Signed<'_>, source: &Arc<Source>) -> Result<()> {
        if let Some(good) = self.look(signed) {
            if !self.named {
                drop(self.refresh(source, |asked| asked.last_success.is_none_or(|at| at.elapsed() > REFRESH)));
            }
            return judged(good);
        }
        if self.named || signed.serial.is_empty() || signed.serial.len() > LONGEST_SERIAL {
            return Err(DomainError::BadSignature);
        }
        if self.unlisted.get(signed.serial).is_some_and(|at| at.elapsed() < UNLISTED) {
            return Err(DomainError::BadSignature);
        }
        let Some(mut running) = self.refresh(source, |_| true) else {
            // Asked a moment ago: nothing new is to be learned now.
            let had_some = self.asked().last_success.is_some();
            return Err(if had_some { DomainError::BadSignature } else { failed() });
        };
        let Ok(_permit) = self.waiting.try_acquire() else { return Err(DomainError::BUSY) };
        let outcome = running.wait_for(Option::is_some).await.map_err(|_| failed())?.clone();
        outcome.unwrap_or_else(|| Err(failed()))?;
        match self.look(signed) {
            Some(good) => judged(good),
            None => {
                self.unlisted.insert(signed.serial.to_owned(), Instant::now());
                Err(DomainError::BadSignature)
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The download under way, or a new one if `is_due` and the last is not too young.
    fn refresh(
        self: &Arc<Self>,
        source: &Arc<Source>,
        is_due: impl FnOnce(&Asked) -> bool,
    ) -> Option<watch::Receiver<Outcome>> {
        let mut asked = self.asked();
        if let Some(running) = &asked.running {
            return Some(running.clone());
        }
        if !is_due(&asked) || asked.last_try.is_some_and(|at| at.elapsed() <= LEAST_PAUSE) {
            return None;
        }
        let (sender, receiver) = watch::channel(None);
        asked.last_try = Some(Instant::now());
        asked.running = Some(receiver.clone());
        let running = Running { keys: self.clone(), sender };
        let source = source.clone();
        // A task of its own: a caller that goes away does not take the others' download along.
        tokio::spawn(async move {
            let outcome = running.keys.download(&source).await;
            running.end(outcome);
        });
        Some(receiver)
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
    async fn download(&self, source: &Source) -> Result<()> {
        let Source { identity, http, base_url } = source;
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

fn judged(is_good: bool) -> Result<()> {
    if is_good { Ok(()) } else { Err(DomainError::BadSignature) }
}

/// A download under way; it ends also when its task is dropped or panics.
struct Running {
    keys: Arc<PlatformKeys>,
    sender: watch::Sender<Outcome>,
}

impl Running {
    fn end(self, outcome: Result<()>) {
        match &outcome {
            Ok(()) => self.keys.asked().last_success = Some(Instant::now()),
            // What is known stays good until its own end.
            Err(error) => tracing::warn!(%error, "the payment provider's certificates"),
        }
        self.keys.asked().running = None;
        self.sender.send_replace(Some(outcome));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.sender.borrow().is_none() {
            self.keys.asked().running = None;
            self.sender.send_replace(Some(Err(failed())));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    /// The published notice, signed by serial number `s`.
    fn published() -> (serde_json::Value, VerifyingKey) {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        let v3 = file["vectors"]["v3"].clone();
        let key = VerifyingKey::from_public_key(v3["public_key_pem"].as_str().unwrap()).unwrap();
        (v3, key)
    }

    fn signed_by<'s>(v3: &'s serde_json::Value, serial: &'s str) -> Signed<'s> {
        let header = |name: &str| v3["notify"]["headers"][name].as_str().unwrap();
        Signed {
            serial,
            timestamp: header("Wechatpay-Timestamp"),
            nonce: header("Wechatpay-Nonce"),
            signature: header("Wechatpay-Signature"),
            body: v3["notify"]["body"].as_str().unwrap().as_bytes(),
        }
    }

    /// The provider takes the question for its certificates and says nothing: unknown serial numbers wait for one
    /// download, and nobody else waits for it.
    #[actix_web::test]
    async fn a_download_under_way_holds_no_known_serial_number_up() {
        crate::clients::tls::use_ring();
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = Arc::new(Source {
            identity: V3Identity::for_tests(),
            http: Outgoing::new(actors::error::Provider::Payment, None).unwrap(),
            base_url: format!("http://{}", silent.local_addr().unwrap()),
        });
        let (v3, key) = published();
        let expires = Some(Utc::now() + chrono::Duration::days(1));
        let keys = PlatformKeys::of(HashMap::new());
        keys.known.write().unwrap().insert("s".to_owned(), Known { key, expires });
        let keys = Arc::new(keys);
        keys.asked().last_success = Some(Instant::now());

        let mut forged: Vec<_> = (0..MOST_WAITING)
            .map(|n| {
                let (keys, source, v3) = (keys.clone(), source.clone(), v3.clone());
                Box::pin(async move { keys.verify(&signed_by(&v3, &format!("forged {n}")), &source).await })
            })
            .collect();
        for waiting in &mut forged {
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        }
        let (connection, _) = silent.accept().await.unwrap();
        let known = keys.verify(&signed_by(&v3, "s"), &source).now_or_never();
        assert_eq!(known, Some(Ok(())), "answered at once");
        let one_more = keys.verify(&signed_by(&v3, "forged too many"), &source).now_or_never();
        assert_eq!(one_more, Some(Err(DomainError::BUSY)), "so many wait, and no more");
        // It breaks off: all who waited learn that, and nothing is asked again for a while.
        drop((connection, silent));
        for outcome in futures_util::future::join_all(forged).await {
            assert_eq!(outcome, Err(failed()));
        }
        let later = keys.verify(&signed_by(&v3, "forged later"), &source).now_or_never();
        assert_eq!(later, Some(Err(DomainError::BadSignature)));
    }

    #[test]
    fn the_published_notice_is_verified_by_its_key_only() {
        let (v3, _) = published();
        let key = || published().1;
        let keys = |expires| PlatformKeys::of(HashMap::from([("s".to_owned(), Known { key: key(), expires })]));
        let signed = || signed_by(&v3, "s");
        let body = signed().body;
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
