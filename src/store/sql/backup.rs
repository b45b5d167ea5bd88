//! A consistent copy of a SQLite database while it is in use, and putting one back. Postgres has `pg_dump`.

use std::path::Path;

use anyhow::{Context, bail, ensure};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::db::{DatabaseUrl, Db};
use super::draft::Draft;
use super::leftovers;
use crate::args;

/// Writes the database as of now into `to`, which must not exist. The server may run meanwhile. `to` appears when it is
/// complete.
pub async fn backup(url: &DatabaseUrl, to: &Path) -> anyhow::Result<()> {
    let path = sqlite_path(url)?;
    ensure!(path.exists(), "there is no database at {}", path.display());
    ensure!(!to.exists(), "{} exists already; a backup never overwrites", to.display());
    leftovers::refuse(to)?;
    // The copy is written with the process's own mask; nobody else may read it in between.
    let draft = Draft::create(to)?;
    let name = draft.path.to_str().context("the backup's path must be UTF-8")?.to_owned();
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(name).execute(&mut connection).await;
    connection.close().await?;
    copied.context("copying the database")?;
    check(&draft.path).await?;
    draft.keep(to)
}

/// Puts a backup in the place of a database that does not exist, and gives every room a new epoch: clients that knew
/// lines from after the backup must not take the next ones for a continuation. All is done under another name first, so
/// that a restore that fails leaves nothing, and one that is killed leaves nothing under the database's name.
///
/// Errors: a database in that place, or files of one, which are named; a backup that is damaged, was written by a newer
/// version, or was not finished.
pub async fn restore(url: &DatabaseUrl, from: &Path) -> anyhow::Result<()> {
    let path = sqlite_path(url)?;
    let log = leftovers::next_to(path);
    if path.exists() {
        let with = if log.is_empty() { String::new() } else { format!(", together with {}", leftovers::names(&log)) };
        bail!("{} exists already; move it away first{with}", path.display());
    }
    leftovers::refuse(path)?;
    let unfinished = leftovers::next_to(from);
    ensure!(
        unfinished.is_empty(),
        "{} is not a finished backup: a part of it is in {}. Make backups with matchday backup",
        from.display(),
        leftovers::names(&unfinished)
    );
    check(from).await?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let draft = Draft::create(path)?;
    std::io::copy(&mut std::fs::File::open(from)?, &mut &draft.file).context("copying the backup")?;
    let db = Db::open(&DatabaseUrl::Sqlite(draft.path.clone())).await.context("opening the backup")?;
    let renewed = renew_epochs(&db).await;
    db.close().await;
    renewed?;
    draft.keep(path)
}

async fn renew_epochs(db: &Db) -> anyhow::Result<()> {
    db.write(|tx| {
        Box::pin(async move {
            for room in tx.fetch_all("SELECT live_id FROM rooms", args![]).await? {
                let epoch = format!("{:016x}", rand::random::<u64>());
                tx.execute("UPDATE rooms SET epoch = $2 WHERE live_id = $1", args![room.int("live_id")?, epoch])
                    .await?;
            }
            Ok(())
        })
    })
    .await?;
    Ok(())
}

fn sqlite_path(url: &DatabaseUrl) -> anyhow::Result<&Path> {
    match url {
        DatabaseUrl::Sqlite(path) => Ok(path),
        DatabaseUrl::Postgres(_) => bail!("this copies SQLite files; use pg_dump and pg_restore for Postgres"),
    }
}

async fn check(path: &Path) -> anyhow::Result<()> {
    let mut connection: SqliteConnection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(true)
        // Nobody writes it, so SQLite need not make files next to it for those who would.
        .immutable(true)
        .connect()
        .await
        .with_context(|| format!("opening {}", path.display()))?;
    let found: (String,) = sqlx::query_as("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .with_context(|| format!("{} is not a SQLite database", path.display()))?;
    connection.close().await?;
    ensure!(found.0 == "ok", "{} is damaged: {}", path.display(), found.0);
    Ok(())
}
