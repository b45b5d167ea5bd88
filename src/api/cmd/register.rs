//! `RegRegistration`: players → an order in one call, when the line is short enough; or waiting for a token's outcome.

use actors::error::{DomainError, Result};

use super::envelope::Answer;
use super::get_queue_token::ticket_answer;
use super::{Command, caller, members, player};
use crate::service::registration::{self, Ticket};

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let ticket = match members::present(&command.members, "token") {
        Some(token) => wait(command, token).await?,
        None => register(command).await?,
    };
    ticket_answer(ticket)
}

async fn wait(command: &Command<'_>, token: &serde_json::Value) -> Result<Ticket> {
    if members::present(&command.members, "players").is_some() {
        return Err(DomainError::field("players", "either players or a token"));
    }
    let token = token.as_str().ok_or(DomainError::InvalidQueueToken)?;
    let standing = registration::wait_for_outcome(command.context, token).await?;
    Ok(Ticket { token: Some(token.to_owned()), standing })
}

async fn register(command: &Command<'_>) -> Result<Ticket> {
    // This command's `token` is a queue token, so a session comes in a header.
    let account = caller::account_by_header(command).await?;
    let drafts = player::drafts(&command.members)?;
    let game = members::game_id(&command.members)?;
    registration::register(command.context, &account, game, drafts).await
}
