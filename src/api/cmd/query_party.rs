//! `RegQueryPartyRegState`: how many players each game of a party has.

use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    caller::account(command).await?;
    let party = members::party_id(&command.members)?;
    let games = registration::party_state(command.context, party).await?;
    let games: Vec<_> = games
        .iter()
        .map(|game| {
            json!({
                "game_id": game.game.to_string(),
                "name": game.name,
                "payed_player_count": game.paid,
                "wait_pay_player_count": game.unpaid,
            })
        })
        .collect();
    Answer::ok(json!({"games": games}))
}
