//! The shell around all dialects: pages, health, request ids, the stop.

use std::sync::Arc;
use std::time::Duration;

use matchday::shutdown::Phase;
use reqwest::header::{HeaderMap, RANGE};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::{PATIENCE, spawn_app};

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
    assert_eq!(app.get("/metrics").await.status(), 404);
    assert_eq!(app.get("/debug/actors").await.status(), 404);
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
