//! `RegSetGameLimitation`: an administrator sets a game's places.

use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let admin = caller::places_admin(command).await?;
    let game = members::game_id(&command.members)?;
    let limitation = members::int(&command.members, "limitation", "")?;
    let balance = members::optional_int(&command.members, "balance", "")?;
    registration::set_places(command.context, &admin, game, limitation, balance).await?;
    Answer::ok(json!({}))
}
