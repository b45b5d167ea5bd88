//! `RegGetQueueToken`: players → a place in the game's line.

use actors::error::Result;
use serde::Serialize;

use super::envelope::Answer;
use super::query_token_state::{QueueState, describe};
use super::{Command, caller, members, player};
use crate::service::registration;

#[derive(Serialize)]
struct Members {
    token: String,
    #[serde(flatten)]
    state: QueueState,
}

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let drafts = player::drafts(&command.members)?;
    let game = members::game_id(&command.members)?;
    let ticket = registration::enqueue(command.context, &account, game, drafts).await?;
    let (state, msg) = describe(&ticket.state);
    Answer::saying(&msg, Members { token: ticket.token.unwrap_or_default(), state })
}
