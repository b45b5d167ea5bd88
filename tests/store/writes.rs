//! `Db::write`: all or nothing, alone or together with others, whatever a job does.

use actors::error::DomainError;
use matchday::args;
use matchday::store::sql::db::{DatabaseUrl, Db};

use super::databases::{count, on_each};

async fn insert(db: Db, code: String, end: Result<(), DomainError>) -> Result<(), DomainError> {
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute("INSERT INTO site_configs (code, content, updated_at) VALUES ($1, '', 0)", args![code]).await?;
            end
        })
    })
    .await
}

#[actix_web::test]
async fn failed_writes_are_undone_alone_among_many() {
    on_each(0, async |fixture| {
        let jobs = (0..100).map(|number| {
            let end = if number % 3 == 0 { Err(DomainError::Forbidden) } else { Ok(()) };
            insert(fixture.db.clone(), format!("code-{number}"), end)
        });
        let outcomes = futures_util::future::join_all(jobs).await;
        let failed = outcomes.iter().filter(|outcome| **outcome == Err(DomainError::Forbidden)).count();
        assert_eq!((failed, outcomes.iter().filter(|outcome| outcome.is_ok()).count()), (34, 66));
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM site_configs").await, 66);
    })
    .await;
}

#[actix_web::test]
async fn panic_in_a_write_is_undone_and_the_next_works() {
    on_each(0, async |fixture| {
        let outcome: Result<(), _> = fixture
            .db
            .write(|tx| {
                Box::pin(async move {
                    tx.execute("INSERT INTO site_configs (code, content, updated_at) VALUES ('p', '', 0)", args![])
                        .await?;
                    panic!("asked to")
                })
            })
            .await;
        assert!(matches!(outcome, Err(DomainError::Busy { .. })));
        insert(fixture.db.clone(), "after".to_owned(), Ok(())).await.unwrap();
        assert_eq!(count(&fixture.db, "SELECT COUNT(*) AS n FROM site_configs").await, 1);
    })
    .await;
}

#[actix_web::test]
async fn dropped_caller_leaves_a_whole_write() {
    on_each(0, async |fixture| {
        let mut write = Box::pin(insert(fixture.db.clone(), "kept".to_owned(), Ok(())));
        // Polled once: the job is handed over; then its caller goes away.
        assert!(futures_util::poll!(&mut write).is_pending());
        drop(write);
        insert(fixture.db.clone(), "later".to_owned(), Ok(())).await.unwrap();
        while count(&fixture.db, "SELECT COUNT(*) AS n FROM site_configs").await < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn the_sqlite_files_are_their_owner_s_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/matchday.db");
    let db = Db::open(&DatabaseUrl::Sqlite(path.clone())).await.unwrap();
    let insert = "INSERT INTO accounts (username, register_time) VALUES ('x', 0)";
    db.write(move |tx| Box::pin(async move { Ok(tx.execute(insert, vec![]).await?) })).await.unwrap();
    let mut names = Vec::new();
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["matchday.db", "matchday.db-shm", "matchday.db-wal"]);
    db.close().await;
    let again = Db::open(&DatabaseUrl::Sqlite(path)).await.unwrap();
    again.ping().await.unwrap();
}
