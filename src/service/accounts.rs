//! Accounts and their sessions.

use std::sync::Arc;

use actors::domain::account::Account;
use actors::error::{DomainError, Result};

use crate::context::Context;

/// The account behind a session token (32 hex). Answered from a bounded cache for a few seconds, else from SQL.
///
/// Errors: `Unauthenticated` for a missing, malformed, unknown or stale token; `AccountDisabled`.
pub async fn authenticate(_context: &Context, _token: &str) -> Result<Arc<Account>> {
    Err(DomainError::Unauthenticated)
}
