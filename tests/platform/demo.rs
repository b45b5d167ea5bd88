//! The demo data, the front page that shows it, and production's refusal of it.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{eventually, spawn_app, spawn_app_in};

#[actix_web::test]
async fn lobby_shows_the_demo_competition() {
    let app = spawn_app(&[]).await;
    let lobby: Value = app.get("/api/lobby").await.json().await.unwrap();
    assert_eq!((&lobby["payment_window_seconds"], &lobby["sandbox"]), (&json!(1800), &json!(true)));
    let first = &lobby["competitions"][0];
    assert_eq!((&first["id"], &first["registration_open"]), (&json!("1"), &json!(true)));
    assert_eq!(first["play_time"].as_str().unwrap().len(), 16);
    let games = json!([
        {"game_id": "1", "name": "半程马拉松", "price": 120.0, "limitation": 500, "balance": 500, "full": false, "open": true,
         "wait_list": false, "wait_listed": 0, "pre_queue_at": null, "opening_at": null, "lottery": 0},
        {"game_id": "2", "name": "10 公里", "price": 80.0, "limitation": 3, "balance": 3, "full": false, "open": true,
         "wait_list": false, "wait_listed": 0, "pre_queue_at": null, "opening_at": null, "lottery": 0},
    ]);
    assert_eq!(first["games"], games);
    assert_eq!((&first["lives"][0]["id"], &first["lives"][0]["live_status"]), (&json!(1), &json!(1)));
    assert_eq!(lobby["competitions"][1]["registration_open"], json!(false));
}

#[actix_web::test]
async fn a_live_without_a_competition_stands_for_itself() {
    let app = spawn_app(&[]).await;
    let admin = app.admin_token().await;
    let new = json!({"title": "训练营", "live_status": 1, "publish_time": "2025-12-31 20:00:00",
                     "expire_time": "2026-01-01 00:00:00"});
    let made = app.client.post(app.at("/admin/api/v1/lives")).bearer_auth(&admin).json(&new).send().await.unwrap();
    assert_eq!(made.status(), 201);
    eventually("the front page shows it", async || {
        let lobby: Value = app.get("/api/lobby").await.json().await.unwrap();
        let own: Vec<_> = lobby["lives"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
        let under = |index: usize| lobby["competitions"][index]["lives"].as_array().unwrap().len();
        assert_eq!((under(0), under(1)), (1, 0), "no competition has it");
        assert!(lobby["lives"].as_array().unwrap().iter().all(|it| it["live_status"] == json!(0)), "it is over");
        own == [json!("训练营")]
    })
    .await;
}

#[actix_web::test]
async fn lobby_and_balances_do_not_offer_a_closed_line() {
    let app = spawn_app(&[]).await;
    let admin = app.admin_token().await;
    let close = app.client.post(app.at("/admin/api/v1/games/1/queue/close")).bearer_auth(&admin).json(&json!({}));
    assert_eq!(close.send().await.unwrap().status(), 200);
    eventually("the front page shows it closed", async || {
        let lobby: Value = app.get("/api/lobby").await.json().await.unwrap();
        let games = &lobby["competitions"][0]["games"];
        assert_eq!(games[1]["open"], json!(true), "the other stays open");
        games[0]["open"] == json!(false)
    })
    .await;
    let lobby: Value = app.get("/api/lobby").await.json().await.unwrap();
    assert!(lobby["competitions"][1]["games"].as_array().unwrap().iter().all(|game| game["open"] == json!(false)));
    eventually("the balances leave it out", async || {
        let places = matchday::service::registration::all_places(&app.context).await.unwrap();
        assert!(places.iter().any(|place| place.game.0 == 2));
        places.iter().all(|place| place.game.0 != 1)
    })
    .await;
}

#[actix_web::test]
async fn demo_rows_are_those_that_are_promised() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let count = async |sql: &'static str| db.fetch_one(sql, matchday::args![]).await.unwrap().int("n").unwrap();
    for (sql, expected) in [
        ("SELECT COUNT(*) AS n FROM competitions", 2),
        ("SELECT COUNT(*) AS n FROM games WHERE competition_id = 1", 2),
        ("SELECT COUNT(*) AS n FROM team_competitions", 4),
        ("SELECT COUNT(*) AS n FROM members WHERE jersey_number <> ''", 6),
        (
            "SELECT COUNT(*) AS n FROM members m JOIN team_members t ON t.member_id = m.id \
             WHERE t.team_id = 1 AND m.mobile_key IS NOT NULL AND LENGTH(m.mobile_sealed) >= 38 AND m.account_id IS NULL",
            1,
        ),
        ("SELECT COUNT(*) AS n FROM publications", 0),
        ("SELECT COUNT(*) AS n FROM lives WHERE id = 1 AND competition_id = 1 AND live_status = 1", 1),
        ("SELECT COUNT(*) AS n FROM rooms WHERE live_id = 1", 1),
        ("SELECT COUNT(*) AS n FROM videos WHERE id = kind", 2),
        ("SELECT COUNT(*) AS n FROM businesses WHERE id = 1 AND price_fen = 9900 AND valid_time = 1", 1),
        ("SELECT COUNT(DISTINCT banner_position) AS n FROM banners", 3),
        ("SELECT COUNT(*) AS n FROM site_configs", 8),
        ("SELECT COUNT(*) AS n FROM sso_apps WHERE id = 1 AND LENGTH(app_secret_sealed) >= 38", 1),
        ("SELECT COUNT(*) AS n FROM hawk_credentials WHERE algorithm = 'sha256'", 2),
    ] {
        assert_eq!(count(sql).await, expected, "{sql}");
    }
    let competition = db
        .fetch_one(
            "SELECT play_time, change_deadline, refund_deadline FROM competitions WHERE id = 1",
            matchday::args![],
        )
        .await
        .unwrap();
    let week = 7 * 24 * 3600 * 1000;
    let play_time = competition.int("play_time").unwrap();
    assert_eq!(competition.int("change_deadline").unwrap(), play_time - week);
    assert_eq!(competition.int("refund_deadline").unwrap(), play_time - week);
    let days = (play_time - db.now_ms()) as f64 / 86_400_000.0;
    assert!((29.0..31.0).contains(&days), "{days}");
}

#[actix_web::test]
async fn demo_data_fills_an_empty_database_only() {
    let without = spawn_app(&[("demo", "false")]).await;
    let lobby: Value = without.get("/api/lobby").await.json().await.unwrap();
    assert_eq!(lobby["competitions"], json!([]));

    let folder = tempfile::tempdir().unwrap();
    let first = spawn_app_in(folder.path(), &[]).await;
    let rename = "UPDATE competitions SET title = 'ours' WHERE id = 1";
    let renamed = first.context.db.write(move |tx| {
        Box::pin(async move {
            tx.execute(rename, matchday::args![]).await?;
            Ok(())
        })
    });
    renamed.await.unwrap();
    first.stop().await;
    let second = spawn_app_in(folder.path(), &[]).await;
    let lobby: Value = second.get("/api/lobby").await.json().await.unwrap();
    assert_eq!(lobby["competitions"][0]["title"], "ours");
    assert_eq!(lobby["competitions"].as_array().unwrap().len(), 2);
    second.stop().await;

    let refused = production(folder.path());
    assert!(refused.contains("production refuses to run with demo data"), "{refused}");
    assert!(refused.contains("sso_apps, hawk_credentials"), "{refused}");
}

/// What production says when it ends by itself with code 1.
fn production(folder: &Path) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_matchday"))
        .args(["--bind", "127.0.0.1:0", "--chat-bind", "", "--internal-bind", "", "--data-dir"])
        .arg(folder)
        .current_dir(folder)
        .env_clear()
        .env("MATCHDAY_ENV", "production")
        .env("MATCHDAY__SECRETS__TOKEN_KEY", "a1b2".repeat(16))
        // The demo's keys are sealed: only with the same key it is told that they are there.
        .env("MATCHDAY__SECRETS__DATA_KEY", std::fs::read_to_string(folder.join("data_key")).unwrap())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}
