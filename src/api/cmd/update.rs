//! `RegUpdate`: the owner of a registration, or an administrator, changes the fields that are named.

use actors::domain::ids::RegistrationId;
use actors::domain::player_patch::PlayerPatch;
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::envelope::Answer;
use super::members::{optional_int, optional_text};
use super::{Command, caller, members, player};
use crate::service::registration;

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let changer = caller::changer(command).await?;
    let id = members::id(&command.members, "reg_id")
        .and_then(|digits| RegistrationId::parse(&digits))
        .ok_or(DomainError::NotFound(Entity::Registration))?;
    registration::change(command.context, changer, id, patch(command)?).await?;
    Answer::ok(json!({}))
}

/// Null is absent; "" empties a text.
fn patch(command: &Command<'_>) -> Result<PlayerPatch> {
    let members = &command.members;
    let text = |name: &str| Ok::<_, DomainError>(optional_text(members, name, "")?.map(str::to_owned));
    Ok(PlayerPatch {
        name: text("name")?,
        certificate_type: optional_int(members, "certificate_type", "")?,
        certificate_no: text("certificate_no")?,
        mobile: text("mobile")?,
        email: text("email")?,
        country: text("country")?,
        province: text("province")?,
        city: text("city")?,
        address1: text("address1")?,
        address2: text("address2")?,
        zip: text("zip")?,
        gender: optional_int(members, "gender", "")?,
        birth_date: text("birth_date")?,
        emergency_contact_name: text("emergency_contact_name")?,
        emergency_contact_mobile: text("emergency_contact_mobile")?,
        t_shirt_size: player::shirt_size(members, "")?,
        extra_info_json: text("extra_info_json")?,
    })
}
