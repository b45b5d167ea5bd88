//! TLS of requests that leave this server: ring, the roots of Mozilla's list, and our certificate where a provider asks
//! who we are.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::crypto::ring as provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Our certificate and its key, both PEM.
pub struct Identity<'p> {
    pub certificate: &'p str,
    pub private_key: &'p str,
}

/// Makes ring the provider of every TLS client of this process that names none.
pub fn use_ring() {
    // The first one stays; a second call changes nothing.
    let _ = provider::default_provider().install_default();
}

/// Errors: a certificate or key that cannot be read or do not belong together.
pub fn config(identity: Option<&Identity<'_>>) -> anyhow::Result<ClientConfig> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let Some(identity) = identity else { return Ok(builder.with_no_client_auth()) };
    let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes())
        .collect::<Result<_, _>>()
        .context("the certificate is not PEM")?;
    anyhow::ensure!(!chain.is_empty(), "the certificate is not PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.private_key.as_bytes()).context("the private key is not PEM")?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = include_str!("../../tests/support/wechat_keys/merchant.key.pem");
    const CERTIFICATE: &str = include_str!("../../tests/support/wechat_keys/merchant.cert.pem");
    const OTHER: &str = include_str!("../../tests/support/wechat_keys/platform1.cert.pem");

    #[test]
    fn an_identity_is_a_certificate_with_its_own_key() {
        let with = |certificate, private_key| config(Some(&Identity { certificate, private_key })).is_ok();
        assert!(config(None).is_ok());
        assert!(with(CERTIFICATE, KEY));
        for (certificate, key) in [("", KEY), (CERTIFICATE, ""), ("x", "y"), (OTHER, KEY)] {
            assert!(!with(certificate, key));
        }
    }
}
