//! `matchday bench` as a program against a real server: its counts must be the server's.

use std::process::{Command, Output, Stdio};

use matchday::args;
use serde_json::{Value, json};

use crate::support::fixtures::{execute, game, row};
use crate::support::{PATIENCE, TestApp, eventually, spawn_app};

async fn bench(app: &TestApp, arguments: &[&str]) -> Output {
    bench_as(app, arguments, "").await
}

async fn bench_as(app: &TestApp, arguments: &[&str], admin_token: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_matchday"));
    program.arg("bench").args(arguments).args(["--url", &app.url, "--json"]).stdin(Stdio::null());
    if !admin_token.is_empty() {
        program.env("MATCHDAY_BENCH_ADMIN_TOKEN", admin_token);
    }
    let ended = tokio::task::spawn_blocking(move || program.output());
    tokio::time::timeout(PATIENCE, ended).await.expect("the benchmark never ended").unwrap().unwrap()
}

fn report(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}\n{}", String::from_utf8_lossy(&output.stderr)))
}

#[tokio::test]
async fn queue_tells_every_outcome() {
    let app = spawn_app(&[]).await;
    let game = game(&app.context.db, 200).await;
    execute(&app.context.db, "UPDATE game_queue SET state = 1 WHERE game_id = $1", args![game.0]).await;
    let game_id = game.to_string();
    let pid = std::process::id().to_string();
    let output =
        bench(&app, &["queue", "--game", &game_id, "--tokens", "300", "--connections", "16", "--pid", &pid]).await;
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    let run = report["runs"][0].as_object().unwrap();
    let count = |name: &str| run.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    assert_eq!(count("enqueue acknowledged"), 300.0, "{report:#}");
    assert_eq!(count("outcome ordered"), 200.0, "{report:#}");
    assert_eq!(count("outcome full") + count("outcome full, told at once"), 100.0, "{report:#}");
    assert!(count("enqueue p99") > 0.0 && count("enqueue server memory") > 0.0, "{report:#}");
    let held = row(&app.context.db, "SELECT held FROM game_queue WHERE game_id = $1", args![game.0]).await;
    assert_eq!(held.int("held").unwrap(), 200);
}

#[tokio::test]
async fn opening_accounts_for_everybody_and_every_place() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let game = game(db, 150).await;
    execute(db, "UPDATE game_queue SET state = 1 WHERE game_id = $1", args![game.0]).await;
    let game_id = game.to_string();
    let admin = app.admin_token().await;
    eventually("the game is listed", async || {
        let command = json!({"cmd": "RegGetAllGamesBalanceInfo"});
        let request = app.client.post(app.at("/api/reg")).bearer_auth(&admin).json(&command);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["balances"].as_array().unwrap().iter().any(|it| it["game_id"] == game_id)
    })
    .await;
    let arguments = [
        &["opening", "--game", &game_id, "--people", "300", "--accounts", "20", "--over-seconds", "1"][..],
        &["--pay-seconds", "0", "--pay-percent", "60", "--groups", "1:3,2:1", "--double-click-percent", "30"],
        &["--reload-percent", "50", "--connections", "16", "--seconds", "15"],
    ];
    let output = bench_as(&app, &arguments.concat(), &admin).await;
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    let run = report["runs"][0].as_object().unwrap();
    let count = |name: &str| run.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    assert_eq!(count("people ordered") + count("people full"), 300.0, "{report:#}");
    assert_eq!((count("errors"), count("same request, another token")), (0.0, 0.0), "{report:#}");
    let places = row(db, "SELECT sold, held FROM game_queue WHERE game_id = $1", args![game.0]).await;
    let (sold, held) = (places.int("sold").unwrap(), places.int("held").unwrap());
    assert_eq!(sold + held, 150, "singles come to the end, so that no place is left over");
    assert_eq!(count("places ordered"), 150.0, "{report:#}");
    assert_eq!((count("places paid"), count("places on the books, newly paid")), (sold as f64, sold as f64));
    assert_eq!(count("places on the books, held"), held as f64);
    assert!(count("people who paid") > 0.0 && held > 0, "{report:#}");
    assert!(count("wait p99") > 0.0 && count("sold out after") > 0.0 && count("join p99") > 0.0, "{report:#}");
}

#[tokio::test]
async fn opening_lets_the_impatient_leave_a_line_that_stands_still() {
    let app = spawn_app(&[]).await;
    let game = game(&app.context.db, 100).await;
    let game_id = game.to_string();
    let arguments = ["opening", "--game", &game_id, "--people", "40", "--over-seconds", "0", "--patience-seconds", "1"];
    let output = bench(&app, &[&arguments[..], &["--leave-percent", "50", "--seconds", "4"]].concat()).await;
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    let run = &report["runs"][0];
    assert!(!run["people left the line"].is_null(), "{report:#}");
    let (gave_up, left) = (run["people gave up"].as_f64().unwrap(), run["people left the line"].as_f64().unwrap());
    assert!(gave_up + left > 20.0 && gave_up > 0.0 && left > 0.0, "{report:#}");
    let ended = "SELECT COUNT(*) AS gone FROM queue_tokens WHERE game_id = $1 AND state = 5";
    assert_eq!(row(&app.context.db, ended, args![game.0]).await.int("gone").unwrap() as f64, left, "{report:#}");
    assert!(run["polls"].as_f64().unwrap() > 0.0 && run["people ordered"].is_null(), "{report:#}");
}

#[tokio::test]
async fn chat_counts_every_delivery() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let live = "INSERT INTO lives (id, title, live_status, publish_time, created_at) VALUES (900, 'Live', 1, $1, $1)";
    execute(db, live, args![db.now_ms()]).await;
    let arguments = ["chat", "--room", "900", "--viewers", "40", "--publishers", "2", "--rate", "20", "--seconds", "1"];
    let output = bench(&app, &[&arguments[..], &["--settle-seconds", "0"]].concat()).await;
    let report = report(&output);
    assert!(output.status.success(), "{report:#}");
    let run = &report["runs"][0];
    assert_eq!((run["viewers"].as_f64(), run["lines saved"].as_f64()), (Some(40.0), Some(20.0)), "{report:#}");
    assert_eq!(run["lines delivered"], 800.0, "{report:#}");
    let saved = row(db, "SELECT COUNT(*) AS saved FROM publications WHERE room_id = $1", args![900_i64]).await;
    assert_eq!(saved.int("saved").unwrap(), 20);
}

#[tokio::test]
async fn a_server_with_limits_is_named_as_the_reason() {
    let app = spawn_app(&[("limits.enabled", "true"), ("limits.logins_per_minute_per_address", "5")]).await;
    let output = bench(&app, &["queue", "--game", "1", "--accounts", "50"]).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("too fast") && told.contains("MATCHDAY__LIMITS__ENABLED"), "{told}");
}
