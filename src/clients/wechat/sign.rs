//! The v2 signature of WeChat payment: sorted `k=v` pairs and the merchant's key under MD5 or HMAC-SHA256.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Members of a flat message, in byte order of their names.
pub type Fields = BTreeMap<String, String>;

const SIGN: &str = "sign";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignType {
    Md5,
    HmacSha256,
}

impl SignType {
    /// The name that goes over the wire and into the signature.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }
}

impl FromStr for SignType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Md5, Self::HmacSha256]
            .into_iter()
            .find(|kind| kind.wire_name().eq_ignore_ascii_case(text))
            .ok_or_else(|| format!("{text:?} is not one of MD5, HMAC-SHA256"))
    }
}

/// Upper-case hex over all members but `sign` and empty ones.
pub fn sign(fields: &Fields, api_key: &str, kind: SignType) -> String {
    let text = text_to_sign(fields, api_key);
    let digest = match kind {
        SignType::Md5 => hex::encode_upper(Md5::digest(text.as_bytes())),
        SignType::HmacSha256 => {
            let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(api_key.as_bytes())
                .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
            mac.update(text.as_bytes());
            hex::encode_upper(mac.finalize().into_bytes())
        }
    };
    debug_assert!(!digest.is_empty());
    digest
}

/// Whether the member `sign` is the signature of the others. An empty key verifies nothing: everybody knows it.
pub fn verify(fields: &Fields, api_key: &str, kind: SignType) -> bool {
    let Some(given) = fields.get(SIGN) else {
        return false;
    };
    let right = sign(fields, api_key, kind);
    !api_key.is_empty() && bool::from(given.as_bytes().ct_eq(right.as_bytes()))
}

fn text_to_sign(fields: &Fields, api_key: &str) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        if name != SIGN && !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{name}={value}&");
        }
    }
    let _ = write!(text, "key={api_key}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors(kind: &str) -> Vec<Value> {
        let file: Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        let vectors = file["vectors"][kind].as_array().unwrap().clone();
        assert!(!vectors.is_empty());
        vectors
    }

    fn fields(object: &Value) -> Fields {
        serde_json::from_value(object.clone()).unwrap()
    }

    fn text<'v>(vector: &'v Value, member: &str) -> &'v str {
        vector[member].as_str().unwrap()
    }

    #[test]
    fn published_signatures() {
        for vector in vectors("v2_sign") {
            let (params, key) = (fields(&vector["params"]), text(&vector, "api_key"));
            assert_eq!(text_to_sign(&params, key), text(&vector, "string_to_sign"));
            assert_eq!(sign(&params, key, SignType::Md5), text(&vector, "md5"));
            assert_eq!(sign(&params, key, SignType::HmacSha256), text(&vector, "hmac_sha256"));
        }
    }

    #[test]
    fn page_signatures() {
        for vector in vectors("v2_jsapi_pay_sign") {
            let (params, key) = (fields(&vector["params"]), text(&vector, "api_key"));
            assert_eq!(text_to_sign(&params, key), text(&vector, "string_to_sign"));
            assert_eq!(sign(&params, key, SignType::Md5), text(&vector, "paySign"));
        }
    }

    #[test]
    fn notices_verify_and_any_change_breaks_them() {
        for vector in vectors("v2_notify") {
            let (good, key) = (fields(&vector["fields"]), text(&vector, "api_key"));
            assert_eq!(text_to_sign(&good, key), text(&vector, "string_to_sign"));
            assert!(verify(&good, key, SignType::Md5));
            assert!(!verify(&good, key, SignType::HmacSha256));
            assert!(!verify(&good, "another key", SignType::Md5));
            for name in good.keys() {
                let mut changed = good.clone();
                changed.insert(name.clone(), "2".to_owned());
                assert!(!verify(&changed, key, SignType::Md5), "{name} changed");
                changed.remove(name);
                assert!(!verify(&changed, key, SignType::Md5), "{name} left out");
            }
        }
    }

    #[test]
    fn an_empty_key_verifies_nothing() {
        let mut fields = Fields::from([("a".to_owned(), "1".to_owned())]);
        fields.insert(SIGN.to_owned(), sign(&fields, "", SignType::Md5));
        assert!(!verify(&fields, "", SignType::Md5));
    }
}
