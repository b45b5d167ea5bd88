//! The data folder, the database and Redis.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{Access, access, statfs, statvfs};
use secrecy::ExposeSecret;

use super::Finding;
use super::clocks::{Clock, now_ms};
use crate::clients::sso_notice;
use crate::config::{Config, Environment};
use crate::store::redis::inspect as redis_inspect;
use crate::store::sql::db::{DatabaseUrl, Db};
use crate::store::sql::demo;
use crate::store::sql::inspect::{self, Schema};
use crate::store::sql::leftovers;
use crate::vault::Vault;

const FOLDER: &str = "data folder";
const DATABASE: &str = "database";
const REDIS: &str = "redis";

/// Below the first a disk is all but full, below the second it soon may be.
const NO_SPACE: u64 = 100 << 20;
const LITTLE_SPACE: u64 = 2 << 30;
/// File systems over a network, by the kernel's numbers, whose locks SQLite cannot trust: NFS, SMB, CIFS, SMB2.
const NETWORK: [u32; 4] = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42];

/// The nearest folder above a path that is there.
fn standing(path: &Path) -> PathBuf {
    let mut path = path;
    while !path.exists() {
        path = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
    }
    path.to_owned()
}

pub fn folder(config: &Config) -> Vec<Finding> {
    let path = Path::new(&config.data_dir);
    let shown = path.display();
    if path.exists() && !path.is_dir() {
        return vec![Finding::wrong(FOLDER, format!("data_dir = {shown} is a file. Name a folder"))];
    }
    let there = standing(path);
    if access(&there, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let words = format!(
            "this user cannot write into {}. Give data_dir = {shown} to the user that runs the server",
            there.display()
        );
        return vec![Finding::wrong(FOLDER, words)];
    }
    let mut found = vec![match there == path {
        true => Finding::ok(FOLDER, format!("{shown} can be written to")),
        false => Finding::ok(FOLDER, format!("{shown} is not there yet; the first start makes it")),
    }];
    found.extend(space(FOLDER, &there));
    let of_pictures = [free(&there), free(&path.join("uploads"))];
    found.extend(pictures(config, of_pictures.into_iter().flatten().min()));
    found
}

fn free(path: &Path) -> Option<u64> {
    statvfs(path).ok().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// When there is so little that the server refuses pictures.
fn pictures(config: &Config, free: Option<u64>) -> Option<Finding> {
    let floor = config.pictures.free_disk_bytes;
    let free = free.filter(|free| *free < floor)?;
    let words = format!(
        "{} MiB are free, and with less than {} (pictures.free_disk_bytes) no picture is taken: free some space, or lower it",
        free >> 20,
        floor >> 20
    );
    Some(Finding::warning(FOLDER, words))
}

/// Only when there is little.
fn space(about: &'static str, path: &Path) -> Option<Finding> {
    let free = free(path)?;
    let words = |what: &str| format!("{} MiB are free on the disk of {}. {what}", free >> 20, path.display());
    if free < NO_SPACE {
        Some(Finding::wrong(about, words("Writes will fail: free some space")))
    } else if free < LITTLE_SPACE {
        Some(Finding::warning(about, words("A large registration needs gigabytes: free some space")))
    } else {
        None
    }
}

/// What is wrong with the place of a SQLite file, before it is opened.
fn file(path: &Path, config: &Config) -> Vec<Finding> {
    let shown = path.display();
    let mut found = Vec::new();
    let place = standing(path.parent().unwrap_or(Path::new(".")));
    if access(&place, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let words = format!("this user cannot write into {}, where {shown} belongs", place.display());
        found.push(Finding::wrong(DATABASE, words));
    } else if path.exists() && access(path, Access::READ_OK | Access::WRITE_OK).is_err() {
        found.push(Finding::wrong(DATABASE, format!("this user cannot read and write {shown}. Correct its owner")));
    }
    if statfs(&place).is_ok_and(|disk| NETWORK.contains(&(disk.f_type as u32))) {
        let words =
            "the SQLite file is on a network file system, whose locks cannot be trusted. Move it to a local disk";
        found.push(Finding::wrong(DATABASE, words));
    }
    if place != Path::new(&config.data_dir) {
        found.extend(space(DATABASE, &place));
    }
    if fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0) {
        let words = format!("{shown} can be read by other users of this machine: chmod 600");
        found.push(Finding::warning(DATABASE, words));
    }
    if !config.redis.url.expose_secret().is_empty() {
        let words =
            "redis.url is for several nodes, and they need Postgres: a SQLite file has one server. Set database.url";
        found.push(Finding::warning(DATABASE, words));
    }
    found
}

/// A lock that somebody holds. Taken shared and given back at once.
fn has_server(path: &Path) -> bool {
    let Ok(file) = fs::File::open(path.with_extension("lock")) else { return false };
    matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}

/// The findings, and the database if it can be read.
pub async fn database(config: &Config, vault: Option<&Vault>) -> (Vec<Finding>, Option<Db>) {
    let url = match DatabaseUrl::from_str(config.database.url.expose_secret()) {
        Ok(url) => url,
        Err(reason) => return (vec![Finding::wrong(DATABASE, format!("database.url {reason}"))], None),
    };
    let mut found = Vec::new();
    if let DatabaseUrl::Sqlite(path) = &url {
        found = file(path, config);
        let leftovers = leftovers::next_to(path);
        if !path.exists() {
            if !leftovers.is_empty() {
                let words = format!(
                    "there is no {}, but files of an earlier one with its newest rows: {}. The server does not start. \
                     Move them to that database, under its name",
                    path.display(),
                    leftovers::names(&leftovers)
                );
                found.push(Finding::wrong(DATABASE, words));
            }
            if found.is_empty() {
                let words = format!("{} is not there yet; the first start makes it", path.display());
                found.push(Finding::ok(DATABASE, words));
            }
            return (found, None);
        }
        if has_server(path) {
            found.push(Finding::ok(DATABASE, "a server has it open now"));
        }
    }
    let db = match inspect::open(&url).await {
        Ok(db) => db,
        Err(error) => {
            let todo = match &url {
                DatabaseUrl::Sqlite(_) => "Is it a database? Put a backup in its place with matchday restore",
                DatabaseUrl::Postgres(_) => {
                    "Is Postgres running, and are host, port, user, password and name in database.url right?"
                }
            };
            found.push(Finding::wrong(DATABASE, format!("it cannot be opened ({}). {todo}", without_address(&error))));
            return (found, None);
        }
    };
    match content(config, &db, vault).await {
        Ok(of_content) => found.extend(of_content),
        Err(error) => found.push(Finding::wrong(DATABASE, format!("it cannot be read ({error}). Restore a backup"))),
    }
    (found, Some(db))
}

/// The last cause, which names no address.
fn without_address(error: &anyhow::Error) -> String {
    error.root_cause().to_string()
}

async fn content(
    config: &Config,
    db: &Db,
    vault: Option<&Vault>,
) -> Result<Vec<Finding>, crate::store::sql::db::StoreError> {
    let mut found = Vec::new();
    if let Some(reason) = inspect::refuses_writes(db).await? {
        let words =
            format!("it answers, but {reason}. Name the primary and a user that owns the tables in database.url");
        found.push(Finding::wrong(DATABASE, words));
    }
    match inspect::schema(db).await? {
        Schema::Empty => {
            found.push(Finding::ok(DATABASE, "it is empty; the first start makes the tables"));
            return Ok(found);
        }
        Schema::Current => found.push(Finding::ok(DATABASE, "it answers, and its schema is this version's")),
        Schema::Older(steps) => found.push(Finding::warning(
            DATABASE,
            format!("its schema is {steps} step(s) older than this version. Make a backup; the next start brings it up to date"),
        )),
        Schema::Newer(version) => {
            let words = format!("a newer matchday wrote it (step {version}). Run that version, or restore an older backup");
            found.push(Finding::wrong(DATABASE, words));
            return Ok(found);
        }
        Schema::Different(version) => {
            let words = format!(
                "step {version} of its schema is not the one of this version, or ended half-way. Run the version that \
                 made it, or restore a backup"
            );
            found.push(Finding::wrong(DATABASE, words));
            return Ok(found);
        }
    }
    let Some(vault) = vault else { return Ok(found) };
    match inspect::has_key(db, vault).await? {
        Some(true) => found.push(Finding::ok("keys", "the data key is the one of this database")),
        None => {}
        Some(false) => {
            let words = "the data key is not the one that this database was written with: stored players could not be \
                         read, and the server does not start. Set secrets.data_key to the old key";
            found.push(Finding::wrong("keys", words));
            return Ok(found);
        }
    }
    if config.environment == Environment::Production {
        if inspect::schema(db).await? == Schema::Current {
            found.extend(notices(&inspect::told_applications(db).await?));
        }
        let tables = demo::present(db, vault).await?;
        if !tables.is_empty() {
            let words = format!(
                "the demo's rows, whose keys everybody knows, are in {}, and production does not start with them. Use \
                 a database that never held them",
                tables.join(", ")
            );
            found.push(Finding::wrong("demo data", words));
        }
    }
    Ok(found)
}

/// Applications of SSO whose notices give their keys away.
fn notices(told: &[(i64, String)]) -> Option<Finding> {
    let overheard: Vec<String> =
        told.iter().filter(|(_, url)| sso_notice::can_be_overheard(url)).map(|(id, _)| id.to_string()).collect();
    if overheard.is_empty() {
        return None;
    }
    let words = format!(
        "the notify_url of application(s) {} is without TLS: whoever overhears a notice gets the application's keys. \
         Give it an https:// address, and the application new keys",
        overheard.join(", ")
    );
    Some(Finding::wrong("sso applications", words))
}

pub struct OfRedis {
    pub finding: Vec<Finding>,
    pub clock: Option<Clock>,
}

pub async fn redis(config: &Config) -> OfRedis {
    let url = config.redis.url.expose_secret();
    if url.is_empty() {
        let finding = vec![Finding::ok(REDIS, "none: this is the only node")];
        return OfRedis { finding, clock: None };
    }
    let before = now_ms();
    match redis_inspect::time(url).await {
        Ok(time) => {
            let clock = Clock::read("Redis", before, now_ms(), time);
            OfRedis { finding: vec![Finding::ok(REDIS, "it answers")], clock: Some(clock) }
        }
        Err(reason) => {
            let words = format!(
                "it does not answer ({reason}). Nodes would hear of each other only through the database, once a second. \
                 Start it, or correct redis.url"
            );
            OfRedis { finding: vec![Finding::wrong(REDIS, words)], clock: None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn a_disk_on_which_pictures_are_refused_is_told() {
        let sources = crate::config::Sources {
            environment: Some("development".to_owned()),
            config_dir: None,
            variables: Vec::new(),
            flags: vec![("test", "pictures.free_disk_bytes", "1048576".to_owned())],
        };
        let config = sources.load().unwrap().config;
        let found = pictures(&config, Some(1_048_575)).unwrap();
        assert!(found.verdict == Verdict::Warning && found.words.contains("pictures.free_disk_bytes"), "{found}");
        assert_eq!((pictures(&config, Some(1_048_576)), pictures(&config, None)), (None, None));
    }

    #[test]
    fn notices_that_can_be_overheard_are_wrong() {
        let told = |url: &str| notices(&[(1, "https://a.example/n".to_owned()), (7, url.to_owned())]);
        for near in
            ["https://b.example/", "http://127.0.0.1:9/", "http://10.1.2.3/", "http://localhost/", "http://[::1]/"]
        {
            assert_eq!(told(near), None, "{near}");
        }
        let found = told("http://b.example/").unwrap();
        assert!(found.verdict == Verdict::Wrong && found.words.contains("application(s) 7 "), "{found}");
    }
}
