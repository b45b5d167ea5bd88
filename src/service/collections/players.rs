//! Players as administrators see them: masked in lists, opened one by one for who may take the file of a game anyway.
//! Opening one is in the audit trail, as taking a file is.

use actors::domain::account::{Admin, Role};
use actors::domain::phone;
use actors::domain::registration::{Certificate, CertificateType, Player};
use actors::error::{DomainError, Entity, Result};
use serde::Serialize;
use serde_json::Value as Json;

use crate::context::Context;
use crate::service::people;
use crate::store::sql::collections::Page;
use crate::store::sql::collections::players::{self as store, PlayerRow, RegistrationRow};
use crate::store::sql::collections::wire::Time;
use crate::vault::Vault;

/// As lists and most eyes see a player. What is not known, because no registration of theirs counts, is null.
#[derive(Debug, Serialize)]
pub struct MaskedPlayer {
    pub id: i64,
    pub name: Option<String>,
    pub certificate_type: Option<i64>,
    pub certificate_no: Option<String>,
    pub mobile: Option<String>,
    /// Registrations that are not over.
    pub registrations: usize,
    pub create_time: Time,
}

/// One player with the registrations, newest first.
#[derive(Debug, Serialize)]
pub struct PlayerRecord {
    #[serde(flatten)]
    pub player: MaskedPlayer,
    /// All fields of the newest registration, for owners and editors.
    pub fields: Option<Json>,
    pub history: Vec<RegistrationRow>,
}

pub(super) fn open(vault: &Vault, id: i64, sealed: &str) -> Option<Player> {
    let player = vault.open(sealed).ok().and_then(|text| serde_json::from_str(&text).ok());
    if player.is_none() {
        tracing::error!(player = id, "a stored player cannot be read");
    }
    player
}

/// `林**`: who is asked for by name is recognised, who reads over a shoulder learns little.
pub(super) fn masked_name(name: &str) -> String {
    name.chars().enumerate().map(|(at, letter)| if at == 0 { letter } else { '*' }).collect()
}

fn masked(row: &PlayerRow, player: Option<&Player>) -> MaskedPlayer {
    MaskedPlayer {
        id: row.id,
        name: player.map(|player| masked_name(&player.name)),
        certificate_type: player.map(|player| player.certificate_type.code()),
        certificate_no: player.map(|player| phone::masked(&player.certificate_no)),
        mobile: player.map(|player| phone::masked(&player.mobile)),
        registrations: row.live.len(),
        create_time: Time(row.created_at),
    }
}

fn listed(vault: &Vault, row: &PlayerRow) -> MaskedPlayer {
    let player = row.live.last().and_then(|sealed| open(vault, row.id, sealed));
    masked(row, player.as_ref())
}

/// Whole certificate numbers are found, however they are written and whatever their type, and whole ids; names are
/// sealed. Empty finds everybody. `page` counts from 1.
pub async fn page(context: &Context, search: &str, page: i64, size: i64) -> Result<Page<MaskedPlayer>> {
    let offset = (page - 1).saturating_mul(size);
    let search = search.trim();
    let found = if search.is_empty() {
        store::page(&context.db, size, offset).await?
    } else {
        let mut rows = store::by_keys(&context.db, &keys(&context.vault, search)).await?;
        if let Ok(id) = search.parse()
            && rows.iter().all(|row| row.id != id)
        {
            rows.extend(store::one(&context.db, id).await?);
        }
        let total = i64::try_from(rows.len()).map_err(|_| DomainError::Internal)?;
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        let shown = usize::try_from(size).unwrap_or(usize::MAX);
        Page { total, rows: rows.into_iter().skip(skipped).take(shown).collect() }
    };
    Ok(Page { total: found.total, rows: found.rows.iter().map(|row| listed(&context.vault, row)).collect() })
}

/// What a number is found by as a certificate of each type.
fn keys(vault: &Vault, number: &str) -> Vec<String> {
    let certificates = (-1..=5).filter_map(|code| Certificate::new(CertificateType::new(code)?, number).ok());
    certificates.map(|it| vault.lookup_key("certificate", it.lookup_text().as_bytes())).collect()
}

/// Errors: `NotFound`.
pub async fn one(context: &Context, admin: &Admin, id: i64) -> Result<PlayerRecord> {
    let row = store::one(&context.db, id).await?.ok_or(DomainError::NotFound(Entity::Item))?;
    let history = store::registrations_of(&context.db, id).await?;
    let newest = row.live.last().or_else(|| history.first().map(|registration| &registration.player_sealed));
    let player = newest.and_then(|sealed| open(&context.vault, id, sealed));
    let in_full = matches!(admin.role, Role::Owner | Role::Editor);
    let fields = match &player {
        Some(player) if in_full => {
            // Before it leaves.
            people::record(&context.db, Some(admin), "open", "players", id, None).await?;
            let mut fields = serde_json::to_value(player).map_err(|_| DomainError::Internal)?;
            fields["gender"] = player.gender.code().into();
            Some(fields)
        }
        _ => None,
    };
    Ok(PlayerRecord { player: masked(&row, player.as_ref()), fields, history })
}

#[cfg(test)]
mod tests {
    use super::masked_name;

    #[test]
    fn names_keep_their_first_letter() {
        assert_eq!(["", "林", "林晓峰", "Ann Li"].map(masked_name), ["", "林", "林**", "A*****"]);
    }
}
