//! Looking up what was registered.

use actors::domain::account::Account;
use actors::domain::ids::{CompetitionId, PlayerId, RegistrationId};
use actors::domain::order::{OrderNo, OrderStatus};
use actors::domain::registration::Certificate;
use actors::error::{DomainError, Entity, Result};

use super::sealed;
use crate::context::Context;
use crate::store::sql::games::{self, RaceOrder};
use crate::store::sql::payments;
use crate::store::sql::registrations::{self, GameState};

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
    context.limits.certificate_query(account.id).await?;
    if !games::competition_exists(&context.db, competition).await? {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    let key = sealed::certificate_key(&context.vault, certificate);
    games::order_by_certificate(&context.db, competition, &key).await
}

/// A registration as its order's owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderRegistration {
    pub id: RegistrationId,
    pub player: PlayerId,
    /// How it stands: as its order, unless it was given back alone.
    pub status: OrderStatus,
    /// Empty when the person's data is gone.
    pub player_name: String,
}

/// An own race order with all its registrations, by id.
///
/// Errors: `NotFound(Order)`, also for somebody else's.
pub async fn registrations_of(
    context: &Context,
    account: &Account,
    order_no: &OrderNo,
) -> Result<(RaceOrder, Vec<OrderRegistration>)> {
    let unknown = DomainError::NotFound(Entity::Order);
    let own = payments::order_by_no(&context.db, order_no)
        .await?
        .filter(|order| order.account == account.id)
        .ok_or(unknown.clone())?;
    let order = games::race_order(&context.db, own.id).await?.ok_or(unknown)?;
    let registrations = registrations::of_order(&context.db, own.id)
        .await?
        .into_iter()
        .map(|it| OrderRegistration {
            id: it.id,
            player: it.player,
            status: order.status.of_registration(it.live, it.refunded.is_some()),
            player_name: sealed::open(&context.vault, &it).map(|player| player.name).unwrap_or_default(),
        })
        .collect();
    Ok((order, registrations))
}

/// How many players of each game of a competition are paid and wait for their payment.
///
/// Errors: `NotFound(Competition)`.
pub async fn party_state(context: &Context, competition: CompetitionId) -> Result<Vec<GameState>> {
    if !games::competition_exists(&context.db, competition).await? {
        return Err(DomainError::NotFound(Entity::Competition));
    }
    Ok(registrations::state_of(&context.db, competition).await?)
}
