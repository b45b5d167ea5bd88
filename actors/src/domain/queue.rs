//! What is told of a queue token, the same in every dialect.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;

/// Where a token stands, under the names that clients know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueStanding {
    /// 0 waiting, 1 an order was made, 2 full, 3 failed, 4 somebody is registered already.
    pub queue_state: u8,
    pub order_no: String,
    /// The place in the line or on the wait-list, from 1; 0 before the opening and when the token is decided.
    pub count: i64,
    /// Seconds until it makes sense to ask again; 0 when there is nothing more to wait for.
    pub query_interval: u32,
    /// Seconds until the decision as a range, when there is enough to tell.
    pub wait_seconds: Option<Wait>,
    pub wait_known: bool,
    pub phase: Phase,
    /// The organiser's message to all who wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<Arc<str>>,
    /// Why the place changed, where changes are pushed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// A text for people. Not a member: each dialect has its own place for it.
    #[serde(skip)]
    pub msg: Cow<'static, str>,
}

/// Where in its life a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The line is not opened, or its places are not drawn yet: `count` is 0.
    BeforeOpening,
    Line,
    /// The game is full; places that come free are offered in the order of the list.
    WaitList,
    Decided,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Those ahead were decided.
    Decided,
    /// More moved up than were decided: some ahead left.
    Left,
    /// The line was opened and its order drawn.
    Opened,
    /// No place was free: on the wait-list now.
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Wait {
    pub low: u32,
    pub high: u32,
}

impl QueueStanding {
    /// Nothing changes any more.
    pub fn is_decided(&self) -> bool {
        self.queue_state != 0
    }
}
