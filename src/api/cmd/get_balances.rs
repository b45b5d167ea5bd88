//! `RegGetAllGamesBalanceInfo`: what is left in every game that takes registrations now.

use actors::error::{DomainError, Result};
use serde_json::json;

use super::Command;
use super::caller;
use super::envelope::Answer;
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    match caller::any_admin(command).await {
        Ok(_) => (),
        Err(DomainError::Unauthenticated) => drop(caller::account(command).await?),
        Err(error) => return Err(error),
    }
    let places = registration::all_places(command.context).await?;
    let balances: Vec<_> = places
        .iter()
        .map(|it| json!({"game_id": it.game.to_string(), "limitation": it.limitation, "balance": it.balance}))
        .collect();
    Answer::ok(json!({"balances": balances}))
}
