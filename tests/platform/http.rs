//! The shell around all dialects: pages, health, request ids, the stop.

use std::sync::Arc;
use std::time::Duration;

use matchday::shutdown::Phase;
use reqwest::header::{HeaderMap, RANGE};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::reg::client::{Registrant, players};
use crate::support::chat::Client;
use crate::support::{PATIENCE, eventually, spawn_app};

fn text<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

#[actix_web::test]
async fn request_id_is_taken_or_made() {
    let app = spawn_app(&[]).await;
    let made = app.get("/healthz").await;
    assert_eq!(text(made.headers(), "x-request-id").len(), 24);
    for (sent, kept) in [("abc-1", true), ("bad id", false)] {
        let answer = app.client.get(app.at("/nothing")).header("X-Request-Id", sent).send().await.unwrap();
        assert_eq!(text(answer.headers(), "x-request-id") == sent, kept);
    }
}

#[actix_web::test]
async fn unknown_routes_answer_a_problem() {
    let app = spawn_app(&[]).await;
    let answer = app.get("/no/such/thing").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(text(answer.headers(), "content-type"), "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!((&problem["status"], &problem["code"]), (&json!(404), &json!("not_found")));
}

#[actix_web::test]
async fn static_files_answer_conditions_and_ranges() {
    let app = spawn_app(&[]).await;
    let path = "/static/img/banner-1.svg";
    let whole = app.get(path).await;
    assert_eq!(whole.status(), 200);
    let headers = whole.headers().clone();
    assert_eq!(text(&headers, "content-type"), "image/svg+xml");
    assert_eq!(text(&headers, "cache-control"), "public, max-age=3600");
    assert_eq!(text(&headers, "x-content-type-options"), "nosniff");
    assert!(text(&headers, "content-security-policy").contains("frame-ancestors 'none'"));
    let bytes = whole.bytes().await.unwrap();

    let head = app.client.head(app.at(path)).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(text(head.headers(), "content-length"), bytes.len().to_string());
    assert_eq!(head.bytes().await.unwrap().len(), 0);

    let with = |name: &'static str, value: &str| app.client.get(app.at(path)).header(name, value).send();
    let tag = text(&headers, "etag");
    let same = with("if-none-match", tag).await.unwrap();
    assert_eq!(same.status(), 304);
    assert_eq!(with("if-none-match", "\"other\"").await.unwrap().status(), 200);

    let part = with(RANGE.as_str(), "bytes=2-5").await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(text(part.headers(), "content-range"), format!("bytes 2-5/{}", bytes.len()));
    assert_eq!(part.bytes().await.unwrap(), bytes[2..6]);
    let beyond = with(RANGE.as_str(), "bytes=99999999-").await.unwrap();
    assert_eq!(beyond.status(), 416);
    let stale =
        app.client.get(app.at(path)).header("range", "bytes=2-5").header("if-range", "\"other\"").send().await.unwrap();
    assert_eq!((stale.status().as_u16(), stale.bytes().await.unwrap().len()), (200, bytes.len()));

    assert_eq!(app.client.post(app.at(path)).send().await.unwrap().status(), 405);
    for outside in ["/static/../Cargo.toml", "/static/%2e%2e/Cargo.toml", "/static/..%2fCargo.toml", "/static/"] {
        assert_eq!(app.get(outside).await.status(), 404, "{outside}");
    }
}

#[actix_web::test]
async fn figures_are_on_the_internal_port_only() {
    let app = spawn_app(&[]).await;
    app.get("/healthz").await;
    let figures = app.client.get(format!("{}/metrics", app.internal_url)).send().await.unwrap();
    let figures = figures.text().await.unwrap();
    assert!(figures.contains("matchday_http_requests_total{class=\"2xx\"}"), "{figures}");
    for name in ["matchday_sockets_open 0", "matchday_sqlite_writer_queue ", "matchday_queue_watches 0"] {
        let elsewhere = name.contains("sqlite") && app.context.db.writer_queue().is_none();
        assert!(elsewhere || figures.contains(name), "{name}: {figures}");
    }
    assert!(!figures.contains("matchday_bus_dropped_total"), "alone there is nobody to tell");
    assert_eq!(app.get("/metrics").await.status(), 404);
    assert_eq!(app.get("/debug/actors").await.status(), 404);
}

#[actix_web::test]
async fn lines_rooms_and_sockets_are_shown_as_they_are_at_the_scrape() {
    let app = spawn_app(&[("redis.url", "redis://127.0.0.1:1")]).await;
    let read = async |path: &str| {
        let answer = app.client.get(format!("{}{path}", app.internal_url)).send().await.unwrap();
        answer.text().await.unwrap()
    };
    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(1, players(&[1, 2])).await;
    let order = runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone();
    let mut viewer = Client::to(&app.ws_url).await;
    viewer.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    viewer.until("WELCOME").await;
    let figures = read("/metrics").await;
    for line in [
        "matchday_line_head{game=\"1\"} 1",
        "matchday_line_tail{game=\"1\"} 1",
        "matchday_line_waiting{game=\"1\"} 0",
        "matchday_line_balance{game=\"1\"} 498",
        "matchday_line_held{game=\"1\"} 2",
        "matchday_line_sold{game=\"1\"} 0",
        "matchday_line_decided_total{game=\"1\"} 1",
        "matchday_room_connections{room=\"1\"} 1",
        "matchday_room_guests{room=\"1\"} 1",
        "matchday_room_users{room=\"1\"} 0",
        "matchday_sockets_open 1",
        "matchday_bus_dropped_total ",
    ] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
    let actors: Value = serde_json::from_str(&read("/debug/actors").await).unwrap();
    let line = actors["lines"].as_array().unwrap().iter().find(|line| line["game"] == 1).unwrap();
    assert_eq!((&line["row"]["held"], &line["row"]["state"], &line["decided"]), (&json!(2), &json!("open"), &json!(1)));
    assert_eq!(actors["rooms"][0], json!({"room": 1, "connections": 1, "users": 0, "guests": 1}));
    assert_eq!(actors["sockets"], json!({"open": 1, "queue_watches": 0}));
    assert_eq!(actors["bus"]["alone"], false);

    runner.pay(order.as_str().unwrap()).await;
    eventually("the figures follow", async || {
        let figures = read("/metrics").await;
        figures.contains("matchday_line_sold{game=\"1\"} 2") && figures.contains("matchday_line_held{game=\"1\"} 0")
    })
    .await;
    assert!(read("/metrics").await.contains("matchday_line_decided_total{game=\"1\"} 1"), "a scrape adds nothing");
}

#[actix_web::test]
async fn readiness_is_red_while_the_queues_finish() {
    let app = spawn_app(&[]).await;
    assert_eq!(app.get("/readyz").await.status(), 200);
    let (reached, released) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (reaches, release) = (reached.clone(), released.clone());
    app.context.shutdown.on(Phase::Queues, "held by the test", move || async move {
        reaches.notify_one();
        release.notified().await;
    });
    app.context.shutdown.request();
    tokio::time::timeout(PATIENCE, reached.notified()).await.unwrap();
    let answer = app.get("/readyz").await;
    assert_eq!(answer.status(), 503);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body, json!({"ready": false, "reason": "stopping"}));
    assert_eq!(app.get("/healthz").await.status(), 200, "requests are still served");
    released.notify_one();
    let url = app.url.clone();
    app.stop().await;
    let gone = reqwest::Client::new().get(url).timeout(Duration::from_secs(5)).send().await;
    assert!(gone.is_err(), "the port is closed");
}
