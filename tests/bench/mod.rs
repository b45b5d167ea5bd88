//! `matchday bench` as a program against a real server: its counts must be the server's.

use std::process::{Command, Output, Stdio};

use matchday::args;
use serde_json::Value;

use crate::support::fixtures::{execute, game, row};
use crate::support::{PATIENCE, TestApp, spawn_app};

async fn bench(app: &TestApp, arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_matchday"));
    program.arg("bench").args(arguments).args(["--url", &app.url, "--json"]).stdin(Stdio::null());
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
