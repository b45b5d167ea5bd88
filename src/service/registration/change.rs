//! Changing what was registered: the sealed copy of a player's fields, and once the certificate it stands for.

use actors::domain::account::{Account, Admin};
use actors::domain::game::{Game, beijing_date};
use actors::domain::ids::RegistrationId;
use actors::domain::player_patch::PlayerPatch;
use actors::domain::registration::Player;
use actors::error::{DomainError, Entity, Result};
use serde_json::json;

use super::sealed;
use crate::context::Context;
use crate::store::sql::db::{StoreError, Tx};
use crate::store::sql::registrations::{self as store, Registration};
use crate::store::sql::{audit, quota};
use crate::vault::Vault;

/// Who changes.
#[derive(Debug, Clone)]
pub enum Changer {
    Owner(Account),
    Admin(Admin),
}

/// Changes the named fields of a live registration; the player that comes out is checked like a new one.
///
/// Errors: `NotFound(Registration)`, `NotOwner`, `ChangeOver`, `InvalidField` (also for a certificate that is registered
/// in the game already, and for a second correction of it), `NotEligible`, `RateLimited`.
pub async fn change(context: &Context, by: Changer, id: RegistrationId, patch: PlayerPatch) -> Result<()> {
    let unknown = DomainError::NotFound(Entity::Registration);
    let found = store::one(&context.db, id).await?.ok_or(unknown)?;
    if let Changer::Owner(account) = &by {
        if account.id != found.account {
            return Err(DomainError::NotOwner);
        }
        if patch.names_certificate() {
            // Its refusal tells that somebody is registered, so it may be asked as often as that question.
            context.limits.certificate_query(account.id).await?;
        }
    }
    let rules = context.catalog.game(&context.db, found.game).await?;
    let (db, vault) = (context.db.clone(), context.vault.clone());
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                if patch.names_certificate() {
                    quota::lock(tx, rules.id).await?;
                }
                let unknown = DomainError::NotFound(Entity::Registration);
                let current = store::lock(tx, id).await?.filter(|current| current.live).ok_or(unknown.clone())?;
                let now_ms = db.now_in(tx).await?;
                if now_ms >= store::change_deadline(tx, rules.id).await? {
                    return Err(DomainError::ChangeOver);
                }
                let before = sealed::open(&vault, &current).ok_or(unknown)?;
                let after = Player::new(patch.apply(&before), "", beijing_date(now_ms))?;
                check(&rules, &before, &after)?;
                if after == before {
                    return Ok(());
                }
                write(tx, &vault, &current, &before, &after, now_ms).await?;
                if let Changer::Admin(admin) = &by {
                    trail(tx, admin, &current, &before, &after, now_ms).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Only what is changed is judged by the game's rules: they may have become stricter since, and a telephone number must
/// stay correctable.
fn check(rules: &Game, before: &Player, after: &Player) -> Result<()> {
    if (before.gender, before.birth_date) == (after.gender, after.birth_date) {
        return Ok(());
    }
    rules.check_player(after, "")
}

async fn write(
    tx: &mut Tx,
    vault: &Vault,
    current: &Registration,
    before: &Player,
    after: &Player,
    now_ms: i64,
) -> Result<()> {
    let text = sealed::seal(vault, after)?;
    if after.certificate() == before.certificate() {
        return Ok(store::set_player(tx, current.id, &text).await?);
    }
    if current.certificate_corrections > 0 {
        return Err(DomainError::field("certificate_no", "was corrected once already"));
    }
    let key = sealed::certificate_key(vault, &after.certificate());
    store::correct_certificate(tx, current.id, &text, &key, now_ms).await.map_err(|error: StoreError| {
        if error.is_unique_violation() {
            DomainError::field("certificate_no", "is registered in this game already")
        } else {
            error.into()
        }
    })
}

/// The names of the changed fields only: the trail keeps no personal data.
async fn trail(
    tx: &mut Tx,
    admin: &Admin,
    current: &Registration,
    before: &Player,
    after: &Player,
    now_ms: i64,
) -> Result<()> {
    let fields = |player: &Player| serde_json::to_value(player).map_err(|_| DomainError::Internal);
    let (old, new) = (fields(before)?, fields(after)?);
    let changed: Vec<&String> = new
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| old.get(name.as_str()) != Some(*value))
        .map(|(name, _)| name)
        .collect();
    let entry = audit::Entry {
        admin_id: Some(admin.id.0),
        admin_name: &admin.username,
        action: "update",
        entity: "registrations",
        entity_id: &current.id.to_string(),
        before: None,
        after: Some(&json!({"changed": changed})),
    };
    Ok(audit::insert(tx, &entry, now_ms).await?)
}
