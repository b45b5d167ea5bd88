//! `RegQueryQueueTokenState`: where a token stands. The most frequent request of an opening: no database, no mailbox.

use actors::error::{DomainError, Result};

use super::Command;
use super::envelope::Answer;
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let token = command.members.get("token").and_then(|token| token.as_str()).ok_or(DomainError::InvalidQueueToken)?;
    let standing = registration::token_state(command.context, token).await?.standing();
    Answer::saying(&standing.msg, &standing)
}
