//! `RegSetAllGamesLimitation`: an administrator sets the places of many games, all or none.

use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use serde_json::{Value, json};

use super::envelope::Answer;
use super::{Command, caller, members};
use crate::service::registration::{self, MOST_ENTRIES, PlacesEntry};

pub(super) async fn answer(command: &Command<'_>) -> Result<Answer> {
    let admin = caller::places_admin(command).await?;
    let Some(Value::Array(balances)) = command.members.get("balances") else {
        return Err(DomainError::field("balances", "must be an array"));
    };
    if balances.len() > MOST_ENTRIES {
        return Err(DomainError::field("balances", format!("1 to {MOST_ENTRIES} games")));
    }
    let mut entries = Vec::with_capacity(balances.len());
    for (index, entry) in balances.iter().enumerate() {
        let Value::Object(fields) = entry else {
            return Err(DomainError::field(format!("balances[{index}]"), "must be an object"));
        };
        let path = format!("balances[{index}].");
        let Some(game) = members::id(fields, "game_id").and_then(|digits| GameId::parse(&digits)) else {
            return unknown_game(index);
        };
        let limitation = members::int(fields, "limitation", &path)?;
        let balance = members::optional_int(fields, "balance", &path)?;
        entries.push(PlacesEntry { game, limitation, balance });
    }
    match registration::set_all_places(command.context, &admin, entries).await {
        Ok(()) => Answer::ok(json!({})),
        Err((DomainError::NotFound(Entity::Game), Some(index))) => unknown_game(index),
        Err((error, _)) => Err(error),
    }
}

/// -10 with the entry that is meant, which the fact alone does not say.
fn unknown_game(index: usize) -> Result<Answer> {
    Answer::refused(&DomainError::NotFound(Entity::Game), &format!("balances[{index}].game_id: unknown game"))
}
