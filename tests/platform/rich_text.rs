//! Rich text that would be too much work for its reader is refused by the member's name, before anything is locked.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::support::{TestApp, spawn_app};

async fn ask(app: &TestApp, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(token);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

fn unclosed() -> String {
    (0..4_000).map(|number| format!("<b c={number}><p>")).collect()
}

#[actix_web::test]
async fn too_much_work_is_refused_by_the_members_name_and_changes_nothing() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let rich = [
        ("competitions/1", "description"),
        ("businesses/1", "content"),
        ("configs/1", "content"),
        ("members/1", "individual"),
        ("members/1", "experience"),
        ("members/1", "feature"),
        ("members/1", "honor"),
        ("members/1", "comment"),
    ];
    for (path, member) in rich {
        let before = ask(&app, &token, Method::GET, path, json!({})).await;
        for (html, reason) in [
            (unclosed(), "elements such as <b>"),
            ("<div>".repeat(10_000), "deep"),
            ("<br>".repeat(15_000), "tags"),
            ("&".repeat(60_000), "twice"),
        ] {
            let (status, problem) = ask(&app, &token, Method::PATCH, path, json!({member: html})).await;
            assert_eq!((status, &problem["field"]), (422, &json!(member)), "{path} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(reason), "{problem}");
        }
        assert_eq!(ask(&app, &token, Method::GET, path, json!({})).await, before, "{path}");
    }
    let new = json!({"code": "long", "content": unclosed()});
    let (status, problem) = ask(&app, &token, Method::POST, "configs", new).await;
    assert_eq!((status, &problem["field"]), (422, &json!("content")), "{problem}");
    let (status, problem) = ask(&app, &token, Method::POST, "rich-text", json!({"html": unclosed()})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("html")), "{problem}");
    // The largest text that people write is taken.
    let article = "<p>一段<strong>文字</strong>和<a href=\"/x\">链接</a></p>\n".repeat(500) + &"文字".repeat(9_000);
    assert!(article.chars().count() > 40_000);
    assert_eq!(ask(&app, &token, Method::PATCH, "configs/1", json!({"content": article})).await.0, 200);
    let stored = ask(&app, &token, Method::GET, "configs/1", json!({})).await.1["content"].clone();
    assert_eq!(ask(&app, &token, Method::PATCH, "configs/1", json!({"content": stored})).await.0, 200, "and once more");
    // Cleaning adds to each link. A text that is too long afterwards could never be saved again.
    let links = "<a href=\"/x\">y</a>".repeat(3_200);
    assert!(links.chars().count() < 60_000);
    let (status, problem) = ask(&app, &token, Method::PATCH, "configs/1", json!({"content": links})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("content")), "{problem}");
}

/// A transaction is open meanwhile, which on SQLite keeps every other one waiting.
#[actix_web::test]
async fn a_text_is_judged_without_a_transaction() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let (opened, is_open) = oneshot::channel();
    let (end, ended) = oneshot::channel::<()>();
    let db = app.context.db.clone();
    let writing = actix_rt::spawn(async move {
        db.write(move |tx| {
            Box::pin(async move {
                tx.execute("UPDATE site_configs SET title = title", args![]).await?;
                let _ = opened.send(());
                let _ = ended.await;
                Ok::<_, actors::error::DomainError>(())
            })
        })
        .await
    });
    is_open.await.unwrap();
    let refused = ask(&app, &token, Method::PATCH, "competitions/1", json!({"description": unclosed()})).await;
    assert_eq!((refused.0, &refused.1["field"]), (422, &json!("description")), "{}", refused.1);
    end.send(()).unwrap();
    writing.await.unwrap().unwrap();
}

#[actix_web::test]
async fn a_preview_is_for_those_who_write_and_has_a_rate() {
    let app = spawn_app(&[("limits.enabled", "true"), ("admin.previews_per_minute", "2")]).await;
    let owner = app.admin_token().await;
    for role in ["cashier", "moderator", "editor"] {
        let new = json!({"username": role, "password": "a password", "role": role});
        assert_eq!(ask(&app, &owner, Method::POST, "admins", new).await.0, 201);
        let session = ask(&app, "", Method::POST, "login", json!({"username": role, "password": "a password"})).await.1;
        let (status, _) =
            ask(&app, session["token"].as_str().unwrap(), Method::POST, "rich-text", json!({"html": "<p>x"})).await;
        assert_eq!(status, if role == "editor" { 200 } else { 403 }, "{role}");
    }
    let look = || ask(&app, &owner, Method::POST, "rich-text", json!({"html": "<p>x"}));
    assert_eq!((look().await.0, look().await.0), (200, 200));
    let (status, problem) = look().await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")), "{problem}");
    assert!((1..=31).contains(&problem["retry_after"].as_i64().unwrap()));
}
