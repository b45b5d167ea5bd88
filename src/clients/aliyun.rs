//! Aliyun's RPC calls: the common parameters and their signature, version 1.0 with HMAC-SHA1.

use std::collections::BTreeMap;

use actors::error::{DomainError, Provider, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use sha1::Sha1;

use super::outgoing::{Limits, Outgoing, Retry};

/// Parameters by name, sorted as they are signed.
pub type Parameters = BTreeMap<String, String>;

/// One API of Aliyun, and who we are to it.
pub struct Rpc {
    pub http: Outgoing,
    pub provider: Provider,
    /// Origin, without a path.
    pub base_url: String,
    pub version: &'static str,
    pub key_id: String,
    pub key_secret: SecretString,
}

impl Rpc {
    /// Calls `action`; answers the members of the reply, which may be a refusal (`Code`, `Message`).
    ///
    /// Errors: `ProviderFailed`.
    pub async fn call(&self, retry: Retry, action: &str, own: &[(&str, &str)], now_ms: i64) -> Result<Value> {
        let request = |client: &reqwest::Client| client.get(self.address(action, own, now_ms));
        let answer = self.http.send(retry, Limits::QUICK, request).await?;
        serde_json::from_slice(&answer.body).map_err(|_| DomainError::ProviderFailed(self.provider))
    }

    /// Signed, with a nonce of its own each time.
    fn address(&self, action: &str, own: &[(&str, &str)], now_ms: i64) -> String {
        let mut parameters = common(&self.key_id, self.version, action, &nonce(), now_ms);
        parameters.extend(own.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let signature = sign("GET", &parameters, self.key_secret.expose_secret());
        parameters.insert("Signature".to_owned(), signature);
        format!("{}/?{}", self.base_url.trim_end_matches('/'), canonical(&parameters))
    }
}

fn nonce() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

fn common(key_id: &str, version: &str, action: &str, nonce: &str, now_ms: i64) -> Parameters {
    let now = DateTime::from_timestamp_millis(now_ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true);
    [
        ("Format", "JSON"),
        ("Version", version),
        ("AccessKeyId", key_id),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", nonce),
        ("Timestamp", &now),
        ("Action", action),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect()
}

/// What is signed.
pub fn string_to_sign(method: &str, parameters: &Parameters) -> String {
    format!("{method}&%2F&{}", percent(&canonical(parameters)))
}

/// base64 of HMAC-SHA1.
pub fn sign(method: &str, parameters: &Parameters, secret: &str) -> String {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(format!("{secret}&").as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    mac.update(string_to_sign(method, parameters).as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn canonical(parameters: &Parameters) -> String {
    let pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", percent(name), percent(value))).collect();
    pairs.join("&")
}

/// RFC 3986: only its unreserved characters stay.
fn percent(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parameters(of: &Value) -> Parameters {
        of.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }

    #[test]
    fn signatures_are_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/aliyun.json")).unwrap();
        let cases = vectors["rpc_v1"].as_array().unwrap();
        assert_eq!(cases.len(), 2);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap();
            let secret = text("access_key_secret");
            let plain = parameters(&case["params"]);
            assert_eq!(string_to_sign(text("method"), &plain), text("string_to_sign"));
            assert_eq!(sign(text("method"), &plain, secret), text("signature"));
            // An older client adds an empty parameter, which is signed as well.
            let sent = &case["as_sent_by_sdk"];
            assert_eq!(sign(text("method"), &parameters(&sent["params"]), secret), sent["signature"].as_str().unwrap());
        }
    }

    #[test]
    fn common_parameters_are_the_vectors_own() {
        let vectors: Value = serde_json::from_str(include_str!("../../tests/vectors/aliyun.json")).unwrap();
        let expected = parameters(&vectors["rpc_v1"][0]["params"]);
        let now_ms = DateTime::parse_from_rfc3339("2017-07-12T02:42:19Z").unwrap().timestamp_millis();
        let nonce = &expected["SignatureNonce"];
        for (name, value) in common("testid", "2017-05-25", "SendSms", nonce, now_ms) {
            assert_eq!(expected[&name], value, "{name}");
        }
    }

    #[test]
    fn reserved_characters_are_encoded() {
        assert_eq!(percent("a b*~/+中"), "a%20b%2A~%2F%2B%E4%B8%AD");
    }
}
