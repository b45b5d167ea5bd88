//! The checkable draw of a game that is decided by lottery: set up before the first entry, closed, tried with a
//! throw-away secret, drawn once, and then checked by anybody. The algorithm is `actors::draw`.

mod bundle_file;
mod closing;
mod drawing;
mod published;
mod record;
mod setup;

use std::sync::Arc;
use std::time::Duration;

use actors::domain::ids::GameId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::messages::QueueRow;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::context::Context;
use crate::service::registration::Streams;
use crate::store::sql::draws::{self as store, Draw, DrawState};

pub use closing::close;
pub use drawing::{dry_run, run};
pub use published::{begin_download, bundle, receipt};
pub use record::DrawRecord;
pub use setup::{ListedCertificate, NewDraw, create, set_list};

use bundle_file::{BundleFile, ByBytes};
use published::Published;

/// Callers that may wait for what is published, and how long anybody waits; further ones are told `Busy`.
const WAITING: usize = 64;
const WAIT: Duration = Duration::from_secs(30);
/// Published draws kept in memory: some 300 bytes an entrant.
const KEPT: usize = 4;
/// Bytes of bundles kept in memory: some 50 an entrant, so ten draws of the largest size or thousands of usual ones.
const KEPT_BUNDLE_BYTES: u64 = 256 * 1024 * 1024;
/// Expected number of them, which only sizes the table.
const KEPT_BUNDLES: usize = 16;

/// What draws share on a node: one at a time is worked out, and those that are asked for are kept.
pub struct Draws {
    heavy: Arc<Semaphore>,
    /// The same for what everybody may ask for, so that a crowd cannot keep an administrator from drawing.
    publishing: Arc<Semaphore>,
    waiting: Semaphore,
    /// By game and whether it is drawn; neither form ever changes.
    published: Cache<(GameId, bool), Arc<Published>>,
    bundles: Cache<(GameId, bool), Arc<BundleFile>, ByBytes>,
    downloads: Streams,
}

impl Default for Draws {
    fn default() -> Self {
        let one = || Arc::new(Semaphore::new(1));
        Self {
            heavy: one(),
            publishing: one(),
            waiting: Semaphore::new(WAITING),
            published: Cache::new(KEPT),
            bundles: Cache::with_weighter(KEPT_BUNDLES, KEPT_BUNDLE_BYTES, ByBytes),
            downloads: Streams::default(),
        }
    }
}

impl Draws {
    /// Waits for an administrator's turn to do heavy work. Errors: `Busy`.
    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        turn(&self.heavy).await
    }

    /// Waits for a turn to work out what is published. Errors: `Busy`.
    async fn publishing_turn(&self) -> Result<OwnedSemaphorePermit> {
        let _place = self.waiting.try_acquire().map_err(|_| DomainError::BUSY)?;
        turn(&self.publishing).await
    }
}

async fn turn(one: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let permit = tokio::time::timeout(WAIT, one.clone().acquire_owned()).await;
    permit.map_err(|_| DomainError::BUSY)?.map_err(|_| DomainError::BUSY)
}

/// Runs work that takes long on a thread that serves nobody. A caller that leaves does not stop it, so it should come
/// in pieces.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "the work of a draw");
        DomainError::Internal
    })
}

/// A game's draw.
///
/// Errors: `NotFound`.
pub async fn show(context: &Context, game: GameId) -> Result<DrawRecord> {
    Ok(DrawRecord::from(&find(context, game).await?))
}

async fn find(context: &Context, game: GameId) -> Result<Draw> {
    store::find(&context.db, game).await?.ok_or(DomainError::NotFound(Entity::Item))
}

fn refused<T>(reason: &'static str) -> Result<T> {
    Err(DomainError::InUse(reason.into()))
}

/// Winners must be who the line then admits: the places may not have changed since they were announced.
fn check_places(draw: &Draw, row: &QueueRow) -> Result<()> {
    if row.quota.balance == i64::from(draw.terms.places) {
        return Ok(());
    }
    let announced = draw.terms.places;
    let reason = format!("the game's free places differ from the {announced} that were announced; set them back first");
    Err(DomainError::InUse(reason.into()))
}
