//! `players[i]` as it comes over the wire. Absent optional texts are "".

use actors::domain::player_patch::PlayerPatch;
use actors::domain::registration::{MOST_PLAYERS, PlayerDraft, parse_shirt_size};
use actors::error::{DomainError, Result};
use serde_json::{Map, Value};

use super::members::{int, optional_int, optional_text};

pub(super) fn drafts(members: &Map<String, Value>) -> Result<Vec<PlayerDraft>> {
    let Some(Value::Array(players)) = members.get("players") else {
        return Err(DomainError::field("players", "must be an array"));
    };
    if players.is_empty() || players.len() > MOST_PLAYERS {
        return Err(DomainError::field("players", "1 to 100 players"));
    }
    players.iter().enumerate().map(|(index, player)| draft(player, index)).collect()
}

/// A player's members, each absent or null as `None`. `path` goes before their names in errors.
pub(super) fn fields(members: &Map<String, Value>, path: &str) -> Result<PlayerPatch> {
    let text = |name: &str| Ok::<_, DomainError>(optional_text(members, name, path)?.map(str::to_owned));
    Ok(PlayerPatch {
        name: text("name")?,
        certificate_type: optional_int(members, "certificate_type", path)?,
        certificate_no: text("certificate_no")?,
        mobile: text("mobile")?,
        email: text("email")?,
        country: text("country")?,
        province: text("province")?,
        city: text("city")?,
        address1: text("address1")?,
        address2: text("address2")?,
        zip: text("zip")?,
        gender: optional_int(members, "gender", path)?,
        birth_date: text("birth_date")?,
        emergency_contact_name: text("emergency_contact_name")?,
        emergency_contact_mobile: text("emergency_contact_mobile")?,
        t_shirt_size: shirt_size(members, path)?,
        extra_info_json: text("extra_info_json")?,
    })
}

/// Letters or a number; absent or null is `None`.
fn shirt_size(fields: &Map<String, Value>, path: &str) -> Result<Option<i64>> {
    match fields.get("t_shirt_size") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(letters)) => parse_shirt_size(letters)
            .map(Some)
            .ok_or_else(|| DomainError::field(format!("{path}t_shirt_size"), "must be 0 to 8 or XXS to XXXL")),
        Some(_) => int(fields, "t_shirt_size", path).map(Some),
    }
}

fn draft(player: &Value, index: usize) -> Result<PlayerDraft> {
    let Value::Object(fields) = player else {
        return Err(DomainError::field(format!("players[{index}]"), "must be an object"));
    };
    let path = format!("players[{index}].");
    let named = self::fields(fields, &path)?;
    for (name, number) in [("certificate_type", named.certificate_type), ("gender", named.gender)] {
        if number.is_none() {
            return Err(DomainError::field(format!("{path}{name}"), "is required"));
        }
    }
    Ok(named.over(PlayerDraft::default()))
}
