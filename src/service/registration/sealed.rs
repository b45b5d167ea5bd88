//! A player as a registration keeps him: JSON, sealed.

use actors::domain::registration::{Certificate, Player};
use actors::error::{DomainError, Result};

use crate::store::sql::registrations::Registration;
use crate::vault::Vault;

pub(super) fn seal(vault: &Vault, player: &Player) -> Result<String> {
    let text = serde_json::to_string(player).map_err(|error| {
        tracing::error!(%error, "a player cannot be written as JSON");
        DomainError::Internal
    })?;
    Ok(vault.seal(&text))
}

/// `None`: the fields are gone, or cannot be read, which is logged.
pub(super) fn open(vault: &Vault, registration: &Registration) -> Option<Player> {
    if registration.player_sealed.is_empty() {
        return None;
    }
    let player = vault.open(&registration.player_sealed).ok().and_then(|text| serde_json::from_str(&text).ok());
    if player.is_none() {
        tracing::error!(registration_id = registration.id.0, "a player cannot be read");
    }
    player
}

/// What a certificate is found by.
pub(super) fn certificate_key(vault: &Vault, certificate: &Certificate) -> String {
    vault.lookup_key("certificate", certificate.lookup_text().as_bytes())
}
