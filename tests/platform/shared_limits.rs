//! Limits over several nodes: counted together in Redis, and by each node alone while Redis is away.

use std::time::{Duration, Instant};

use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::error::DomainError;
use matchday::service::limits::Realm;
use matchday::service::password_tries;

use crate::support::redis_gate::RedisGate;
use crate::support::{TestApp, eventually, spawn_app_in};

const RUNNER: AccountId = AccountId(4711);
/// A try comes back every twenty seconds.
const PER_MINUTE: &str = "3";
/// Longer than any answer of a busy machine takes.
const PATIENT: &str = "20000";

fn address(text: &str) -> CallerAddress {
    CallerAddress::known(text.parse().unwrap())
}

async fn node(folder: &std::path::Path, redis: &str, wait: &str) -> TestApp {
    let settings = [
        ("limits.enabled", "true"),
        ("limits.enqueues_per_minute_per_account", PER_MINUTE),
        ("redis.url", redis),
        ("redis.count_wait_milliseconds", wait),
    ];
    spawn_app_in(folder, &settings).await
}

async fn admitted(app: &TestApp, account: AccountId) -> usize {
    let mut admitted = 0;
    while app.context.limits.enqueue(account).await.is_ok() {
        admitted += 1;
    }
    admitted
}

fn is_shared(app: &TestApp) -> bool {
    app.context.limits.sharing().unwrap().shared
}

#[actix_web::test]
async fn nodes_over_one_redis_share_a_limit() {
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = node(folder.path(), &redis, PATIENT).await;
    let other = node(folder.path(), &redis, PATIENT).await;
    assert_eq!(one.context.limits.enqueue(RUNNER).await, Ok(()));
    assert_eq!(admitted(&other, RUNNER).await, 2);
    let refused = one.context.limits.enqueue(RUNNER).await;
    assert!(matches!(refused, Err(DomainError::RateLimited { retry_after_seconds: 1..=21 })), "{refused:?}");
    assert_eq!(admitted(&one, AccountId(4712)).await, 3, "another person has tries of their own");
    assert!(is_shared(&one) && is_shared(&other));

    // The red twin: without Redis each node admits as many.
    let folder = tempfile::tempdir().unwrap();
    let one = node(folder.path(), "redis://127.0.0.1:9", "1").await;
    let other = node(folder.path(), "redis://127.0.0.1:9", "1").await;
    assert_eq!((admitted(&one, RUNNER).await, admitted(&other, RUNNER).await), (3, 3));
    assert!(!is_shared(&one) && !is_shared(&other));
}

#[actix_web::test]
async fn wrong_passwords_count_over_nodes_and_right_ones_are_given_back() {
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = node(folder.path(), &redis, PATIENT).await;
    let other = node(folder.path(), &redis, PATIENT).await;
    let here = address("203.0.113.9");
    for round in 0..10 {
        let app = if round % 2 == 0 { &one } else { &other };
        for _ in 0..3 {
            let tried = password_tries::begin(&app.context, Realm::Admins, here, "anna").await.unwrap();
            tried.succeeded(&app.context).await;
        }
        let tried = password_tries::begin(&app.context, Realm::Admins, here, "anna").await.unwrap();
        tried.failed(&app.context, &DomainError::BadCredentials).await;
    }
    for app in [&one, &other] {
        let refused = password_tries::begin(&app.context, Realm::Admins, here, "anna").await.err();
        assert!(matches!(refused, Some(DomainError::RateLimited { .. })), "{refused:?}");
    }
    let elsewhere = address("203.0.113.10");
    assert!(password_tries::begin(&one.context, Realm::Admins, elsewhere, "anna").await.is_ok());
}

#[actix_web::test]
async fn a_silent_redis_costs_its_wait_once_and_is_found_again() {
    let Some(gate) = RedisGate::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let wait = Duration::from_secs(3);
    let app = node(folder.path(), &gate.url, "3000").await;
    assert_eq!(admitted(&app, RUNNER).await, 3);
    assert!(is_shared(&app));
    gate.stall();
    let start = Instant::now();
    for account in 0..20 {
        assert_eq!(admitted(&app, AccountId(account)).await, 3, "counted by this node alone");
    }
    // Eighty decisions: each would have waited.
    assert!(start.elapsed() < wait * 10, "{:?}", start.elapsed());
    let away = app.context.limits.sharing().unwrap();
    assert_eq!((away.shared, away.changes), (false, 1), "the change is reported once");
    gate.reopen();
    eventually("Redis is found again", async || is_shared(&app)).await;
    assert_eq!(app.context.limits.sharing().unwrap().changes, 2);
    assert_eq!(admitted(&app, AccountId(0)).await, 3, "and counts");
    let figures = app.client.get(format!("{}/metrics", app.internal_url)).send().await.unwrap().text().await.unwrap();
    for line in ["matchday_limits_shared 1", "matchday_limits_shared_changes_total 2"] {
        assert!(figures.contains(line), "{figures}");
    }
}

#[actix_web::test]
async fn a_redis_that_is_killed_is_found_again() {
    let Some(gate) = RedisGate::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    let app = node(folder.path(), &gate.url, PATIENT).await;
    assert_eq!(admitted(&app, RUNNER).await, 3);
    gate.cut();
    assert_eq!(admitted(&app, AccountId(1)).await, 3, "counted by this node alone");
    assert!(!is_shared(&app));
    gate.reopen();
    eventually("Redis is found again", async || is_shared(&app)).await;
    let refused = app.context.limits.enqueue(RUNNER).await;
    assert!(refused.is_err() || admitted(&app, RUNNER).await < 3, "Redis still had the counts");
}

#[actix_web::test]
async fn keys_in_redis_end_and_name_nobody() {
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let app = node(folder.path(), &redis, PATIENT).await;
    let here = address("203.0.113.77");
    let tried = password_tries::begin(&app.context, Realm::LoginNames, here, "runner-anna").await.unwrap();
    tried.failed(&app.context, &DomainError::BadCredentials).await;
    let mut connection = redis::Client::open(redis).unwrap().get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> =
        redis::cmd("KEYS").arg("matchday:limit:{login-wrong}:*").query_async(&mut connection).await.unwrap();
    assert!(keys.len() >= 2, "{keys:?}");
    for key in keys {
        assert!(!key.contains("anna") && !key.contains("203.0"), "{key}");
        let hash = key.rsplit(':').next().unwrap();
        assert!(hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key}");
        let left: i64 = redis::cmd("PTTL").arg(&key).query_async(&mut connection).await.unwrap();
        assert!(left == -2 || (1..=600_000).contains(&left), "{key} ends in {left} ms");
    }
}

#[actix_web::test]
async fn a_check_counts_for_its_address_and_its_application_or_for_neither() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        [("limits.enabled", "true"), ("sso.checks_per_minute", "2"), ("sso.checks_per_minute_per_application", "3")];
    let app = spawn_app_in(folder.path(), &settings).await;
    for (application, from, may) in [
        (1, "10.0.0.1", true),
        (1, "10.0.0.1", true),
        // The address has had its two, and its refused checks do not count for the application.
        (1, "10.0.0.1", false),
        (1, "10.0.0.1", false),
        (1, "10.0.0.2", true),
        (1, "10.0.0.3", false),
        (2, "10.0.0.4", true),
    ] {
        let checked = app.context.limits.sso_check(application, CallerAddress::known(from.parse().unwrap())).await;
        assert_eq!(checked.is_ok(), may, "{application} {from}");
    }
    assert_eq!(app.context.limits.sharing(), None, "one node without Redis");
}
