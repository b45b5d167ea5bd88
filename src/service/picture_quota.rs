//! How much may be sent as pictures: a number and bytes a day for each sender, counted in the database and so for all
//! nodes; one at a time; and nothing when the disk is nearly full, because the database may need the rest.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use actors::domain::ids::{AccountId, AdminId};
use actors::error::{DomainError, Result};

use super::pictures;
use crate::context::Context;
use crate::store::sql::picture_counts as store;

const DAY_MS: i64 = 86_400_000;
const BEIJING_MS: i64 = 8 * 3_600_000;
/// When it is worth trying again after the disk was nearly full.
const FULL_SECONDS: u32 = 300;

/// Who sends pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sender {
    Account(AccountId),
    Admin(AdminId),
}

impl Sender {
    fn key(self) -> String {
        match self {
            Self::Account(AccountId(id)) => format!("account:{id}"),
            Self::Admin(AdminId(id)) => format!("admin:{id}"),
        }
    }

    /// Pictures and bytes of a day.
    fn most(self, context: &Context) -> (i64, u64) {
        let pictures = &context.config.pictures;
        match self {
            Self::Account(_) => (pictures.per_account_per_day.into(), pictures.bytes_per_account_per_day),
            Self::Admin(_) => (pictures.per_administrator_per_day.into(), pictures.bytes_per_administrator_per_day),
        }
    }
}

/// Those whose picture is on its way through this node.
#[derive(Debug, Clone, Default)]
pub struct Senders(Arc<Mutex<HashSet<Sender>>>);

/// Until it is dropped, the sender has a picture on its way.
#[derive(Debug)]
pub struct OnItsWay {
    senders: Senders,
    sender: Sender,
}

impl Senders {
    /// Errors: `Busy` while another picture of the sender is on its way.
    pub fn begin(&self, sender: Sender) -> Result<OnItsWay> {
        if !self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sender) {
            return Err(DomainError::BUSY);
        }
        Ok(OnItsWay { senders: self.clone(), sender })
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        self.senders.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.sender);
    }
}

/// Counts one more picture of a sender, also one that will be refused: it is decoded before that is known.
///
/// Errors: `RateLimited` until the next day when there have been enough.
pub async fn spend(context: &Context, sender: Sender, bytes: usize) -> Result<()> {
    if !context.config.limits.enabled {
        return Ok(());
    }
    let (most, most_bytes) = sender.most(context);
    let size = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let (bytes, most_bytes) = (size(bytes as u64), size(most_bytes));
    let db = context.db.clone();
    let spent = context.db.write(move |tx| {
        Box::pin(async move {
            let now_ms = db.now_in(tx).await?;
            let counted =
                bytes <= most_bytes && store::count(tx, day(now_ms), &sender.key(), bytes, most, most_bytes).await?;
            Ok::<_, DomainError>(if counted { None } else { Some(seconds_left(now_ms)) })
        })
    });
    match spent.await? {
        None => Ok(()),
        Some(retry_after_seconds) => Err(DomainError::RateLimited { retry_after_seconds }),
    }
}

/// Errors: `NoRoom` when less is free than the settings want.
pub async fn check_disk(context: &Context) -> Result<()> {
    let floor = context.config.pictures.free_disk_bytes;
    // The folder of pictures may be on a disk of its own, which nodes share.
    let folders = [PathBuf::from(&context.config.data_dir), pictures::folder(context)];
    let free = tokio::task::spawn_blocking(move || folders.iter().filter_map(|folder| free_bytes(folder)).min());
    let free = free.await.map_err(|_| DomainError::Internal)?;
    // A disk that does not say what is free is found to be full by writing.
    if free.is_some_and(|free| free < floor) {
        tracing::warn!(?free, floor, "no picture is taken: the disk is nearly full");
        return Err(DomainError::NoRoom { retry_after_seconds: FULL_SECONDS });
    }
    Ok(())
}

/// Bytes that are free on the disk of a folder; `None` when it is not there.
fn free_bytes(folder: &Path) -> Option<u64> {
    rustix::fs::statvfs(folder).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Forgets the counts of earlier days.
pub(super) async fn sweep(context: &Context) -> Result<()> {
    let db = context.db.clone();
    context
        .db
        .write(move |tx| {
            Box::pin(async move {
                let today = day(db.now_in(tx).await?);
                Ok(store::sweep(tx, today).await?)
            })
        })
        .await
}

/// Days since 1970, in Beijing.
fn day(now_ms: i64) -> i64 {
    (now_ms + BEIJING_MS).div_euclid(DAY_MS)
}

fn seconds_left(now_ms: i64) -> u32 {
    let left = (day(now_ms) + 1) * DAY_MS - BEIJING_MS - now_ms;
    u32::try_from(left / 1000 + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_picture_of_a_sender_is_on_its_way() {
        let senders = Senders::default();
        let (alice, editor) = (Sender::Account(AccountId(1)), Sender::Admin(AdminId(1)));
        let first = senders.begin(alice).unwrap();
        assert_eq!(senders.begin(alice).err(), Some(DomainError::BUSY));
        assert!(senders.begin(editor).is_ok());
        drop(first);
        assert!(senders.begin(alice).is_ok());
        assert!(senders.0.lock().unwrap().is_empty());
    }

    #[test]
    fn a_day_ends_at_midnight_in_beijing() {
        let midnight = DAY_MS * 20_000 - BEIJING_MS;
        assert_eq!(day(midnight), day(midnight - 1) + 1);
        assert_eq!((seconds_left(midnight - 1_000), seconds_left(midnight)), (2, 86_401));
    }
}
