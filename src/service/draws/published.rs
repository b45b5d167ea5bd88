//! What anybody may fetch: the bundle of a closed or drawn game, and an entrant's receipt.

use std::sync::Arc;
use std::time::Duration;

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::GameId;
use actors::draw::bundle::{Bundle, Drawn, FORMAT, tree};
use actors::draw::merkle::MerkleTree;
use actors::draw::receipt::Receipt;
use actors::error::{DomainError, Entity, Result};

use super::bundle_file::{BundleFile, version};
use super::{Draw, DrawState, find, on_thread, refused, store};
use crate::context::Context;
use crate::service::address_key::AddressKey;
use crate::service::queue_token::QueueToken;
use crate::service::registration::OpenStream;

const DOWNLOAD_COUNTS: Duration = Duration::from_secs(120);

/// A closed or drawn draw with all its lists, ready to be asked for.
pub struct Published {
    pub bundle: Bundle,
    pub tree: MerkleTree,
}

/// The bundle of a draw, found but not built yet.
pub struct BundleRef {
    draw: Draw,
    /// Changes when the content does.
    pub version: String,
}

/// Errors: `NotFound`, `InUse` before closing.
pub async fn bundle(context: &Context, game: GameId) -> Result<BundleRef> {
    let draw = find(context, game).await?;
    match version(&draw) {
        Some(version) => Ok(BundleRef { draw, version }),
        None => not_closed(),
    }
}

impl BundleRef {
    /// From memory, or built by one caller at a time.
    ///
    /// Errors: `Busy`.
    pub async fn file(&self, context: &Context) -> Result<Arc<BundleFile>> {
        let key = (self.draw.game, self.draw.state == DrawState::Drawn);
        let kept = || context.draws.bundles.get(&key);
        if let Some(file) = kept() {
            return Ok(file);
        }
        let published = published(context, &self.draw).await?;
        let turn = context.draws.publishing_turn().await?;
        if let Some(file) = kept() {
            return Ok(file);
        }
        let file = on_thread(move || {
            let _turn = turn;
            let json = serde_json::to_vec(&published.bundle).map_err(|_| DomainError::Internal)?;
            BundleFile::compress(&json)
        })
        .await??;
        let file = Arc::new(file);
        context.draws.bundles.insert(key, file.clone());
        Ok(file)
    }
}

/// A download that is counted until it ends, and for `DOWNLOAD_COUNTS` at most: a client that stops reading keeps its
/// connection, and must not keep a place that others wait for.
pub struct Download {
    timer: tokio::task::JoinHandle<()>,
}

impl Download {
    fn new(counted: OpenStream, longest: Duration) -> Self {
        let timer = tokio::spawn(async move {
            tokio::time::sleep(longest).await;
            drop(counted);
        });
        Self { timer }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // The count goes with the task.
        self.timer.abort();
    }
}

/// Counts a download for `address` until the returned guard is dropped.
///
/// Errors: `Busy` when the node has as many as it may, `RateLimited` when the address has.
pub fn begin_download(context: &Context, address: CallerAddress) -> Result<Download> {
    let limits = &context.config.limits;
    let per_address = if limits.enabled { limits.bundle_downloads_per_address } else { u32::MAX };
    let counted = context.draws.downloads.enter(AddressKey::of(address), limits.bundle_downloads, per_address)?;
    Ok(Download::new(counted, DOWNLOAD_COUNTS))
}

fn not_closed<T>() -> Result<T> {
    refused("entries are not closed yet")
}

/// The entrant behind a token and the proof that it is under the root.
///
/// Errors: `InvalidQueueToken`, `NotFound` when the game has no draw or the token came after closing, `InUse` before
/// closing, `Busy`.
pub async fn receipt(context: &Context, token: &str) -> Result<Receipt> {
    let token = QueueToken::decode(&context.vault, token).ok_or(DomainError::InvalidQueueToken)?;
    let kept = |drawn| context.draws.published.get(&(token.game, drawn));
    // A receipt is the same before and after the draw.
    let published = match kept(true).or_else(|| kept(false)) {
        Some(published) => published,
        None => published(context, &find(context, token.game).await?).await?,
    };
    let index = usize::try_from(token.sequence).ok().and_then(|sequence| sequence.checked_sub(1));
    index
        .and_then(|index| published.bundle.entrants.get(index))
        .and_then(|entrant| Receipt::new(token.game.0, entrant.clone(), &published.tree))
        .ok_or(DomainError::NotFound(Entity::Item))
}

/// From memory, or read and built by one caller at a time.
pub(super) async fn published(context: &Context, draw: &Draw) -> Result<Arc<Published>> {
    if !draw.state.is_closed() {
        return not_closed();
    }
    let key = (draw.game, draw.state == DrawState::Drawn);
    if let Some(published) = context.draws.published.get(&key) {
        return Ok(published);
    }
    let turn = context.draws.publishing_turn().await?;
    if let Some(published) = context.draws.published.get(&key) {
        return Ok(published);
    }
    let entrants = store::entrants(&context.db, draw.game).await?.ok_or(DomainError::Internal)?;
    let order = match draw.state {
        DrawState::Drawn => store::order(&context.db, draw.game).await?,
        _ => None,
    };
    let draw = draw.clone();
    let published = on_thread(move || {
        let _turn = turn;
        build(&draw, &entrants, order.as_deref())
    })
    .await??;
    let published = Arc::new(published);
    context.draws.published.insert(key, published.clone());
    Ok(published)
}

fn build(draw: &Draw, entrants: &str, order: Option<&str>) -> Result<Published> {
    let entrants = store::parse_entrants(entrants)?;
    let tree = tree(&draw.terms, &entrants);
    let fixed = draw.fixed.as_ref().ok_or(DomainError::Internal)?;
    if hex::encode(tree.root()) != fixed.merkle_root {
        tracing::error!(game = draw.game.0, "the stored entrants are not those that were fixed");
        return Err(DomainError::Internal);
    }
    let drawn = match (order, &draw.revealed) {
        (Some(order), Some(revealed)) => {
            let mut order = store::parse_order(order)?;
            // Whoever came after closing is no entrant.
            order.truncate(entrants.len());
            let (public_value, secret) = (revealed.public_value.clone(), revealed.secret.clone());
            Some(Drawn { public_value, secret, winners: revealed.winners, order })
        }
        _ => None,
    };
    let merkle_root = fixed.merkle_root.clone();
    let bundle = Bundle { format: FORMAT.to_owned(), terms: draw.terms.clone(), merkle_root, entrants, drawn };
    Ok(Published { bundle, tree })
}

#[cfg(test)]
mod tests {
    use actors::domain::caller_address::CallerAddress;

    use super::*;
    use crate::service::registration::Streams;

    #[tokio::test]
    async fn a_reader_who_stops_keeps_no_place() {
        let streams = Streams::default();
        let address = AddressKey::of(CallerAddress::Unknown);
        let enter = || streams.enter(address, 1, 1);
        let stuck = Download::new(enter().unwrap(), Duration::ZERO);
        while enter().is_err() {
            tokio::task::yield_now().await;
        }
        drop(stuck);
        let ended = Download::new(enter().unwrap(), Duration::from_secs(3600));
        assert!(enter().is_err());
        drop(ended);
        while enter().is_err() {
            tokio::task::yield_now().await;
        }
    }
}
