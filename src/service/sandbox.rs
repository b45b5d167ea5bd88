//! The sandbox payment provider's payer: pays an order and tells our own notify address, as the real provider would.

use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity, Provider, Result};
use sha2::{Digest, Sha256};

use crate::clients::outgoing::Limits;
use crate::clients::wechat::notice::{self, PaidNotice};
use crate::clients::wechat::pay::SANDBOX;
use crate::clients::wechat::xml;
use crate::context::Context;
use crate::store::sql::{accounts, payments};

const NOTIFY_PATH: &str = "/api/v1/pay/notify";

/// Pays the whole order and answers the transaction's id once the notice was taken. An order is one transaction here:
/// paying again sends the same notice again, as the provider does when it was not sure.
///
/// Errors: `NotFound(Route)` while the sandbox is off, `NotFound(Order)`, `OrderState` when our side refused the notice,
/// `ProviderFailed(Payment)` when it could not be delivered.
pub async fn pay(context: &Context, order_no: &OrderNo) -> Result<String> {
    let undeliverable = DomainError::ProviderFailed(Provider::Payment);
    let outside = &context.outside;
    let merchant = match &outside.merchant {
        Some(merchant) if outside.payments.name() == SANDBOX => merchant,
        _ => return Err(DomainError::NotFound(Entity::Route)),
    };
    let order = payments::order_by_no(&context.db, order_no).await?.ok_or(DomainError::NotFound(Entity::Order))?;
    let payer = accounts::openid(&context.db, order.account).await?.unwrap_or_else(|| "sandbox-payer".to_owned());
    let (transaction_id, amount) = (transaction_of(order_no), order.total);
    let paid = PaidNotice { transaction_id, order_no: order.order_no, amount, payer };
    let fields = notice::compose(merchant, &paid, context.db.now_ms());
    let address = outside.own_address().ok_or(DomainError::BUSY)?;
    let response = outside
        .loopback
        .post(format!("http://{address}{NOTIFY_PATH}"))
        .header("content-type", "text/xml")
        .body(notice::seal(merchant, fields))
        .timeout(Limits::USUAL.time)
        .send()
        .await
        .map_err(|error| {
            tracing::warn!(%error, "sandbox notice");
            undeliverable.clone()
        })?;
    let reply = response.bytes().await.map_err(|_| undeliverable.clone())?;
    let reply = xml::parse(&reply).map_err(|_| undeliverable)?;
    match reply.get("return_code").map(String::as_str) {
        Some("SUCCESS") => Ok(paid.transaction_id),
        _ => Err(DomainError::OrderState),
    }
}

/// 28 characters, always the same for an order.
fn transaction_of(order_no: &OrderNo) -> String {
    let hash = Sha256::digest(order_no.as_str().as_bytes());
    format!("4200{}", hex::encode(&hash[..12]))
}
