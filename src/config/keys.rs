//! The two secret keys of a development node: made once in the data folder, so that a restart reads what it wrote.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::Context as _;
use secrecy::{ExposeSecret, SecretString};

use super::{Config, Environment};

/// Fills missing keys from `data_dir`, making them at the first start. Production is given its keys and makes none.
pub fn ensure_keys(config: &mut Config) -> anyhow::Result<()> {
    if config.environment == Environment::Production {
        return Ok(());
    }
    let folder = Path::new(&config.data_dir);
    for (name, key) in [("token_key", &mut config.secrets.token_key), ("data_key", &mut config.secrets.data_key)] {
        if key.expose_secret().is_empty() {
            let path = folder.join(name);
            *key = load_or_make(&path).with_context(|| format!("the key file {}", path.display()))?;
        }
    }
    Ok(())
}

/// A key that development would read from `data_dir`, as `look_at_keys` found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// The key is set, and no file is read.
    NotAsked,
    /// The first start makes it.
    Missing,
    /// Read. True: others than its owner may read it, too.
    Read {
        exposed: bool,
    },
    Damaged(String),
}

/// As `ensure_keys`, but makes nothing: a key that is not there stays empty.
pub fn look_at_keys(config: &mut Config) -> [(&'static str, KeyFile); 2] {
    let production = config.environment == Environment::Production;
    let folder = Path::new(&config.data_dir).to_owned();
    [("token_key", &mut config.secrets.token_key), ("data_key", &mut config.secrets.data_key)].map(|(name, key)| {
        let path = folder.join(name);
        if production || !key.expose_secret().is_empty() {
            return (name, KeyFile::NotAsked);
        }
        if !path.exists() {
            return (name, KeyFile::Missing);
        }
        let read = load_or_make(&path).and_then(|found| Ok((found, fs::metadata(&path)?.permissions().mode())));
        match read {
            Ok((found, mode)) => {
                *key = found;
                (name, KeyFile::Read { exposed: mode & 0o077 != 0 })
            }
            Err(error) => (name, KeyFile::Damaged(format!("{error:#}"))),
        }
    })
}

fn load_or_make(path: &Path) -> anyhow::Result<SecretString> {
    if !path.exists() {
        make(path)?;
    }
    let text = fs::read_to_string(path)?;
    anyhow::ensure!(is_key(text.trim()), "does not hold 64 hex digits");
    Ok(SecretString::from(text.trim()))
}

pub(super) fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// 64 zeros and the like, which somebody typed and nobody drew.
pub(super) fn is_one_byte(key: &str) -> bool {
    let bytes = key.as_bytes();
    bytes.chunks(2).all(|byte| byte.eq_ignore_ascii_case(&bytes[..2]))
}

/// The name appears with its whole content or not at all: written beside it and linked, and of two processes that
/// start together the first one's key stands.
fn make(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let nonce: u64 = rand::random();
    let draft = path.with_extension(format!("{nonce:016x}"));
    let key: [u8; 32] = rand::random();
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(hex::encode(key).as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        });
    fs::remove_file(&draft).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    written?;
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/token_key");
        let first = load_or_make(&path).unwrap();
        let second = load_or_make(&path).unwrap();
        assert_eq!(first.expose_secret(), second.expose_secret());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        make(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first.expose_secret(), "a second maker does not replace it");
    }

    #[test]
    fn a_damaged_key_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token_key");
        fs::write(&path, "12").unwrap();
        assert!(load_or_make(&path).is_err());
    }
}
