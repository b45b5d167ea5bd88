//! The files that SQLite keeps next to a database while it is open. After a crash they hold its newest rows, so they
//! belong with it wherever it goes; next to another database they would be played into that one.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::bail;

const ENDINGS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Those that are there, whether the database is or not.
pub fn next_to(database: &Path) -> Vec<PathBuf> {
    let with = |ending: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(OsStr::new(ending));
        PathBuf::from(name)
    };
    ENDINGS.into_iter().map(with).filter(|path| path.symlink_metadata().is_ok()).collect()
}

/// Their names for people.
pub fn names(leftovers: &[PathBuf]) -> String {
    let names: Vec<String> = leftovers.iter().map(|path| path.display().to_string()).collect();
    names.join(", ")
}

/// Makes an empty database that only its owner may read, if there is none; SQLite gives its other files the same mode.
///
/// Errors: leftovers of another one. SQLite removes the log of an empty database, and newest rows would be lost.
pub fn create_private(database: &Path) -> anyhow::Result<()> {
    if !database.exists() {
        refuse(database)?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(database) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(()),
    }
}

/// Errors: leftovers where `database` is to be made, named, with what to do.
pub fn refuse(database: &Path) -> anyhow::Result<()> {
    let leftovers = next_to(database);
    if !leftovers.is_empty() {
        bail!(
            "there is no {}, but files of an earlier one with its newest rows: {}. Move them to that database, under its \
             name; nothing was written",
            database.display(),
            names(&leftovers)
        );
    }
    Ok(())
}
