//! Whether an outside service can be reached: one harmless request that needs no key and changes nothing.

use std::time::Duration;

use reqwest::header::DATE;

use super::mail::{self, smtp::Smtp};
use super::{live, outgoing, sms};
use crate::config::Config;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A service that the configuration chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The setting that names its address.
    pub setting: &'static str,
    pub url: String,
}

/// What is told of a request that arrived, whatever its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its `Date`, in milliseconds since 1970.
    pub date_ms: Option<i64>,
    /// The first part of its body.
    pub body: String,
}

/// Bytes of a body that are looked at.
const MOST_BYTES: usize = 64 * 1024;

/// The HTTP services at work, one for each provider that is real.
pub fn endpoints(config: &Config) -> Vec<Endpoint> {
    let mut found = Vec::new();
    let mut add = |setting, url: &str| found.push(Endpoint { setting, url: url.to_owned() });
    if config.wechat.provider == "real" {
        add("wechat.base_url", &config.wechat.base_url);
    }
    if matches!(config.pay.provider.as_str(), "v2" | "v3") {
        add("pay.base_url", &config.pay.base_url);
    }
    if let Some(own) = sms::address_of(&config.sms.provider) {
        add("sms.base_url", if config.sms.base_url.is_empty() { own } else { &config.sms.base_url });
    }
    if config.live.online == "aliyun" {
        add("live.base_url", if config.live.base_url.is_empty() { live::BASE_URL } else { &config.live.base_url });
    }
    found
}

/// Whether the mail server takes a connection and lets us in; no mail is sent. `None`: there is none.
///
/// Errors: why it does not.
pub async fn mail(config: &Config) -> Option<Result<(), String>> {
    if config.mail.provider != mail::SMTP {
        return None;
    }
    Some(match Smtp::new(&config.mail, None) {
        Ok(smtp) => smtp.greet(TIMEOUT).await,
        Err(error) => Err(format!("{error:#}")),
    })
}

/// Asks for a page and takes any answer.
///
/// Errors: why none came, without the address.
pub async fn reach(url: &str) -> Result<Reached, String> {
    let client = outgoing::client(None).map_err(|error| format!("{error:#}"))?;
    let asked = async {
        let mut answer = client.get(url).send().await?;
        let date = answer.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date_ms = date.and_then(|date| chrono::DateTime::parse_from_rfc2822(date).ok());
        let date_ms = date_ms.map(|date| date.timestamp_millis());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() >= MOST_BYTES {
                break;
            }
        }
        Ok::<_, reqwest::Error>(Reached { date_ms, body: String::from_utf8_lossy(&body).into_owned() })
    };
    match tokio::time::timeout(TIMEOUT, asked).await {
        Ok(Ok(reached)) => Ok(reached),
        Ok(Err(error)) => Err(deepest(&error.without_url())),
        Err(_) => Err(format!("no answer within {} s", TIMEOUT.as_secs())),
    }
}

/// The last cause of an error: the ones before it say little.
fn deepest(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
