//! Copies of a database that is in use.

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
