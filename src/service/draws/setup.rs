//! Announcing a draw, and naming who belongs to its groups.

use std::collections::HashSet;

use actors::domain::ids::GameId;
use actors::domain::registration::{Certificate, CertificateType};
use actors::domain::visible::{self, Layout};
use actors::draw::bundle::{GroupQuota, Terms, commitment};
use actors::draw::verification::{check_terms, check_text};
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::history::Event;
use actors::quota_queue::messages::Lottery;
use serde::Deserialize;
use serde_json::json;

use super::record::described;
use super::{DrawState, refused, store};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::service::collections::{Answer, Change, Writer, write};
use crate::service::registration::{must_exist, places_changed};
use crate::store::sql::quota;

/// Certificates on the list of one group.
const MOST_LISTED: usize = 5_000;

/// What an administrator announces.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct NewDraw {
    pub quotas: Vec<GroupQuota>,
    /// Which public value will be used, in words.
    pub public_source: String,
}

/// Somebody who belongs to a group.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedCertificate {
    pub certificate_type: i64,
    pub certificate_no: String,
}

/// Makes the game a lottery: chooses the secret, publishes its hash, and keeps the line from admitting anybody until it
/// is drawn. The places are those free now.
///
/// Errors: `NotFound(Game)`, `Conflict` when the game has a draw, `InvalidField`, `InUse` when its line has tokens or no
/// places are set.
pub async fn create(context: &Context, writer: Writer, game: GameId, new: NewDraw) -> Result<Answer> {
    must_exist(context, game).await?;
    check_text("public_source", &new.public_source, 0).map_err(|reason| DomainError::field("public_source", reason))?;
    // Here and not where bundles are verified: those that were published before stay as they are.
    visible::check(&new.public_source, Layout::Line)
        .map_err(|fault| DomainError::field("public_source", fault.to_string()))?;
    for quota in &new.quotas {
        visible::check(&quota.name, Layout::Line)
            .map_err(|fault| DomainError::field("quotas", format!("name {fault}")))?;
    }
    let secret: [u8; 32] = rand::random();
    let sealed = context.vault.seal(&hex::encode(secret));
    let answer = write(context, writer, move |tx, now| {
        Box::pin(async move {
            let mut row = quota::lock(tx, game).await?;
            if store::find_in(tx, game).await?.is_some() {
                return Err(DomainError::Conflict { field: "draw".into() });
            }
            if row.tail > 0 {
                return refused("the line has tokens already; a draw is set up before the first entry");
            }
            if row.rules.opening_at.is_some() || row.shuffled.is_some() {
                return refused("the line has an opening that is shuffled; a game has this or a draw");
            }
            let places = u32::try_from(row.quota.balance).ok().filter(|places| *places > 0);
            let Some(places) = places else {
                return refused("the game has no free places to be drawn; set its places first");
            };
            let terms = Terms {
                game_id: game.0,
                commitment: commitment(&secret),
                places,
                quotas: new.quotas,
                public_source: new.public_source,
            };
            check_terms(&terms).map_err(|reason| DomainError::field("quotas", reason))?;
            store::insert(tx, &terms, &sealed, now).await?;
            pass(Failpoint::DrawAnnounced);
            row.lottery = Lottery::Entries;
            let happened = [Event::Lottery { lottery: row.lottery.code(), count: 0 }];
            quota::commit(tx, game, &mut row, now, &happened).await?;
            let after = store::find_in(tx, game).await?.ok_or(DomainError::Internal)?;
            Ok(Change { action: "create", entity: "draws", id: game.0, before: None, after: described(&after) })
        })
    })
    .await?;
    places_changed(context, game);
    Ok(answer)
}

/// Makes `certificates` the whole list of a group. They are kept as keyed hashes.
///
/// Errors: `NotFound`, `InvalidField`, `InUse` when entries are closed.
pub async fn set_list(
    context: &Context,
    writer: Writer,
    game: GameId,
    group: String,
    certificates: Vec<ListedCertificate>,
) -> Result<Answer> {
    if certificates.len() > MOST_LISTED {
        return Err(DomainError::field("certificates", format!("{MOST_LISTED} at most")));
    }
    let mut keys = HashSet::with_capacity(certificates.len());
    for (index, listed) in certificates.iter().enumerate() {
        let wrong =
            |member: &str, reason: String| DomainError::field(format!("certificates[{index}].{member}"), reason);
        let kind = CertificateType::new(listed.certificate_type)
            .ok_or_else(|| wrong("certificate_type", "must be -1 to 5".to_owned()))?;
        let certificate =
            Certificate::new(kind, &listed.certificate_no).map_err(|reason| wrong("certificate_no", reason))?;
        keys.insert(context.vault.lookup_key("certificate", certificate.lookup_text().as_bytes()));
    }
    let keys: Vec<String> = keys.into_iter().collect();
    write(context, writer, move |tx, _| {
        Box::pin(async move {
            quota::lock(tx, game).await?;
            let draw = store::find_in(tx, game).await?.ok_or(DomainError::NotFound(Entity::Item))?;
            if !draw.terms.quotas.iter().any(|quota| quota.name == group && quota.rule == "list") {
                return Err(DomainError::NotFound(Entity::Item));
            }
            if draw.state != DrawState::Entries {
                return refused("entries are closed, the groups are fixed");
            }
            let listed = store::replace_members(tx, game, &group, &keys).await?;
            pass(Failpoint::DrawListReplaced);
            let after = Some(json!({"group": group, "listed": listed}));
            Ok(Change { action: "set_list", entity: "draws", id: game.0, before: None, after })
        })
    })
    .await
}
