//! `RegQueryOrder`: the registrations of an own order.

use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::query_user_orders::pay_status;
use super::{Command, caller, members};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let order_no = members::order_no(&command.members)?;
    let (order, registrations) = registration::registrations_of(command.context, &account, &order_no).await?;
    let registrations: Vec<_> = registrations
        .iter()
        .map(|it| {
            json!({
                "reg_id": it.id.to_string(),
                "game_id": order.game.to_string(),
                "game_name": order.game_name,
                "player_id": it.player.to_string(),
                "player_name": it.player_name,
                "pay_status": pay_status(it.status),
            })
        })
        .collect();
    Answer::ok(json!({"registrations": registrations}))
}
