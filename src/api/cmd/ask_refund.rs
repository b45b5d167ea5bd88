//! `RegAskRefund`: an own order is given back.

use actors::error::Result;
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::refunds;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let order_no = members::order_no(&command.members)?;
    refunds::ask(command.context, &account, &order_no).await?;
    Answer::ok(json!({}))
}
