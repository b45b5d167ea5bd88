//! Pictures that nothing shows any more are removed: an avatar that was replaced, an upload that was never used or whose
//! row was deleted. One of the 256 folders at a time; a picture is left alone for a day after it was last saved, which is
//! longer than any request takes from saving it to showing it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use actors::error::{DomainError, Result};
use tokio::time::MissedTickBehavior;

use super::pictures::{self, DRAFT, GONE, PREFIX};
use crate::context::Context;
use crate::store::sql::files;

/// All folders in less than a day.
const EVERY: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(24 * 3600);
/// Pictures that are looked for at once.
const BATCH: usize = 100;
/// Pictures of one folder that one round looks at; 12 million in all.
const MOST_IN_FOLDER: usize = 50_000;

/// Begins anywhere, so that a server that is often restarted comes to all folders, too.
pub async fn run(context: &Context) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut folder: u8 = rand::random();
    loop {
        ticks.tick().await;
        if let Err(error) = step(context, folder).await {
            tracing::warn!(%error, folder, "looking for pictures that nothing shows");
        }
        folder = folder.wrapping_add(1);
    }
}

/// Sweeps the pictures whose hashes begin with one byte; answers how many were removed.
///
/// Errors: `Internal`.
pub async fn step(context: &Context, folder: u8) -> Result<usize> {
    let root = pictures::folder(context);
    let part = format!("{folder:02x}");
    let young = SystemTime::now().checked_sub(GRACE).ok_or(DomainError::Internal)?;
    let listed = root.join(&part);
    let names = on_thread(move || old_names(&listed, young)).await?;
    let mut removed = 0;
    for names in names.chunks(BATCH) {
        let paths: Vec<String> = names.iter().map(|name| format!("{PREFIX}{part}/{name}")).collect();
        let shown = files::shown(&context.db, &paths).await?;
        let unused = paths.iter().zip(names).filter(|(path, _)| !shown.contains(*path));
        let unused: Vec<_> = unused.map(|(_, name)| root.join(&part).join(name)).collect();
        removed += on_thread(move || {
            let mut removed = 0;
            for path in unused {
                removed += usize::from(pictures::remove(&path, young)?);
            }
            Ok(removed)
        })
        .await?;
    }
    if removed > 0 {
        tracing::info!(folder, removed, "pictures that nothing shows are gone");
    }
    Ok(removed)
}

async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten();
    done.map_err(|error| {
        tracing::error!(%error, "the folder of pictures");
        DomainError::Internal
    })
}

/// Pictures of a folder that were not saved after `young`. What a crash left half done is put right on the way.
fn old_names(folder: &Path, young: SystemTime) -> io::Result<Vec<String>> {
    let part = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let mut names = Vec::new();
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let old = match entry.metadata() {
            // Another node was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?.modified()? <= young,
        };
        match (path.extension().and_then(OsStr::to_str), entry.file_name().into_string()) {
            (Some(DRAFT), _) if old => fs::remove_file(&path)?,
            // It may be shown: it is judged like the others the next time.
            (Some(GONE), _) => put_back(&path)?,
            (_, Ok(name)) if old && pictures::content_type(&format!("{part}/{name}")).is_some() => names.push(name),
            _ => {}
        }
        if names.len() >= MOST_IN_FOLDER {
            break;
        }
    }
    Ok(names)
}

fn put_back(gone: &Path) -> io::Result<()> {
    match fs::rename(gone, gone.with_extension("")) {
        // It is being removed at this moment, or was put back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}
