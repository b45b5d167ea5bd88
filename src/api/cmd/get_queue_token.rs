//! `RegGetQueueToken`: players → a place in the game's line.

use actors::domain::queue::QueueStanding;
use actors::error::Result;
use serde::Serialize;

use super::envelope::Answer;
use super::{Command, caller, members, player};
use crate::service::registration::{self, Ticket};

#[derive(Serialize)]
struct Members<'a> {
    token: String,
    #[serde(flatten)]
    standing: &'a QueueStanding,
}

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let drafts = player::drafts(&command.members)?;
    let game = members::game_id(&command.members)?;
    ticket_answer(registration::enqueue(command.context, &account, game, drafts).await?)
}

pub(super) fn ticket_answer(ticket: Ticket) -> Result<Answer> {
    let standing = &ticket.standing;
    Answer::saying(&standing.msg, Members { token: ticket.token.unwrap_or_default(), standing })
}
