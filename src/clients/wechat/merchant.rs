//! Who we are to the payment provider under v2 of its interface, and the key that both sides sign with.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};

use super::pay::SANDBOX;
use super::sign::{Fields, SignType};
use crate::config::Config;

pub struct Merchant {
    pub app_id: String,
    pub mch_id: String,
    pub sign_type: SignType,
    api_key: SecretString,
}

pub(super) const SANDBOX_APP_ID: &str = "wx0000000000000000";
const SANDBOX_MCH_ID: &str = "1900000000";

impl Merchant {
    /// `None` while `pay.provider` is `none`, and with v3, which has no such key. The sandbox fills what is not set; its key is a new one in every process,
    /// so that nobody else can write its notices.
    ///
    /// Errors: an identity or key that a real provider needs and is not set: without a key anybody could write notices.
    pub fn from_config(config: &Config) -> anyhow::Result<Option<Self>> {
        let provider = config.pay.provider.as_str();
        if matches!(provider, "none" | "" | "v3") {
            return Ok(None);
        }
        let sign_type =
            SignType::from_str(&config.pay.sign_type).map_err(|reason| anyhow::anyhow!("pay.sign_type: {reason}"))?;
        let sandbox = provider == SANDBOX;
        let named = |key: &str, value: &str, in_sandbox: &str| match value {
            "" if sandbox => Ok(in_sandbox.to_owned()),
            "" => anyhow::bail!("{key} must be set while pay.provider is {provider:?}"),
            value => Ok(value.to_owned()),
        };
        let random_key = hex::encode(rand::random::<[u8; 16]>());
        let api_key = named("pay.api_key", config.pay.api_key.expose_secret(), &random_key)?;
        Ok(Some(Self {
            app_id: named("wechat.app_id", &config.wechat.app_id, SANDBOX_APP_ID)?,
            mch_id: named("pay.mch_id", &config.pay.mch_id, SANDBOX_MCH_ID)?,
            sign_type,
            api_key: api_key.into(),
        }))
    }

    pub fn sign(&self, fields: &Fields) -> String {
        super::sign::sign(fields, self.api_key.expose_secret(), self.sign_type)
    }

    /// Whether `fields` carry our key's signature, of the kind that they name, or of ours when they name none. What is
    /// signed with MD5 counts only where we do so ourselves.
    pub fn verify(&self, fields: &Fields) -> bool {
        let kind = match fields.get("sign_type").map(|name| SignType::from_str(name)) {
            None => self.sign_type,
            Some(Ok(SignType::Md5)) if self.sign_type != SignType::Md5 => return false,
            Some(Ok(kind)) => kind,
            Some(Err(_)) => return false,
        };
        super::sign::verify(fields, self.api_key.expose_secret(), kind)
    }

    /// What the provider seals its refund notices with, under AES-256: the hex digits of the key's hash.
    pub(super) fn refund_notice_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        let digest = <md5::Md5 as md5::Digest>::digest(self.api_key.expose_secret().as_bytes());
        key.copy_from_slice(hex::encode(digest).as_bytes());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::super::sign::sign;
    use super::*;

    #[test]
    fn a_notice_counts_as_it_says_it_is_signed_and_never_weaker_than_ours() {
        let key = "k".repeat(32);
        let merchant = |sign_type| Merchant {
            app_id: String::new(),
            mch_id: String::new(),
            sign_type,
            api_key: key.clone().into(),
        };
        for (ours, told, made, good) in [
            (SignType::Md5, None, SignType::Md5, true),
            (SignType::Md5, None, SignType::HmacSha256, false),
            (SignType::Md5, Some("MD5"), SignType::Md5, true),
            (SignType::Md5, Some("HMAC-SHA256"), SignType::HmacSha256, true),
            (SignType::Md5, Some("HMAC-SHA256"), SignType::Md5, false),
            (SignType::Md5, Some("none"), SignType::Md5, false),
            (SignType::HmacSha256, None, SignType::HmacSha256, true),
            (SignType::HmacSha256, Some("HMAC-SHA256"), SignType::HmacSha256, true),
            (SignType::HmacSha256, Some("MD5"), SignType::Md5, false),
            (SignType::HmacSha256, None, SignType::Md5, false),
        ] {
            let mut fields = Fields::from([("total_fee".to_owned(), "1".to_owned())]);
            fields.extend(told.map(|name: &str| ("sign_type".to_owned(), name.to_owned())));
            let signature = sign(&fields, &key, made);
            fields.insert("sign".to_owned(), signature);
            assert_eq!(merchant(ours).verify(&fields), good, "{ours:?} {told:?} {made:?}");
        }
    }
}
