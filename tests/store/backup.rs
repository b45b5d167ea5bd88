//! Copies of a database that is in use.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use matchday::args;
use matchday::store::sql::backup::{backup, restore};
use matchday::store::sql::db::{DatabaseUrl, Db};

use super::databases::{count, sqlite};

async fn room(db: &Db) {
    db.write(|tx| {
        Box::pin(async move {
            tx.execute("INSERT INTO lives (title, publish_time, created_at) VALUES ('live', 1, 1)", args![]).await?;
            tx.execute("INSERT INTO rooms (live_id, epoch) VALUES (1, 'before')", args![]).await?;
            Ok(())
        })
    })
    .await
    .unwrap();
}

#[actix_web::test]
async fn backup_of_a_running_database_comes_back_with_new_epochs() {
    let fixture = sqlite(7).await;
    room(&fixture.db).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    backup(&fixture.url, &copy).await.unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&copy).unwrap()) & 0o777, 0o600);
    assert!(backup(&fixture.url, &copy).await.is_err(), "never over another file");

    let restored = DatabaseUrl::Sqlite(folder.path().join("new/place.db"));
    restore(&restored, &copy).await.unwrap();
    let db = Db::open(&restored).await.unwrap();
    assert_eq!(count(&db, "SELECT limitation AS n FROM game_queue").await, 7);
    assert_eq!(count(&db, "SELECT COUNT(*) AS n FROM rooms WHERE epoch = 'before'").await, 0);
    assert!(restore(&restored, &copy).await.is_err(), "never over a database");
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A database as it lies there after its server was killed: the newest rows are in the log.
async fn killed(folder: &Path) -> PathBuf {
    let fixture = sqlite(7).await;
    room(&fixture.db).await;
    let DatabaseUrl::Sqlite(path) = &fixture.url else { unreachable!() };
    for ending in ["", "-wal", "-shm"] {
        std::fs::copy(format!("{}{ending}", path.display()), folder.join(format!("matchday.db{ending}"))).unwrap();
    }
    folder.join("matchday.db")
}

#[actix_web::test]
async fn restore_touches_no_log_of_another_database_and_works_once_it_is_moved() {
    let folder = tempfile::tempdir().unwrap();
    let path = killed(folder.path()).await;
    let url = DatabaseUrl::Sqlite(path.clone());
    let copy = folder.path().join("copy.db");
    backup(&url, &copy).await.unwrap();
    let refusal = restore(&url, &copy).await.unwrap_err().to_string();
    assert!(refusal.contains("exists already") && refusal.contains("matchday.db-wal"), "{refusal}");

    let old = folder.path().join("old");
    std::fs::create_dir(&old).unwrap();
    std::fs::rename(&path, old.join("matchday.db")).unwrap();
    let before = names(folder.path());
    for ending in ["-wal", "-shm"] {
        let log = std::fs::read(folder.path().join(format!("matchday.db{ending}"))).unwrap();
        for refused in [restore(&url, &copy).await.unwrap_err(), Db::open(&url).await.err().unwrap()] {
            let refused = format!("{refused:#}");
            assert!(refused.contains(&format!("matchday.db{ending}")), "{refused}");
        }
        assert_eq!(names(folder.path()), before, "nothing was written");
        assert_eq!(std::fs::read(folder.path().join(format!("matchday.db{ending}"))).unwrap(), log);
    }
    for ending in ["-wal", "-shm"] {
        let name = format!("matchday.db{ending}");
        std::fs::rename(folder.path().join(&name), old.join(&name)).unwrap();
    }
    restore(&url, &copy).await.unwrap();
    assert_eq!(names(folder.path()), ["copy.db", "matchday.db", "old"]);
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&path).unwrap()) & 0o777, 0o600);
    for place in [&path, &old.join("matchday.db")] {
        let db = Db::open(&DatabaseUrl::Sqlite(place.clone())).await.unwrap();
        assert_eq!(count(&db, "SELECT limitation AS n FROM game_queue").await, 7, "{}", place.display());
        db.close().await;
    }
}

#[actix_web::test]
async fn a_restore_that_fails_leaves_nothing_and_one_that_was_killed_is_no_obstacle() {
    let fixture = sqlite(7).await;
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("matchday.db"));
    let copy = folder.path().join("copy.db");
    backup(&fixture.url, &copy).await.unwrap();

    // Written by a newer version: found only after it was copied.
    let newer = folder.path().join("newer.db");
    std::fs::copy(&copy, &newer).unwrap();
    let db = Db::open(&DatabaseUrl::Sqlite(newer.clone())).await.unwrap();
    db.write(|tx| {
        Box::pin(async move {
            let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                       VALUES (9999, 'later', 1, X'00', 0)";
            Ok(tx.execute(sql, args![]).await?)
        })
    })
    .await
    .unwrap();
    db.close().await;
    let before = names(folder.path());
    assert!(restore(&url, &newer).await.is_err());
    assert_eq!(names(folder.path()), before, "nothing is left");

    // What a killed one leaves is half a database, under a name of its own.
    let half = std::fs::read(&copy).unwrap();
    std::fs::write(folder.path().join("matchday.db.draft"), &half[..half.len() / 2]).unwrap();
    std::fs::write(folder.path().join("matchday.db.draft-wal"), "rows").unwrap();
    restore(&url, &copy).await.unwrap();
    assert_eq!(names(folder.path()), ["copy.db", "matchday.db", "newer.db"]);

    // A copy whose log lies next to it is half of what was there.
    std::fs::write(folder.path().join("copy.db-wal"), "rows").unwrap();
    let elsewhere = DatabaseUrl::Sqlite(folder.path().join("elsewhere.db"));
    let refused = restore(&elsewhere, &copy).await.unwrap_err().to_string();
    assert!(refused.contains("is not a finished backup"), "{refused}");
}

#[actix_web::test]
async fn a_restore_that_is_killed_in_the_middle_leaves_no_half_database() {
    let fixture = sqlite(7).await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    backup(&fixture.url, &copy).await.unwrap();
    let restore = |most_blocks: &str| {
        // The system kills a program that writes a longer file.
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -c 0; ulimit -f $0; exec \"$@\"", most_blocks, env!("CARGO_BIN_EXE_matchday")]);
        shell.arg("restore").arg(&copy).arg("--data-dir").arg(folder.path());
        shell.current_dir(folder.path()).env_clear().output().unwrap()
    };
    let killed = restore("64");
    assert!(killed.status.signal().is_some(), "{killed:?}");
    assert_eq!(names(folder.path()), ["copy.db", "matchday.db.draft"]);
    let restored = restore("unlimited");
    assert!(restored.status.success(), "{restored:?}");
    assert_eq!(names(folder.path()), ["copy.db", "matchday.db"]);
}

#[actix_web::test]
async fn two_restores_do_not_write_one_draft() {
    let fixture = sqlite(7).await;
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::Sqlite(folder.path().join("matchday.db"));
    let copy = folder.path().join("copy.db");
    backup(&fixture.url, &copy).await.unwrap();
    let draft = std::fs::File::create(folder.path().join("matchday.db.draft")).unwrap();
    draft.lock().unwrap();
    let refused = restore(&url, &copy).await.unwrap_err().to_string();
    assert!(refused.contains("another program is writing"), "{refused}");
    drop(draft);
    restore(&url, &copy).await.unwrap();
}

#[actix_web::test]
async fn what_is_no_database_is_refused_and_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let rubbish = folder.path().join("rubbish");
    std::fs::write(&rubbish, "not a database at all, but long enough to look like one ".repeat(40)).unwrap();
    let place = folder.path().join("place.db");
    assert!(restore(&DatabaseUrl::Sqlite(place.clone()), &rubbish).await.is_err());
    assert!(!place.exists());
    let missing = DatabaseUrl::Sqlite(folder.path().join("missing.db"));
    assert!(backup(&missing, &folder.path().join("copy.db")).await.is_err());
    assert!(!folder.path().join("copy.db").exists());
    let postgres: DatabaseUrl = "postgres://localhost/x".parse().unwrap();
    assert!(backup(&postgres, &folder.path().join("copy.db")).await.is_err());
}
