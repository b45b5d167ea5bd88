//! `RegQueryQueueTokenState`: where a token stands. The most frequent request of an opening: no database, no mailbox.

use std::borrow::Cow;

use actors::error::{DomainError, Result};
use serde::{Deserialize, Serialize};

use super::Command;
use super::envelope::Answer;
use crate::context::Context;
use crate::service::registration::{self, TokenState};

/// The members that say where a token stands, the same in the answer to `RegGetQueueToken`.
#[derive(Serialize)]
pub(super) struct QueueState {
    queue_state: u8,
    order_no: String,
    /// The place in the line, from 1; 0 when the token is decided.
    count: i64,
    query_interval: u32,
    /// Seconds until the decision as a range, when there is enough to tell.
    wait_seconds: Option<Wait>,
    wait_known: bool,
}

#[derive(Serialize)]
struct Wait {
    low: u32,
    high: u32,
}

pub(super) fn describe(state: &TokenState) -> (QueueState, Cow<'static, str>) {
    let (queue_state, order_no, count, msg): (u8, String, i64, Cow<'static, str>) = match state {
        TokenState::Waiting { place } => (0, String::new(), *place, "".into()),
        TokenState::Ordered(order_no) => (1, order_no.to_string(), 0, "".into()),
        TokenState::Full => (2, String::new(), 0, "报名名额已满".into()),
        TokenState::Failed => (3, String::new(), 0, "报名处理失败，请重新提交".into()),
        TokenState::AlreadyRegistered(Some(earlier)) => {
            (4, String::new(), 0, format!("选手已报名，订单号 {earlier}").into())
        }
        TokenState::AlreadyRegistered(None) => (4, String::new(), 0, "选手已报名".into()),
    };
    let decided = queue_state != 0;
    let members = QueueState {
        queue_state,
        order_no,
        count,
        query_interval: state.poll_interval_seconds(),
        wait_seconds: decided.then_some(Wait { low: 0, high: 0 }),
        wait_known: decided,
    };
    (members, msg)
}

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let token = command.members.get("token").and_then(|token| token.as_str()).ok_or(DomainError::InvalidQueueToken)?;
    state_of(command.context, token).await
}

async fn state_of(context: &Context, token: &str) -> Result<Answer> {
    let state = registration::token_state(context, token).await?;
    let (members, msg) = describe(&state);
    Answer::saying(&msg, members)
}

/// A poll as nearly every client sends it, read without building a tree of its members.
#[derive(Deserialize)]
struct PlainPoll<'a> {
    cmd: &'a str,
    token: &'a str,
}

/// Answers a body that is a poll in its plainest form; `None` leaves it to the general way, which answers the same.
pub(super) async fn answer_plain(context: &Context, body: &[u8]) -> Option<Result<Answer>> {
    // A poll is about 90 bytes; anything much longer is another command.
    const LONGEST: usize = 160;
    if body.len() > LONGEST {
        return None;
    }
    let poll: PlainPoll<'_> = serde_json::from_slice(body).ok()?;
    if poll.cmd != "RegQueryQueueTokenState" {
        return None;
    }
    Some(state_of(context, poll.token).await)
}
