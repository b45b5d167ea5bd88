//! Looking up what was registered.

use actors::domain::account::Account;
use actors::domain::ids::CompetitionId;
use actors::domain::registration::Certificate;
use actors::error::{DomainError, Entity, Result};

use crate::context::Context;
use crate::store::sql::games::{self, RaceOrder};

/// Orders on one page at the most.
pub const MOST_PER_PAGE: i64 = 100;

/// The caller's race orders, newest first; `page` counts from 0.
pub async fn orders_of(context: &Context, account: &Account, page: i64, size: i64) -> Result<Vec<RaceOrder>> {
    if !(1..=MOST_PER_PAGE).contains(&size) {
        return Err(DomainError::field("page_size", "1 to 100"));
    }
    if !(0..=1_000_000).contains(&page) {
        return Err(DomainError::field("page_no", "0 to 1000000"));
    }
    games::orders_of(&context.db, account.id, page * size, size).await
}

/// The order of the newest live registration of a certificate in a competition. Whoever asks must know the number, and
/// may ask only so often.
///
/// Errors: `NotFound(Competition)`, `RateLimited`.
pub async fn order_by_certificate(
    context: &Context,
    account: &Account,
    competition: CompetitionId,
    certificate: &Certificate,
) -> Result<Option<RaceOrder>> {
    context.limits.certificate_query(account.id)?;
    if !games::competition_exists(&context.db, competition).await? {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    let key = context.vault.lookup_key("certificate", certificate.lookup_text().as_bytes());
    games::order_by_certificate(&context.db, competition, &key).await
}
