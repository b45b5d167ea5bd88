//! `RegAskRefund`: an own order, or one registration of it, is given back.

use actors::domain::ids::RegistrationId;
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::refunds;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let account = caller::account(command).await?;
    let order_no = members::order_no(&command.members)?;
    // A member without a value is a client's mistake. Taking it for none would give the whole order back.
    match command.members.get("reg_id") {
        None => refunds::ask(command.context, &account, &order_no).await?,
        Some(_) => {
            let registration = members::id(&command.members, "reg_id").and_then(|id| RegistrationId::parse(&id));
            let registration = registration.ok_or(DomainError::NotFound(Entity::Registration))?;
            refunds::ask_one(command.context, &account, &order_no, registration).await?;
        }
    }
    Answer::ok(json!({}))
}
