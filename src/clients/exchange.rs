//! One request to an outside service and its answer, bounded in time and size. Addresses may hold secrets and are never
//! logged.

use std::time::Duration;

use actors::error::{DomainError, Provider, Result};
use bytes::{Bytes, BytesMut};
use reqwest::RequestBuilder;

const TIME: Duration = Duration::from_secs(5);
const MOST_BYTES: usize = 256 * 1024;

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
