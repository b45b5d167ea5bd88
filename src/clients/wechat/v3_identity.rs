//! Who we are to v3 of WeChat payment: the header that signs our requests, the signature of a page, and the sealed parts
//! of what the provider sends.

use actors::error::{DomainError, Result};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::pay::PagePayment;
use super::rsa::SigningKey;
use crate::config::Config;

pub struct V3Identity {
    pub app_id: String,
    pub mch_id: String,
    serial: String,
    key: SigningKey,
    cipher: Aes256Gcm,
    /// The provider's public key by which it is to sign its answers; empty: its certificates.
    pub public_key_id: String,
}

/// A sealed part, AEAD_AES_256_GCM.
#[derive(Debug, Deserialize)]
pub struct Sealed {
    #[serde(default)]
    pub algorithm: String,
    pub nonce: String,
    #[serde(default)]
    pub associated_data: String,
    pub ciphertext: String,
}

const ALGORITHM: &str = "AEAD_AES_256_GCM";

impl V3Identity {
    /// Errors: a key or identity that is missing or not usable.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        let pay = &config.pay;
        let key: [u8; 32] = pay
            .api_v3_key
            .expose_secret()
            .as_bytes()
            .try_into()
            .map_err(|_| anyhow::anyhow!("pay.api_v3_key: must have 32 bytes"))?;
        Ok(Self {
            app_id: config.wechat.app_id.clone(),
            mch_id: pay.mch_id.clone(),
            serial: pay.certificate_serial.clone(),
            key: SigningKey::from_pem(pay.private_key.expose_secret()).context("pay.private_key")?,
            cipher: Aes256Gcm::new(&key.into()),
            public_key_id: pay.platform_public_key_id.clone(),
        })
    }

    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let pem = include_str!("../../../tests/support/wechat_keys/merchant.key.pem");
        Self {
            app_id: "wx1".to_owned(),
            mch_id: "1900".to_owned(),
            serial: "1".to_owned(),
            key: SigningKey::from_pem(pem).unwrap(),
            cipher: Aes256Gcm::new(&[7; 32].into()),
            public_key_id: String::new(),
        }
    }

    /// The value of `Authorization` for a request; `path` with its query, `timestamp` in seconds.
    ///
    /// Errors: `Internal` without randomness.
    pub fn authorization(&self, method: &str, path: &str, body: &str, timestamp: i64) -> Result<String> {
        let nonce = hex::encode_upper(rand::random::<[u8; 16]>());
        let signature = self.sign(&format!("{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n"))?;
        let (mch_id, serial) = (&self.mch_id, &self.serial);
        Ok(format!(
            "WECHATPAY2-SHA256-RSA2048 mchid=\"{mch_id}\",nonce_str=\"{nonce}\",signature=\"{signature}\",\
             timestamp=\"{timestamp}\",serial_no=\"{serial}\""
        ))
    }

    /// Errors: `Internal` without randomness.
    pub fn page_payment(&self, prepay_id: &str, now_ms: i64) -> Result<PagePayment> {
        let timestamp = (now_ms / 1000).to_string();
        let nonce = hex::encode(rand::random::<[u8; 16]>());
        let package = format!("prepay_id={prepay_id}");
        let signature = self.sign(&page_text(&self.app_id, &timestamp, &nonce, &package))?;
        Ok(PagePayment { timestamp, nonce, package, sign_type: "RSA", signature })
    }

    fn sign(&self, message: &str) -> Result<String> {
        self.key.sign(message).ok_or(DomainError::Internal)
    }

    /// Errors: `BadSignature` for what was not sealed with our key, or in another way.
    pub fn open(&self, sealed: &Sealed) -> Result<Vec<u8>> {
        open(&self.cipher, sealed)
    }
}

fn page_text(app_id: &str, timestamp: &str, nonce: &str, package: &str) -> String {
    format!("{app_id}\n{timestamp}\n{nonce}\n{package}\n")
}

fn open(cipher: &Aes256Gcm, sealed: &Sealed) -> Result<Vec<u8>> {
    let nonce: Option<[u8; 12]> = sealed.nonce.as_bytes().try_into().ok();
    let text = STANDARD.decode(&sealed.ciphertext).ok();
    let (Some(nonce), Some(text), ALGORITHM) = (nonce, text, sealed.algorithm.as_str()) else {
        return Err(DomainError::BadSignature);
    };
    let payload = Payload { msg: &text, aad: sealed.associated_data.as_bytes() };
    cipher.decrypt(&Nonce::from(nonce), payload).map_err(|_| DomainError::BadSignature)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn v3() -> Value {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        file["vectors"]["v3"].clone()
    }

    #[test]
    fn the_published_notice_opens_and_any_change_closes_it() {
        let notice = &v3()["notify"];
        let key: [u8; 32] = notice["api_v3_key"].as_str().unwrap().as_bytes().try_into().unwrap();
        let cipher = Aes256Gcm::new(&key.into());
        let body: Value = serde_json::from_str(notice["body"].as_str().unwrap()).unwrap();
        let sealed = || serde_json::from_value::<Sealed>(body["resource"].clone()).unwrap();
        let plain = open(&cipher, &sealed()).unwrap();
        assert_eq!(std::str::from_utf8(&plain).unwrap(), notice["plaintext"].as_str().unwrap());
        for changed in [
            Sealed { associated_data: "refund".to_owned(), ..sealed() },
            Sealed { nonce: "fdasflkja485".to_owned(), ..sealed() },
            Sealed { nonce: "short".to_owned(), ..sealed() },
            Sealed { algorithm: "AEAD_AES_128_GCM".to_owned(), ..sealed() },
            Sealed { ciphertext: sealed().ciphertext.replacen('D', "E", 1), ..sealed() },
            Sealed { ciphertext: "!".to_owned(), ..sealed() },
        ] {
            assert_eq!(open(&cipher, &changed), Err(DomainError::BadSignature));
        }
        let other = Aes256Gcm::new(&[7; 32].into());
        assert_eq!(open(&other, &sealed()), Err(DomainError::BadSignature));
    }

    #[test]
    fn the_published_text_of_a_page() {
        let message = v3()["jsapi_pay"]["message"].as_str().unwrap().to_owned();
        let parts: Vec<&str> = message.split('\n').collect();
        assert_eq!(page_text(parts[0], parts[1], parts[2], parts[3]), message);
    }
}
