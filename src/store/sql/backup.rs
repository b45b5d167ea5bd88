//! A consistent copy of a SQLite database while it is in use, and putting one back. Postgres has `pg_dump`.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use super::db::{DatabaseUrl, Db};
use crate::args;

/// Writes the database as of now into `to`, which must not exist. The server may run meanwhile.
pub async fn backup(url: &DatabaseUrl, to: &Path) -> anyhow::Result<()> {
    let path = sqlite_path(url)?;
    ensure!(path.exists(), "there is no database at {}", path.display());
    ensure!(!to.exists(), "{} exists already; a backup never overwrites", to.display());
    let to_text = to.to_str().context("the backup's path must be UTF-8")?;
    // The copy is written with the process's own mask; nobody else may read it in between.
    let file = std::fs::File::create_new(to).with_context(|| format!("{} cannot be written", to.display()))?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await?;
    let copied = sqlx::query("VACUUM INTO $1").bind(to_text.to_owned()).execute(&mut connection).await;
    connection.close().await?;
    if let Err(error) = copied {
        std::fs::remove_file(to)?;
        return Err(error).context("copying the database");
    }
    check(to).await?;
    std::fs::File::open(to)?.sync_all()?;
    Ok(())
}

/// Puts a backup in the place of a database that does not exist, and gives every room a new epoch: clients that knew
/// lines from after the backup must not take the next ones for a continuation.
pub async fn restore(url: &DatabaseUrl, from: &Path) -> anyhow::Result<()> {
    let path = sqlite_path(url)?;
    ensure!(!path.exists(), "{} exists already; move it away first", path.display());
    check(from).await?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::copy(from, path)?;
    std::fs::File::open(path)?.sync_all()?;
    let db = Db::open(url).await?;
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
    db.close().await;
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
