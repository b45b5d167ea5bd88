//! Joins the layers. Each layer is flattened to (origin, key, value); each key is checked against the built-in defaults
//! and each value alone against its type, so that all faults are found in one go and each names its origin.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::fault::{Fault, Faults};
use super::unnamed;
use super::validate;
use super::{Config, Environment};

const DEFAULT: &str = include_str!("../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../config/development.toml");
const PRODUCTION: &str = include_str!("../../config/production.toml");

const VARIABLE_PREFIX: &str = "MATCHDAY__";
/// Keys whose values are masked, refused in files, and may be named as a file with `…_FILE`.
const SECRETS: &[&str] = &[
    "admin.password",
    "live.key_secret",
    "live.play_key",
    "live.push_key",
    "mail.password",
    "pay.api_key",
    "pay.api_v3_key",
    "pay.certificate",
    "pay.platform_public_key",
    "pay.private_key",
    "secrets.data_key",
    "secrets.token_key",
    "sms.key_secret",
    "wechat.app_secret",
];
/// Addresses that are secret as soon as there is a password in them.
const SECRET_URLS: &[&str] = &["database.url", "redis.url"];
const MASK: &str = "********";

/// Where settings come from. Nothing global is read by `load`, so that tests bring their own.
pub struct Sources {
    /// `MATCHDAY_ENV`; `development` when unset, which is refused where strangers could come (see `unnamed`).
    pub environment: Option<String>,
    /// Files of this folder go on top of the built-in ones of the same name. A named folder has to exist; None is
    /// `config`, which may be missing.
    pub config_dir: Option<PathBuf>,
    pub variables: Vec<(OsString, OsString)>,
    /// (flag, key, value).
    pub flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// The process's environment and the given folder and flags.
    pub fn from_process(config_dir: Option<PathBuf>, flags: Vec<(&'static str, &'static str, String)>) -> Self {
        Self {
            environment: std::env::var("MATCHDAY_ENV").ok(),
            config_dir,
            variables: std::env::vars_os().collect(),
            flags,
        }
    }

    /// Joins and checks all layers.
    pub fn load(&self) -> Result<Loaded, Faults> {
        let mut merge = Merge::start();
        let written = self.environment.as_deref().filter(|name| !name.is_empty());
        let name = written.unwrap_or("development");
        let environment = match name {
            "development" => Environment::Development,
            _ => Environment::Production,
        };
        let folder = self.config_dir.as_deref().unwrap_or(Path::new("config"));
        if self.config_dir.is_some() && !folder.is_dir() {
            merge.fault("--config-dir", "", format!("there is no folder {}", folder.display()));
        }
        merge.file(&folder.join("default.toml"));
        merge.profile(name, folder);
        merge.variables(&self.variables);
        for (flag, key, value) in &self.flags {
            merge.text(flag, key, value);
        }
        merge.finish(environment, written.is_some())
    }
}

/// A configuration that was found good.
pub struct Loaded {
    pub config: Config,
    effective: Table,
}

impl Loaded {
    /// The settings in force as TOML, with every secret masked.
    pub fn masked_toml(&self) -> String {
        let mut table = self.effective.clone();
        for key in SECRETS {
            if let Some(Value::String(secret)) = get_mut(&mut table, key)
                && !secret.is_empty()
            {
                *secret = MASK.to_owned();
            }
        }
        for key in SECRET_URLS {
            if let Some(Value::String(url)) = get_mut(&mut table, key)
                && let Some(span) = url_password(url)
            {
                url.replace_range(span, MASK);
            }
        }
        toml::to_string(&table).unwrap_or_else(|_| unreachable!("a parsed table can be written"))
    }
}

struct Merge {
    /// key → default, which also tells its type.
    known: BTreeMap<String, Value>,
    defaults: Table,
    table: Table,
    /// key → where its value in force was written.
    origins: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl Merge {
    fn start() -> Self {
        let defaults: Table = DEFAULT.parse().unwrap_or_else(|error| unreachable!("config/default.toml: {error}"));
        let mut known = BTreeMap::new();
        flatten(&defaults, "", &mut |key, value| {
            known.insert(key, value.clone());
        });
        Self { known, table: defaults.clone(), defaults, origins: BTreeMap::new(), faults: Vec::new() }
    }

    fn fault(&mut self, origin: &str, key: &str, reason: impl ToString) {
        self.faults.push(Fault::new(origin, key, reason));
    }

    fn profile(&mut self, name: &str, folder: &Path) {
        let sane = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !name.bytes().all(sane) {
            self.fault("MATCHDAY_ENV", "", "must be a name of a-z, 0-9 and -");
            return;
        }
        let built_in = match name {
            "development" => Some(DEVELOPMENT),
            "production" => Some(PRODUCTION),
            _ => None,
        };
        if let Some(text) = built_in {
            self.toml(&format!("built-in {name}.toml"), text);
        }
        let path = folder.join(format!("{name}.toml"));
        if !self.file(&path) && built_in.is_none() {
            self.fault(
                "MATCHDAY_ENV",
                "",
                format!("is neither development nor production, and there is no {}", path.display()),
            );
        }
    }

    /// Whether there is such a file.
    fn file(&mut self, path: &Path) -> bool {
        let origin = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => self.toml(&origin, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => self.fault(&origin, "", format!("cannot be read: {error}")),
        }
        true
    }

    fn toml(&mut self, origin: &str, text: &str) {
        let table: Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                // The parser's full text quotes the line, which may hold a secret.
                let error: toml::de::Error = error;
                let line = error
                    .span()
                    .and_then(|span| text.get(..span.start))
                    .map_or(1, |before| before.matches('\n').count() + 1);
                self.fault(origin, "", format!("is not TOML: line {line}: {}", error.message()));
                return;
            }
        };
        let mut found = Vec::new();
        flatten(&table, "", &mut |key, value| {
            found.push((key, value.clone()));
        });
        for (key, value) in found {
            let secret = match &value {
                Value::String(text) if SECRETS.contains(&key.as_str()) => !text.is_empty(),
                Value::String(text) if SECRET_URLS.contains(&key.as_str()) => url_password(text).is_some(),
                _ => false,
            };
            if secret {
                let variable = variable_name(&key);
                self.fault(
                    origin,
                    &key,
                    format!("a secret does not belong in a file: set {variable} or {variable}_FILE"),
                );
                continue;
            }
            self.set(origin, &key, value);
        }
    }

    fn variables(&mut self, variables: &[(OsString, OsString)]) {
        let mut ours: Vec<(&str, &OsString)> = Vec::new();
        for (name, value) in variables {
            // A name that is not UTF-8 cannot start with the prefix and be one of ours.
            if let Some(name) = name.to_str()
                && name.starts_with(VARIABLE_PREFIX)
            {
                ours.push((name, value));
            }
        }
        ours.sort();
        for (name, value) in ours {
            let Some(value) = value.to_str() else {
                self.fault(name, "", "is not UTF-8");
                continue;
            };
            if let Some(key) = self.key_of(name) {
                self.text(name, &key, value);
            } else if let Some(key) = name.strip_suffix("_FILE").and_then(|name| self.key_of(name))
                && (SECRETS.contains(&key.as_str()) || SECRET_URLS.contains(&key.as_str()))
            {
                self.secret_file(name, &key, value, variables);
            } else {
                self.fault(name, "", "there is no such setting");
            }
        }
    }

    fn key_of(&self, variable: &str) -> Option<String> {
        self.known.keys().find(|key| variable_name(key) == variable).cloned()
    }

    fn secret_file(&mut self, name: &str, key: &str, path: &str, variables: &[(OsString, OsString)]) {
        let direct = variable_name(key);
        if variables.iter().any(|(name, _)| *name == *direct) {
            self.fault(name, key, format!("{direct} is set as well; keep one"));
            return;
        }
        match fs::read_to_string(path) {
            Ok(secret) => self.text(name, key, secret.trim_end_matches(['\r', '\n'])),
            Err(error) => self.fault(name, key, format!("{path} cannot be read: {error}")),
        }
    }

    /// A value that arrived as text, read by the type of its default.
    fn text(&mut self, origin: &str, key: &str, text: &str) {
        let value = match self.known.get(key) {
            Some(Value::Boolean(_)) => match text {
                "true" | "1" => Ok(Value::Boolean(true)),
                "false" | "0" => Ok(Value::Boolean(false)),
                _ => Err("must be true or false"),
            },
            Some(Value::Integer(_)) => text.parse().map(Value::Integer).map_err(|_| "must be a whole number"),
            Some(Value::Array(_)) => Ok(Value::Array(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(|item| Value::String(item.to_owned()))
                    .collect(),
            )),
            _ => Ok(Value::String(text.to_owned())),
        };
        match value {
            Ok(value) => self.set(origin, key, value),
            Err(reason) => self.fault(origin, key, reason),
        }
    }

    fn set(&mut self, origin: &str, key: &str, value: Value) {
        let Some(default) = self.known.get(key) else {
            self.fault(origin, key, "there is no such setting");
            return;
        };
        if default.type_str() != value.type_str() {
            let reason = format!("must be {}, is {}", kind(default), kind(&value));
            self.fault(origin, key, reason);
            return;
        }
        // Alone on top of the defaults, so that a refusal is this value's and no other's.
        let mut trial = self.defaults.clone();
        put(&mut trial, key, value.clone());
        if let Err(error) = Config::deserialize(trial) {
            self.fault(origin, key, error.message().trim());
            return;
        }
        put(&mut self.table, key, value);
        self.origins.insert(key.to_owned(), origin.to_owned());
    }

    /// `written`: the environment was named and not taken for want of a name.
    fn finish(mut self, environment: Environment, written: bool) -> Result<Loaded, Faults> {
        // By value and not by origin: a copy of the default file states the default and means nothing by it.
        if get_mut(&mut self.table, "database.url").as_deref() == self.known.get("database.url")
            && let Some(Value::String(folder)) = self.table.get("data_dir")
        {
            let url = format!("sqlite:{}/matchday.db", folder.trim_end_matches('/'));
            put(&mut self.table, "database.url", Value::String(url));
        }
        match Config::deserialize(self.table.clone()) {
            Ok(mut config) => {
                config.environment = environment;
                let faults = validate::faults(&config, &|key: &str| {
                    let default = || "config/default.toml".to_owned();
                    self.origins.get(key).cloned().unwrap_or_else(default)
                });
                // A value that was refused above left its default behind, which is judged by nobody.
                self.faults.extend(faults);
                if !written {
                    self.faults.extend(unnamed::fault(&config));
                }
                if self.faults.is_empty() {
                    return Ok(Loaded { config, effective: self.table });
                }
            }
            Err(error) => self.fault("config/default.toml", "", error.message()),
        }
        Err(Faults(self.faults))
    }
}

pub(super) fn variable_name(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) => "a whole number",
        Value::Float(_) => "a fraction",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a section",
    }
}

/// Calls `leaf` for every value that is not a table. An empty table counts as a value, so that it is not overlooked.
fn flatten(table: &Table, prefix: &str, leaf: &mut impl FnMut(String, &Value)) {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match value {
            Value::Table(inner) if !inner.is_empty() => flatten(inner, &key, leaf),
            // An empty section says nothing; every section that exists is known by its keys.
            Value::Table(_) => {}
            _ => leaf(key, value),
        }
    }
}

fn put(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, key)) => {
            if let Some(Value::Table(inner)) = table.get_mut(section) {
                put(inner, key, value);
            }
        }
    }
}

fn get_mut<'t>(table: &'t mut Table, key: &str) -> Option<&'t mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((section, key)) => get_mut(table.get_mut(section)?.as_table_mut()?, key),
    }
}

/// Where the password stands in `scheme://user:password@host/…`.
fn url_password(url: &str) -> Option<std::ops::Range<usize>> {
    let start = url.find("://")? + 3;
    let authority = url[start..].split(['/', '?', '#']).next()?;
    let at = start + authority.rfind('@')?;
    let colon = start + url[start..at].find(':')?;
    (colon + 1 < at).then_some(colon + 1..at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_field_and_a_comment() {
        let merge = Merge::start();
        assert!(Config::deserialize(merge.defaults.clone()).is_ok());
        for built_in in [DEVELOPMENT, PRODUCTION] {
            let mut merge = Merge::start();
            merge.toml("built-in", built_in);
            assert_eq!(merge.faults, []);
        }
    }

    #[test]
    fn every_secret_is_masked_and_comes_from_the_environment() {
        let fields =
            include_str!("mod.rs").lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(": "));
        let mut secret: Vec<&str> = fields.filter(|(_, kind)| *kind == "SecretString,").map(|(name, _)| name).collect();
        let mut listed: Vec<&str> =
            SECRETS.iter().chain(SECRET_URLS).filter_map(|key| key.rsplit('.').next()).collect();
        secret.sort_unstable();
        listed.sort_unstable();
        assert_eq!(secret, listed);
    }

    #[test]
    fn the_password_of_an_address_is_found() {
        let found = |url: &str| url_password(url).map(|span| url[span].to_owned());
        assert_eq!(found("postgres://a:b@h/d").as_deref(), Some("b"));
        assert_eq!(found("redis://:p@h:6379").as_deref(), Some("p"));
        assert_eq!(found("postgres://a:b@c@h/d").as_deref(), Some("b@c"));
        for none in ["sqlite:data/x.db", "postgres://a@h/d", "redis://h:6379"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}
