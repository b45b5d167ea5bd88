//! A file that appears under its name complete or not at all, whatever ends the program in between.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::leftovers;

/// A database under a name of its own, gone when dropped. What a killed program left under that name is replaced.
pub struct Draft {
    pub path: PathBuf,
    /// Locked, so that two programs do not write one draft.
    pub file: File,
}

impl Draft {
    /// Next to `place`, readable by its owner only.
    ///
    /// Errors: another program is writing it; the folder cannot be written to.
    pub fn create(place: &Path) -> anyhow::Result<Self> {
        let mut path = place.as_os_str().to_owned();
        path.push(".draft");
        let path = PathBuf::from(path);
        let cannot = || format!("{} cannot be written", path.display());
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!("another program is writing {}", place.display()),
            Err(TryLockError::Error(error)) => return Err(error).with_context(cannot),
        }
        let is_there =
            fs::metadata(&path).is_ok_and(|found| Some(found.ino()) == file.metadata().ok().map(|it| it.ino()));
        ensure!(is_there, "another program has just written {}", place.display());
        let draft = Self { path, file };
        for leftover in leftovers::next_to(&draft.path) {
            fs::remove_file(leftover)?;
        }
        draft.file.set_len(0)?;
        Ok(draft)
    }

    /// Gives the draft its name, durably.
    ///
    /// Errors: something has that name meanwhile.
    pub fn keep(self, place: &Path) -> anyhow::Result<()> {
        let open = leftovers::next_to(&self.path);
        ensure!(open.is_empty(), "{} was not closed: {}", self.path.display(), leftovers::names(&open));
        self.file.sync_all()?;
        match fs::hard_link(&self.path, place) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!("{} exists already", place.display()),
            // A file system without links.
            Err(_) if !place.exists() => fs::rename(&self.path, place)?,
            Err(error) => return Err(error).with_context(|| format!("{} cannot be made", place.display())),
        }
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        for path in leftovers::next_to(&self.path).into_iter().chain([self.path.clone()]) {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != ErrorKind::NotFound
            {
                tracing::warn!(%error, path = %path.display(), "a draft stays behind");
            }
        }
    }
}
