//! Nothing about a person stays in a cache: every answer of every dialect says so, unless it is the same for everybody.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Method;
use serde_json::json;

use crate::reg::client::Registrant;
use crate::support::spawn_app;

/// Answers that are the same for everybody.
const PUBLIC: [&str; 4] = ["/api/lobby", "/api/games/", "/api/draws/", "/uploads/"];

/// Every path that the sources route, as it is written there.
fn routed(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routed(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for call in ["route(\"", "resource(\"", "scope(\""] {
            for part in text.split(call).skip(1) {
                found.extend(part.split('"').next().map(str::to_owned));
            }
        }
    }
}

/// With something for each variable.
fn filled(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[actix_web::test]
async fn every_answer_of_every_dialect_is_kept_by_no_cache() {
    let app = spawn_app(&[]).await;
    let token = Registrant::sign_in(&app, "runner").await.token;
    let admin = app.admin_token().await;
    let mut patterns = BTreeSet::new();
    routed(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/api"), &mut patterns);
    assert!(patterns.len() > 80, "the routes were not found: {patterns:?}");
    let mut answered = 0;
    for prefix in ["", "/api/v1", "/admin/api/v1", "/api/WebInterface/Personal", "/index.php"] {
        for pattern in &patterns {
            let path = format!("{prefix}{}", filled(pattern));
            if PUBLIC.iter().any(|public| path.starts_with(public)) || path.starts_with("/static") {
                continue;
            }
            // Signing out would end the session of the calls that follow.
            for method in [Method::GET, Method::POST].into_iter().filter(|_| !path.ends_with("/logout")) {
                let request = app.client.request(method.clone(), app.at(&path));
                let request = request.header("token", &token).bearer_auth(&admin).json(&json!({}));
                let answer = request.send().await.unwrap();
                let page = answer.headers().get("content-type").is_some_and(|kind| kind == "text/html; charset=utf-8");
                if page && answer.status() == 200 {
                    continue;
                }
                let kept = answer.headers().get("cache-control").map(|line| line.to_str().unwrap().to_owned());
                assert_eq!(kept.as_deref(), Some("no-store"), "{method} {path}: {}", answer.status());
                answered += usize::from(answer.status() == 200);
            }
        }
    }
    assert!(answered > 20, "only {answered} calls were answered");
    for public in ["/api/lobby", "/", "/static/img/banner-1.svg", "/api/games/1/line"] {
        let answer = app.get(public).await;
        assert_ne!(answer.headers().get("cache-control").unwrap(), "no-store", "{public}");
    }
}

#[actix_web::test]
async fn sign_in_and_internal_answers_are_kept_by_no_cache() {
    let app = spawn_app(&[]).await;
    let body = json!({"code": "sandbox:runner"});
    let answer = app.client.post(app.at("/api/v1/token/user")).json(&body).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
    let figures = app.client.get(format!("{}/metrics", app.internal_url)).send().await.unwrap();
    assert_eq!(figures.headers()["cache-control"], "no-store");
}
