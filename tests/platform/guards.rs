//! What a server refuses to start beside or upon, and how it goes.

use matchday::store::sql::data_key;
use matchday::store::sql::db::{DatabaseUrl, Db};
use matchday::vault::Vault;

use crate::support::spawn_app_in;

#[actix_web::test]
async fn another_data_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("m.db"))).await.unwrap();
    data_key::check(&db, &Vault::new(&[1; 32], &[2; 32])).await.unwrap();
    data_key::check(&db, &Vault::new(&[9; 32], &[2; 32])).await.unwrap();
    let refusal = data_key::check(&db, &Vault::new(&[1; 32], &[3; 32])).await.unwrap_err().to_string();
    assert!(refusal.contains("secrets.data_key"), "{refusal}");
}

#[actix_web::test]
async fn sqlite_file_belongs_to_one_server() {
    let folder = tempfile::tempdir().unwrap();
    let first = spawn_app_in(folder.path(), &[]).await;
    let path = folder.path().to_owned();
    let second = std::thread::spawn(move || {
        std::panic::catch_unwind(|| actix_web::rt::System::new().block_on(spawn_app_in(&path, &[])).url.clone())
    });
    assert!(second.join().unwrap().is_err(), "a second server started on the same file");
    first.stop().await;
    spawn_app_in(folder.path(), &[]).await;
}

#[actix_web::test]
async fn draining_server_still_answers_and_says_that_it_goes() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[("server.drain_seconds", "2")]).await;
    assert_eq!(app.get("/readyz").await.status(), 200);
    app.context.shutdown.request();
    // New connections, as a load balancer makes them.
    crate::support::eventually("the light is red", async || {
        reqwest::get(app.at("/readyz")).await.is_ok_and(|answer| answer.status() == 503)
    })
    .await;
}
