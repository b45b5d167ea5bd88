//! RSA-SHA256 (PKCS#1 v1.5) as v3 of WeChat payment signs: our key, and what the provider's signatures are checked with.

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use webpki::ring::RSA_PKCS1_2048_8192_SHA256;
use webpki::{EndEntityCert, RawPublicKeyEntity};

/// Our private key.
pub struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// Errors: not a PEM of an RSA key of 2048 bits or more.
    pub fn from_pem(pem: &str) -> anyhow::Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).context("the private key is not PEM")?;
        let pair = match &key {
            PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            _ => anyhow::bail!("the private key is not an RSA key"),
        };
        pair.map(Self).map_err(|reason| anyhow::anyhow!("the private key is not usable: {reason}"))
    }

    /// The signature in base64. None: the system gave no randomness.
    pub fn sign(&self, message: &str) -> Option<String> {
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).ok()?;
        Some(STANDARD.encode(signature))
    }
}

/// What a signature is checked with.
pub enum VerifyingKey {
    Certificate(CertificateDer<'static>),
    Key(SubjectPublicKeyInfoDer<'static>),
}

impl VerifyingKey {
    /// Errors: not a PEM of an X.509 certificate.
    pub fn from_certificate(pem: &str) -> anyhow::Result<Self> {
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).context("the certificate is not PEM")?;
        EndEntityCert::try_from(&certificate).map_err(|reason| anyhow::anyhow!("not a certificate: {reason}"))?;
        Ok(Self::Certificate(certificate))
    }

    /// Errors: not a PEM of a public key.
    pub fn from_public_key(pem: &str) -> anyhow::Result<Self> {
        let key = SubjectPublicKeyInfoDer::from_pem_slice(pem.as_bytes()).context("the public key is not PEM")?;
        RawPublicKeyEntity::try_from(&key).map_err(|reason| anyhow::anyhow!("not a public key: {reason}"))?;
        Ok(Self::Key(key))
    }

    /// `signature` in base64.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let verified = match self {
            Self::Certificate(der) => EndEntityCert::try_from(der)
                .and_then(|it| it.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, &signature)),
            Self::Key(der) => RawPublicKeyEntity::try_from(der)
                .and_then(|it| it.verify_signature(RSA_PKCS1_2048_8192_SHA256, message, &signature)),
        };
        verified.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../../tests/support/wechat_keys/merchant.key.pem");
    const CERTIFICATE: &str = include_str!("../../../tests/support/wechat_keys/merchant.cert.pem");
    const OTHER: &str = include_str!("../../../tests/support/wechat_keys/platform1.cert.pem");

    #[test]
    fn published_signature_of_a_page() {
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../tests/vectors/wechat.json")).unwrap();
        let v3 = &file["vectors"]["v3"];
        let key = VerifyingKey::from_public_key(v3["public_key_pem"].as_str().unwrap()).unwrap();
        let text = |name: &str| v3["jsapi_pay"][name].as_str().unwrap();
        let signature = text("paySign");
        assert!(key.verifies(text("message").as_bytes(), signature));
        assert!(!key.verifies(text("message").trim_end().as_bytes(), signature));
        assert!(!key.verifies(text("message").as_bytes(), "AAAA"));
        assert!(!key.verifies(text("message").as_bytes(), "not base64!"));
    }

    #[test]
    fn what_our_key_signs_its_certificate_verifies_and_no_other() {
        let signature = SigningKey::from_pem(KEY).unwrap().sign("GET\n/v3\n").unwrap();
        let own = VerifyingKey::from_certificate(CERTIFICATE).unwrap();
        assert!(own.verifies(b"GET\n/v3\n", &signature));
        assert!(!own.verifies(b"GET\n/v4\n", &signature));
        assert!(!VerifyingKey::from_certificate(OTHER).unwrap().verifies(b"GET\n/v3\n", &signature));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "x", CERTIFICATE] {
            assert!(SigningKey::from_pem(text).is_err());
        }
        assert!(VerifyingKey::from_certificate(KEY).is_err());
        assert!(VerifyingKey::from_public_key(CERTIFICATE).is_err());
    }
}
