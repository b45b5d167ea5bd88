//! One-time links and how they end; what the audit trail keeps of signing in; sessions and changed passwords.

use std::net::{IpAddr, Ipv4Addr};

use actors::domain::account::Role;
use actors::domain::caller_address::CallerAddress;
use actors::error::DomainError;
use matchday::args;
use matchday::service::admins::{self, FirstStart};
use matchday::service::{admin_links, admin_trail};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::fixtures::{execute, person};
use crate::support::{ADMIN, TestApp, spawn_app};

fn here() -> CallerAddress {
    CallerAddress::known(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

async fn post(app: &TestApp, path: &str, body: Value) -> (StatusCode, Value) {
    let answer = app.client.post(app.at(&format!("/admin/api/v1/{path}"))).json(&body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn link(app: &TestApp) -> String {
    match admins::first_start(&app.context).await.unwrap() {
        FirstStart::Link(token) => token,
        _ => panic!("there is no administrator yet"),
    }
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    app.context.db.fetch_one(sql, args![]).await.unwrap().int("n").unwrap()
}

/// The newest entries, the newest first.
async fn trail(app: &TestApp, search: &str) -> Vec<Value> {
    let token = app.admin_token().await;
    let page = app.get_as(&format!("/admin/api/v1/audit?size=100&search={search}"), &token).await;
    page["data"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn the_setup_link_ends_however_an_administrator_is_made() {
    let set_up = |token: &str, name: &str| json!({"token": token, "username": name, "password": "long enough"});
    let app = spawn_app(&[("admin.password", "")]).await;
    let token = link(&app).await;
    admins::create_from_command_line(&app.context.db, "eva", "a password", Role::Editor).await.unwrap();
    assert_eq!(post(&app, "setup", set_up(&token, "chief")).await.0, 401);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admin_setup_links").await, 0);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admins").await, 1);

    // One that is left over from another version, or from a copy of the database.
    let unused = "INSERT INTO admin_setup_links (token_hash, created_at, expires_at) VALUES ($1, 0, $2)";
    let hash = "d7c16f8f4e9b1e2a3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192a3";
    execute(&app.context.db, unused, args![hash, i64::MAX]).await;
    assert!(matches!(admins::first_start(&app.context).await, Ok(FirstStart::NotFirst)));
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admin_setup_links").await, 0, "every start ends them");
}

#[actix_web::test]
async fn a_good_setup_link_makes_no_second_owner() {
    let app = spawn_app(&[("admin.password", "")]).await;
    let token = link(&app).await;
    // Behind the server's back, so that the link is still there.
    let insert = "INSERT INTO admins (username, password_hash, role, created_at) VALUES ('old', '', 'owner', 0)";
    execute(&app.context.db, insert, args![]).await;
    let body = json!({"token": token, "username": "chief", "password": "long enough"});
    assert_eq!(post(&app, "setup", body).await.0, 401);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admins").await, 1);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admin_setup_links WHERE used_at IS NULL").await, 1, "undone");
}

#[actix_web::test]
async fn of_two_links_that_are_used_at_once_one_makes_the_owner() {
    let app = spawn_app(&[("admin.password", "")]).await;
    let tokens: Vec<String> = (0..2).map(|_| hex::encode(rand::random::<[u8; 32]>())).collect();
    for token in &tokens {
        let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(token.as_bytes()));
        let insert = "INSERT INTO admin_setup_links (token_hash, created_at, expires_at) VALUES ($1, 0, $2)";
        execute(&app.context.db, insert, args![hash, i64::MAX]).await;
    }
    let body = |at: usize| json!({"token": tokens[at], "username": format!("chief{at}"), "password": "long enough"});
    let (one, two) = tokio::join!(post(&app, "setup", body(0)), post(&app, "setup", body(1)));
    let mut statuses = [one.0.as_u16(), two.0.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401]);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admins").await, 1);
}

#[actix_web::test]
async fn a_reset_link_works_once_and_ends_with_any_other_change_of_the_password() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let before = app.admin_token().await;
    let reset = |token: &str, password: &str| json!({"token": token, "password": password});
    let first = admin_links::create_from_command_line(db, ADMIN.0).await.unwrap();
    let second = admin_links::create_from_command_line(db, ADMIN.0).await.unwrap();
    assert_eq!(post(&app, "reset", reset(&first, "long enough")).await.0, 401, "a newer link replaces it");
    assert_eq!(post(&app, "reset", reset(&second, "short")).await.1["field"], "password");
    assert_eq!(app.get_as("/admin/api/v1/me", &before).await["role"], "owner", "nothing happened yet");
    let (status, session) = post(&app, "reset", reset(&second, "long enough")).await;
    assert_eq!((status.as_u16(), &session["admin"]["username"]), (200, &json!(ADMIN.0)));
    assert_eq!(app.get_as("/admin/api/v1/me", &before).await["code"], "unauthenticated", "all sessions ended");
    assert_eq!(post(&app, "reset", reset(&second, "long enough")).await.0, 401, "used");

    let stale = admin_links::create_from_command_line(db, ADMIN.0).await.unwrap();
    admins::reset_from_command_line(db, ADMIN.0, "another one").await.unwrap();
    assert_eq!(post(&app, "reset", reset(&stale, "long enough")).await.0, 401, "changed on the command line");

    let stale = admin_links::create_from_command_line(db, ADMIN.0).await.unwrap();
    let owner = post(&app, "login", json!({"username": ADMIN.0, "password": "another one"})).await.1;
    let path = app.at("/admin/api/v1/admins/1");
    let token = owner["token"].as_str().unwrap();
    let patched = app.client.patch(path).bearer_auth(token).json(&json!({"password": "a third one"}));
    assert_eq!(patched.send().await.unwrap().status(), 200);
    assert_eq!(post(&app, "reset", reset(&stale, "long enough")).await.0, 401, "changed by an owner");

    let late = admin_links::create_from_command_line(db, ADMIN.0).await.unwrap();
    db.advance_clock(std::time::Duration::from_secs(3601));
    assert_eq!(post(&app, "reset", reset(&late, "long enough")).await.0, 401, "an hour");
    let unknown = admin_links::create_from_command_line(db, "nobody").await;
    assert!(matches!(unknown, Err(DomainError::NotFound(_))));
}

#[actix_web::test]
async fn a_sign_in_that_races_a_reset_gets_no_session() {
    let app = spawn_app(&[]).await;
    let (context, db) = (&app.context, &app.context.db);
    // The password fitted, and the reset commits before the session is made.
    let verified = admins::verify(context, here(), ADMIN.0, ADMIN.1).await.unwrap();
    admins::reset_from_command_line(db, ADMIN.0, "another one").await.unwrap();
    assert!(matches!(verified.open(context).await, Err(DomainError::BadCredentials)));
    let verified = admins::verify(context, here(), ADMIN.0, "another one").await.unwrap();
    admins::create_from_command_line(db, "second", "a password", Role::Owner).await.unwrap();
    execute(db, "UPDATE admins SET status = 0 WHERE username = 'admin'", args![]).await;
    assert!(matches!(verified.open(context).await, Err(DomainError::BadCredentials)), "disabled meanwhile");
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM admin_sessions").await, 0);
    // A role that changed meanwhile is the new one.
    let verified = admins::verify(context, here(), "second", "a password").await.unwrap();
    execute(db, "UPDATE admins SET role = 'cashier' WHERE username = 'second'", args![]).await;
    assert_eq!(verified.open(context).await.unwrap().admin.role, Role::Cashier);
}

#[actix_web::test]
async fn sign_ins_and_sign_outs_are_in_the_audit_trail() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let answer = app.client.post(app.at("/admin/api/v1/logout")).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(post(&app, "login", json!({"username": ADMIN.0, "password": "wrong"})).await.0, 401);
    assert_eq!(post(&app, "login", json!({"username": ADMIN.0, "password": "wrong again"})).await.0, 401);
    assert_eq!(post(&app, "login", json!({"username": "my secret", "password": "x"})).await.0, 401);
    let entries = trail(&app, "sign-").await;
    let shown: Vec<_> = entries
        .iter()
        .map(|it| {
            (it["action"].as_str().unwrap(), it["admin_id"].as_i64(), it["entity_id"].as_str().unwrap(), &it["times"])
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("sign-in", Some(1), "1", &json!(1)),
            ("sign-in-failed", None, "0", &json!(1)),
            ("sign-in-failed", None, "1", &json!(2)),
            ("sign-out", Some(1), "1", &json!(1)),
            ("sign-in", Some(1), "1", &json!(1)),
        ]
    );
    assert!(entries.iter().all(|entry| entry["after"]["address"] == "127.0.0.1"));
    assert_eq!(entries[1]["after"]["username"], Value::Null, "people type passwords there");
    assert!(entries[2]["last_time"].is_string() && entries[1]["last_time"].is_null());
    assert_eq!(entries[2]["admin_name"], "not signed in");
}

#[actix_web::test]
async fn the_try_that_locks_is_told_from_the_others_and_those_after_it_write_nothing() {
    let app = spawn_app(&[]).await;
    for _ in 0..10 {
        assert_eq!(post(&app, "login", json!({"username": ADMIN.0, "password": "wrong"})).await.0, 401);
    }
    let entries =
        "SELECT CAST(SUM(times) AS BIGINT) AS n FROM audit WHERE action IN ('sign-in-failed', 'sign-in-locked')";
    assert_eq!(count(&app, entries).await, 10);
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM audit WHERE action = 'sign-in-locked'").await, 1);
    for _ in 0..5 {
        assert_eq!(post(&app, "login", json!({"username": ADMIN.0, "password": "wrong"})).await.0, 429);
    }
    assert_eq!(count(&app, entries).await, 10);
}

#[actix_web::test]
async fn strangers_do_not_fill_the_audit_trail() {
    let app = spawn_app(&[]).await;
    let context = &app.context;
    for host in 0..260_u32 {
        let address = CallerAddress::known(IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + host)));
        admin_trail::failed(context, address, None, admin_trail::Failure::Wrong).await;
    }
    let failures = "SELECT COUNT(*) AS n FROM audit WHERE action = 'sign-in-failed'";
    assert_eq!(count(&app, failures).await, 201, "200 addresses an hour, and one entry for all others");
    assert_eq!(count(&app, "SELECT MAX(times) AS n FROM audit").await, 60);
    // What was done is kept, who signed in is not.
    context.db.advance_clock(std::time::Duration::from_secs(181 * 24 * 3600));
    let kept = count(&app, "SELECT COUNT(*) AS n FROM audit WHERE period IS NULL").await;
    assert!(kept > 0);
    admin_trail::sweep(context).await.unwrap();
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM audit").await, kept);
}

#[actix_web::test]
async fn every_change_of_settings_is_one_entry() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let somebody = format!("accounts/{}", person(&app, "somebody").await.account);
    let acts = || "SELECT COUNT(*) AS n FROM audit WHERE period IS NULL";
    for (method, path, body) in [
        ("POST", "configs", json!({"code": "a_setting", "content": "1"})),
        ("POST", "banners", json!({"title": "t", "position": 1})),
        ("PATCH", "games/1/queue", json!({"orders_per_minute": 5})),
        ("POST", "games/1/queue/pause", json!({})),
        ("PATCH", "games/1", json!({"price": 7})),
        ("POST", "admins", json!({"username": "eva", "password": "a password", "role": "editor"})),
        ("PATCH", "admins/2", json!({"role": "cashier"})),
        ("PATCH", "admins/2", json!({"password": "another one"})),
        ("DELETE", "admins/2", json!(null)),
        ("POST", "sso-apps", json!({"name": "shop"})),
        ("PATCH", "sso-apps/1", json!({"note": "x"})),
        ("POST", "agents", json!({"name": "a", "username": "a"})),
        ("POST", "hawk-credentials", json!({"hawk_id": "h", "class": "agent"})),
        ("PATCH", &somebody, json!({"status": 0})),
    ] {
        let before = count(&app, acts()).await;
        let url = app.at(&format!("/admin/api/v1/{path}"));
        let mut request = app.client.request(method.parse().unwrap(), url).bearer_auth(&owner);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{method} {path}: {status} {}", answer.text().await.unwrap());
        assert_eq!(count(&app, acts()).await, before + 1, "{method} {path}");
    }
    // The command dialect's limits of places, too.
    let before = count(&app, acts()).await;
    let set = json!({"cmd": "RegSetGameLimitation", "game_id": "1", "limitation": 77});
    let answer = app.client.post(app.at("/api/reg")).bearer_auth(&owner).json(&set).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap()["result"], 0);
    assert_eq!(count(&app, acts()).await, before + 1);
}

/// Guesses at one-time links take no place of those who work on passwords.
#[actix_web::test]
async fn a_guessed_link_costs_no_hash() {
    let app = spawn_app(&[]).await;
    let passwords = &app.context.admin_gate.passwords;
    let mut held = Vec::new();
    while let Ok(place) = passwords.place() {
        held.push(place);
    }
    let guess = "0".repeat(64);
    let set_up = admins::set_up(&app.context, here(), &guess, "eva", "a password").await.err();
    assert_eq!(set_up, Some(DomainError::Unauthenticated));
    let reset = admin_links::reset(&app.context, here(), &guess, "a password").await.err();
    assert_eq!(reset, Some(DomainError::Unauthenticated));
}
