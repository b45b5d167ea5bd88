//! The collections `hawk-credentials` and `agents`: owners only, keys told once, nothing secret kept in the clear.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Call, JSON, OFFICIAL, members};
use crate::support::fixtures::row;
use crate::support::{TestApp, spawn_app};

/// An administrator at work.
pub struct Desk<'a> {
    app: &'a TestApp,
    token: String,
}

impl<'a> Desk<'a> {
    /// An owner's.
    pub async fn open(app: &'a TestApp) -> Self {
        Self { app, token: app.admin_token().await }
    }

    async fn of(app: &'a TestApp, owner: &Desk<'_>, role: &str) -> Self {
        let new = json!({"username": role, "password": "a-password", "role": role});
        assert_eq!(owner.send(Method::POST, "admins", new).await.0, 201);
        let body = json!({"username": role, "password": "a-password"});
        let session = app.client.post(app.at("/admin/api/v1/login")).json(&body).send().await.unwrap();
        let session: Value = session.json().await.unwrap();
        Self { app, token: session["token"].as_str().unwrap().to_owned() }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.send_with_key(method, path, body, None).await
    }

    pub async fn send_with_key(&self, method: Method, path: &str, body: Value, key: Option<&str>) -> (u16, Value) {
        let mut request = self.app.client.request(method, self.app.at(&format!("/admin/api/v1/{path}")));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.bearer_auth(&self.token).json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.app.client.get(self.app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(&self.token);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[actix_web::test]
async fn a_credential_works_from_its_making_to_its_end() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let new = json!({"hawk_id": "site-2", "class": "official", "note": "新官网"});
    let (status, made) = desk.send(Method::POST, "hawk-credentials", new.clone()).await;
    assert_eq!(status, 201, "{made}");
    let key = made["hawk_key"].as_str().unwrap();
    assert_eq!((key.len(), &made["algorithm"], &made["status"]), (64, &json!("sha256"), &json!(1)));
    let id = made["id"].as_i64().unwrap();
    let send = async || {
        let call = Call::new(&app, JSON, members("runner", "13900000001", "123456")).by(("site-2", key));
        call.send(&app).await.status
    };
    assert_eq!(send().await, 200);
    let (status, shown) = desk.get(&format!("hawk-credentials/{id}")).await;
    assert_eq!((status, &shown["hawk_id"], &shown["note"]), (200, &json!("site-2"), &json!("新官网")));
    assert!(!shown.to_string().contains(key) && shown.get("hawk_key").is_none());
    let patch = |body: Value| desk.send(Method::PATCH, "hawk-credentials/3", body);
    assert_eq!(id, 3, "beside the demo's two");
    assert_eq!(patch(json!({"class": "agent"})).await.1["class"], "agent");
    assert_eq!(send().await, 403);
    assert_eq!(patch(json!({"class": "official", "status": 0})).await.1["status"], 0);
    assert_eq!(send().await, 401);
    assert_eq!(patch(json!({"status": 1})).await.0, 200);
    assert_eq!(send().await, 200);
    let listed = desk.get("hawk-credentials?search=SITE").await.1;
    assert_eq!((&listed["total"], &listed["data"][0]["id"]), (&json!(1), &json!(3)));
    let again = desk.send(Method::POST, "hawk-credentials", new).await;
    assert_eq!((again.0, &again.1["field"]), (409, &json!("hawk_id")));
    for sql in [
        "SELECT COALESCE(before_json, '') || COALESCE(after_json, '') AS text FROM audit ORDER BY id DESC LIMIT 1",
        "SELECT hawk_key_sealed AS text FROM hawk_credentials WHERE id = 3",
    ] {
        let text = row(&app.context.db, sql, args![]).await.text("text").unwrap();
        assert!(!text.is_empty() && !text.contains(key), "{text}");
    }
}

#[actix_web::test]
async fn a_key_is_told_once_whatever_is_asked_again() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let new = json!({"hawk_id": "site-2", "class": "official", "algorithm": "sha1"});
    let make = || desk.send_with_key(Method::POST, "hawk-credentials", new.clone(), Some("once"));
    let (first, second) = (make().await, make().await);
    assert_eq!((first.0, second.0), (201, 201));
    assert!(first.1["hawk_key"].is_string() && second.1["hawk_key"].is_null(), "{second:?}");
    assert_eq!(first.1["id"], second.1["id"]);
    let kept = row(&app.context.db, "SELECT body FROM idempotency_keys", args![]).await.text("body").unwrap();
    assert!(!kept.contains(first.1["hawk_key"].as_str().unwrap()), "{kept}");
}

#[actix_web::test]
async fn what_is_wrong_is_named() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    for (path, body, status, field) in [
        ("hawk-credentials", json!({"hawk_id": "", "class": "official"}), 422, "hawk_id"),
        ("hawk-credentials", json!({"hawk_id": "a\"b", "class": "official"}), 422, "hawk_id"),
        ("hawk-credentials", json!({"hawk_id": "a", "class": "owner"}), 422, "class"),
        ("hawk-credentials", json!({"hawk_id": "a", "class": "agent", "algorithm": "md5"}), 422, "algorithm"),
        ("hawk-credentials", json!({"hawk_id": "a", "class": "official", "agent_id": 1}), 422, "agent_id"),
        ("hawk-credentials", json!({"hawk_id": "a", "class": "official", "note": "x".repeat(201)}), 422, "note"),
        ("agents", json!({"name": "a"}), 422, "username"),
        ("agents", json!({"username": "a"}), 422, "name"),
        ("agents", json!({"name": "a", "username": "a", "mobile": "12"}), 422, "mobile"),
        ("agents", json!({"name": "a", "username": "a", "password": "x".repeat(65)}), 422, "password"),
        ("agents", json!({"name": "a", "username": " "}), 422, "username"),
    ] {
        let (told, problem) = desk.send(Method::POST, path, body.clone()).await;
        assert_eq!((told, problem["field"].as_str()), (status, Some(field)), "{body}");
    }
    let unknown = json!({"hawk_id": "a", "class": "agent", "agent_id": 99});
    assert_eq!(desk.send(Method::POST, "hawk-credentials", unknown).await.0, 404);
    assert_eq!(desk.send(Method::PATCH, "hawk-credentials/99", json!({"status": 0})).await.0, 404);
    assert_eq!(desk.send(Method::PATCH, "hawk-credentials/1", json!({"hawk_key": "x"})).await.0, 422);
    assert_eq!(desk.send(Method::PATCH, "hawk-credentials/1", json!({"agent_id": 1})).await.0, 422);
    assert_eq!(desk.send(Method::PATCH, "agents/99", json!({"status": 0})).await.0, 404);
    let one = json!({"name": "a", "username": "a", "mobile": "13900000041"});
    assert_eq!(desk.send(Method::POST, "agents", one.clone()).await.0, 201);
    assert_eq!(desk.send(Method::POST, "agents", one.clone()).await.1["field"], "username");
    let same_phone = json!({"name": "b", "username": "b", "mobile": "139-0000-0041"});
    assert_eq!(desk.send(Method::POST, "agents", same_phone).await.1["field"], "mobile");
}

#[actix_web::test]
async fn only_owners_get_in() {
    let app = spawn_app(&[]).await;
    let owner = Desk::open(&app).await;
    for role in ["editor", "cashier", "moderator"] {
        let desk = Desk::of(&app, &owner, role).await;
        for path in ["agents", "hawk-credentials"] {
            assert_eq!(desk.get(path).await.0, 403, "{role} {path}");
            assert_eq!(desk.get(&format!("{path}/1")).await.0, 403, "{role} {path}");
            let new = json!({"hawk_id": "a", "class": "official"});
            let new = if path == "agents" { json!({"name": "a", "username": "a"}) } else { new };
            assert_eq!(desk.send(Method::POST, path, new).await.0, 403, "{role} {path}");
            let patch = desk.send(Method::PATCH, &format!("{path}/1"), json!({"status": 0})).await;
            assert_eq!(patch.0, 403, "{role} {path}");
        }
    }
    let call = Call::new(&app, JSON, members("runner", "13900000001", "123456")).by(OFFICIAL);
    assert_eq!(call.send(&app).await.status, 200, "nothing was disabled");
}

#[actix_web::test]
async fn an_agent_s_secrets_stay_inside() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let new = json!({"name": "旅行社", "username": "travel", "password": "s3cret!", "mobile": "13900000041"});
    let (status, made) = desk.send(Method::POST, "agents", new).await;
    assert_eq!((status, &made["has_password"], &made["mobile"]), (201, &json!(true), &json!("13900000041")));
    let id = made["id"].as_i64().unwrap();
    let patch = json!({"password": "0ther!", "mobile": null, "type_name": "二级"});
    let (status, changed) = desk.send(Method::PATCH, &format!("agents/{id}"), patch).await;
    assert_eq!((status, &changed["mobile"], &changed["type_name"]), (200, &Value::Null, &json!("二级")));
    let rows = app.context.db.fetch_all(
        "SELECT COALESCE(before_json, '') || COALESCE(after_json, '') AS text FROM audit WHERE entity = 'agents'",
        args![],
    );
    let stored = row(&app.context.db, "SELECT password_sealed AS text FROM agents", args![]).await;
    let texts: Vec<String> = rows.await.unwrap().iter().chain([&stored]).map(|it| it.text("text").unwrap()).collect();
    assert_eq!(texts.len(), 3);
    let hash = matchday::service::regist::wrap::upper_md5("0ther!");
    for text in texts {
        for secret in ["s3cret!", "0ther!", "13900000041", &hash] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let emptied = desk.send(Method::PATCH, &format!("agents/{id}"), json!({"password": ""})).await.1;
    assert_eq!(emptied["has_password"], false);
    assert_eq!(desk.get("agents?search=TRAVEL").await.1["data"][0]["id"], id);
}
