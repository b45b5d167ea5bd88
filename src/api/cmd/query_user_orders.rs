//! `RegQueryUserOrders`: the caller's race orders, newest first.

use actors::domain::order::OrderStatus;
use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::api::times::rfc3339;
use crate::service::registration;

const PAGE_SIZE: i64 = 20;

/// 0 waiting, 1 paid, 2 cancelled, 3 refunded.
pub(super) fn pay_status(status: OrderStatus) -> u8 {
    match status {
        OrderStatus::Unpaid => 0,
        OrderStatus::Paid | OrderStatus::Refunding => 1,
        OrderStatus::Expired | OrderStatus::Cancelled | OrderStatus::Closed => 2,
        OrderStatus::Refunded => 3,
    }
}

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let page = members::optional_int(&command.members, "page_no", "")?.unwrap_or(0);
    let size = members::optional_int(&command.members, "page_size", "")?.unwrap_or(PAGE_SIZE);
    let orders = registration::orders_of(command.context, &account, page, size).await?;
    let orders: Vec<_> = orders
        .iter()
        .map(|order| {
            json!({
                "order_no": order.order_no,
                "party_id": order.competition.to_string(),
                "party_name": order.competition_title,
                "game_id": order.game.to_string(),
                "game_name": order.game_name,
                "apply_time": rfc3339(order.created_at),
                "pay_time": order.paid_at.map(rfc3339),
                "expire_time": rfc3339(order.expires_at),
                "price": order.total.yuan(),
                "refunded_count": order.refunded_count,
                "refunded_price": order.refunded.yuan(),
                "currency_type": order.currency_type,
                "pay_status": pay_status(order.status),
            })
        })
        .collect();
    Answer::ok(json!({"orders": orders}))
}
