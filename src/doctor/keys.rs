//! The two secret keys, and which rules the server is held to.

use secrecy::ExposeSecret;

use super::Finding;
use crate::config::{Config, Environment, KeyFile, look_at_keys, unnamed};
use crate::vault::Vault;

const ABOUT: &str = "keys";

pub fn environment(config: &Config) -> Finding {
    match (config.environment, unnamed::sign(config)) {
        (Environment::Production, _) => Finding::ok("environment", "production's rules apply"),
        (Environment::Development, None) => {
            Finding::ok("environment", "development, for this machine only: the sandboxes may be on")
        }
        (Environment::Development, Some(sign)) => Finding::warning(
            "environment",
            format!(
                "development, but {sign}: with the sandboxes anybody signs in as anybody. Set MATCHDAY_ENV=production, \
                 or let only this machine reach the server"
            ),
        ),
    }
}

/// Reads the keys that development keeps in files; none is made.
pub fn examine(config: &mut Config) -> Vec<Finding> {
    let looked = look_at_keys(config);
    let found: Vec<Finding> = looked
        .into_iter()
        .filter_map(|(name, file)| {
            let about = |words: &str| format!("{name} in data_dir {words}");
            match file {
                KeyFile::NotAsked | KeyFile::Read { exposed: false } => None,
                KeyFile::Missing => Some(Finding::ok(ABOUT, about("is not there yet; the first start makes it"))),
                KeyFile::Read { exposed: true } => {
                    Some(Finding::warning(ABOUT, about("can be read by other users of this machine: chmod 600")))
                }
                KeyFile::Damaged(reason) => Some(Finding::wrong(
                    ABOUT,
                    about(&format!(
                        "cannot be used ({reason}). Put the right file back; another key reads no stored player"
                    )),
                )),
            }
        })
        .collect();
    if found.is_empty() { vec![Finding::ok(ABOUT, "both are there and differ")] } else { found }
}

/// None while a key is missing or damaged.
pub fn vault(config: &Config) -> Option<Vault> {
    let key = |text: &str| {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).ok().map(|()| key)
    };
    let secrets = &config.secrets;
    Some(Vault::new(&key(secrets.token_key.expose_secret())?, &key(secrets.data_key.expose_secret())?))
}
