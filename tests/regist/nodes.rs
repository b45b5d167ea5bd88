//! What one node knows of a nonce the other knows, also after a restart; on both databases.

use super::client::{Call, JSON, members};
use crate::support::{TestApp, postgres, spawn_app_in};

fn call(app: &TestApp) -> Call {
    Call::new(app, JSON, members("runner", "13900000001", "123456"))
}

fn is_used(challenge: &Option<String>) -> bool {
    challenge.as_deref() == Some("Hawk error=\"Invalid nonce\"")
}

/// The call for another node: it hears the same bytes, behind a proxy that gave both one name.
async fn replayed(one: &TestApp, other: &TestApp) {
    let mut call = call(one);
    call.host = ("race.example".to_owned(), 443);
    assert_eq!(call.send(one).await.errcode(), 2);
    assert!(is_used(&call.send(one).await.challenge));
    assert!(is_used(&call.send(other).await.challenge));
    let fresh = Call { nonce: "fresh".to_owned(), ..call };
    let (here, there) = futures_util::join!(fresh.send(one), fresh.send(other));
    let mut statuses = [here.status, there.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401], "only one of the nodes takes it");
}

const PROXY: [(&str, &str); 2] = [("regist.public_host", "race.example"), ("regist.public_port", "443")];

#[actix_web::test]
async fn a_replay_is_known_to_the_other_node() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = PROXY.to_vec();
    // A bus that is not there: the nodes hear of each other through SQL alone.
    settings.push(("redis.url", "redis://127.0.0.1:9"));
    let one = spawn_app_in(folder.path(), &settings).await;
    let other = spawn_app_in(folder.path(), &settings).await;
    replayed(&one, &other).await;
}

#[actix_web::test]
async fn a_replay_is_known_to_the_other_node_on_postgres() {
    let Some(database) = postgres::Database::create().await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut settings = PROXY.to_vec();
    settings.push(("database.url", &database.url));
    let one = spawn_app_in(folder.path(), &settings).await;
    let other = spawn_app_in(folder.path(), &settings).await;
    replayed(&one, &other).await;
    one.stop().await;
    other.stop().await;
    database.drop().await;
}

#[actix_web::test]
async fn a_replay_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let one = spawn_app_in(folder.path(), &PROXY).await;
    let mut call = call(&one);
    call.host = ("race.example".to_owned(), 443);
    assert_eq!(call.send(&one).await.errcode(), 2);
    one.stop().await;
    let other = spawn_app_in(folder.path(), &PROXY).await;
    assert!(is_used(&call.send(&other).await.challenge));
    assert_eq!(Call { nonce: "fresh".to_owned(), ..call }.send(&other).await.errcode(), 2);
}
