//! Administrators and their sessions.

use actors::domain::account::Admin;
use actors::error::{DomainError, Result};

use crate::context::Context;

/// The administrator behind a bearer token.
///
/// Errors: `Unauthenticated`.
pub async fn authenticate(_context: &Context, _bearer: &str) -> Result<Admin> {
    Err(DomainError::Unauthenticated)
}
