//! `RegGetGameLimitationInfo`: a game's places, for administrators.

use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    caller::any_admin(command).await?;
    let game = members::game_id(&command.members)?;
    let places = registration::places(command.context, game).await?;
    Answer::ok(json!({"limitation": places.limitation, "balance": places.balance}))
}
