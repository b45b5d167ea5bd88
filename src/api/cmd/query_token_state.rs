//! `RegQueryQueueTokenState`: where a token stands. The most frequent request of an opening: no database, no mailbox.

use actors::error::{DomainError, Result};
use serde::Deserialize;

use super::Command;
use super::envelope::Answer;
use crate::byte_order_mark;
use crate::context::Context;
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let token = command.members.get("token").and_then(|token| token.as_str()).ok_or(DomainError::InvalidQueueToken)?;
    state_of(command.context, token).await
}

async fn state_of(context: &Context, token: &str) -> Result<Answer> {
    let standing = registration::token_standing(context, token).await?;
    Answer::saying(&standing.msg, &standing)
}

/// A poll as nearly every client sends it, read without building a tree of its members.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainPoll<'a> {
    cmd: &'a str,
    token: &'a str,
}

/// The token of a body that is a poll in its plainest form; `None` leaves it to the general way, which reads the same.
pub fn plain_poll(body: &[u8]) -> Option<&str> {
    // A poll is about 90 bytes; anything much longer is another command.
    const LONGEST: usize = 160;
    if body.len() > LONGEST {
        return None;
    }
    let poll: PlainPoll<'_> = serde_json::from_slice(byte_order_mark::without(body)).ok()?;
    (poll.cmd == "RegQueryQueueTokenState").then_some(poll.token)
}

pub(super) async fn answer_plain(context: &Context, body: &[u8]) -> Option<Result<Answer>> {
    Some(state_of(context, plain_poll(body)?).await)
}
