//! `RegUpdate`: the owner of a registration, or an administrator, changes the fields that are named.

use actors::domain::ids::RegistrationId;
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::envelope::Answer;
use super::{Command, caller, members, player};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let changer = caller::changer(command).await?;
    let id = members::id(&command.members, "reg_id")
        .and_then(|digits| RegistrationId::parse(&digits))
        .ok_or(DomainError::NotFound(Entity::Registration))?;
    // Null is absent; "" empties a text.
    let patch = player::fields(&command.members, "")?;
    registration::change(command.context, changer, id, patch).await?;
    Answer::ok(json!({}))
}
