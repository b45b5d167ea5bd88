//! `QueryRegStateByCert`: whether a person is registered in a party.

use actors::domain::registration::{Certificate, CertificateType};
use actors::error::{DomainError, Result};
use serde_json::json;

use super::envelope::Answer;
use super::query_user_orders::pay_status;
use super::{Command, caller, members};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let kind = members::int(&command.members, "certificate_type", "")?;
    let kind = CertificateType::new(kind).ok_or_else(|| DomainError::field("certificate_type", "must be -1 to 5"))?;
    let number = members::optional_text(&command.members, "certificate_no", "")?.unwrap_or_default();
    let certificate = Certificate::new(kind, number).map_err(|reason| DomainError::field("certificate_no", reason))?;
    let party = members::party_id(&command.members)?;
    let order = registration::order_by_certificate(command.context, &account, party, &certificate).await?;
    let order_info = order.map(|order| {
        json!({
            "order_no": order.order_no,
            "game_name": order.game_name,
            "pay_status": pay_status(order.status),
            "currency_type": order.currency_type,
            "price": order.total.yuan(),
            "refunded_count": order.refunded_count,
            "refunded_price": order.refunded.yuan(),
        })
    });
    Answer::ok(json!({"order_info": order_info}))
}
