//! One request to an outside service and its answer, bounded in time and size. Addresses may hold secrets and are never
//! logged.

use std::sync::Arc;
use std::time::Duration;

use actors::error::{DomainError, Provider, Result};
use bytes::{Bytes, BytesMut};
use reqwest::RequestBuilder;
use reqwest::redirect::Policy;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

const CONNECT_TIME: Duration = Duration::from_secs(3);
const TIME: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 * 1024;

/// The client of requests that leave this server: TLS with ring and Mozilla's roots, no redirects, because a signature is
/// for one address.
pub fn client() -> anyhow::Result<reqwest::Client> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls).connect_timeout(CONNECT_TIME);
    Ok(builder.timeout(TIME).redirect(Policy::none()).build()?)
}

/// The body of an answer, whatever its status below 500: these services tell a refusal in it.
///
/// Errors: `ProviderFailed`.
pub async fn exchange(provider: Provider, request: RequestBuilder) -> Result<Bytes> {
    let failed = DomainError::ProviderFailed(provider);
    let lost = |error: reqwest::Error| {
        tracing::warn!(?provider, error = %error.without_url(), "request");
        DomainError::ProviderFailed(provider)
    };
    let ask = async {
        let mut response = request.send().await.map_err(lost)?;
        if response.status().is_server_error() {
            tracing::warn!(?provider, status = %response.status(), "request");
            return Err(failed.clone());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > MOST_BYTES {
                tracing::warn!(?provider, "an answer is too large");
                return Err(failed.clone());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(TIME, ask).await.unwrap_or_else(|_| {
        tracing::warn!(?provider, "no answer in time");
        Err(failed.clone())
    })
}
