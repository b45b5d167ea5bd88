//! A lottery as tests need one: its game, its administrator, its entrants.

use reqwest::Method;
use serde_json::{Value, json};

use crate::reg::client::{Registrant, player};
use crate::support::{TestApp, fixtures, spawn_app};

pub(super) struct Lottery {
    pub(super) app: TestApp,
    pub(super) game: i64,
    admin: String,
}

impl Lottery {
    /// A game with so many places, its line open, no draw yet.
    pub(super) async fn new(places: i64) -> Self {
        Self::with(places, &[]).await
    }

    pub(super) async fn with(places: i64, settings: &[(&'static str, &str)]) -> Self {
        let app = spawn_app(settings).await;
        let game = fixtures::game(&app.context.db, places).await.0;
        let admin = app.admin_token().await;
        let lottery = Self { app, game, admin };
        assert_eq!(lottery.admin_send(Method::POST, "queue/open", Value::Null).await.0, 200);
        lottery
    }

    /// A request to `/admin/api/v1/games/{game}/{path}`; null: no body.
    pub(super) async fn admin_send(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        self.admin_send_keyed(method, path, body, None).await
    }

    pub(super) async fn admin_send_keyed(
        &self,
        method: Method,
        path: &str,
        body: Value,
        key: Option<&str>,
    ) -> (u16, Value) {
        let url = self.app.at(&format!("/admin/api/v1/games/{}/{path}", self.game));
        let mut request = self.app.client.request(method, url).bearer_auth(&self.admin);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        read(request.send().await.unwrap()).await
    }

    /// As `admin_send`, and it must succeed.
    pub(super) async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.admin_send(method, path, body).await;
        assert!(status < 300, "{path}: {status} {answer}");
        answer
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.app.get(path).await).await
    }

    /// Somebody enters these people together; the token. `change` may alter the players.
    pub(super) async fn enter_as(&self, openid: &str, people: &[u32], change: impl Fn(&mut Value)) -> String {
        let registrant = Registrant::sign_in(&self.app, openid).await;
        let players: Vec<Value> = people
            .iter()
            .map(|person| {
                let mut player = player(*person);
                change(&mut player);
                player
            })
            .collect();
        let answer = registrant.enqueue(self.game, json!(players)).await;
        assert_eq!(answer["result"], 0, "{answer}");
        answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    pub(super) async fn enter(&self, people: &[u32]) -> String {
        self.enter_as(&format!("person-{}", people[0]), people, |_| ()).await
    }

    /// Closes, tries and draws; the bundle.
    pub(super) async fn draw(&self, public_value: &str) -> Value {
        self.admin(Method::POST, "draw/close", Value::Null).await;
        self.admin(Method::POST, "draw/dry-run", Value::Null).await;
        self.admin(Method::POST, "draw/run", json!({"public_value": public_value})).await;
        self.bundle().await
    }

    pub(super) async fn bundle(&self) -> Value {
        let (status, bundle) = self.get(&format!("/api/draws/{}/bundle", self.game)).await;
        assert_eq!(status, 200, "{bundle}");
        bundle
    }
}

/// The status and the body; a refusal must be a problem document.
async fn read(answer: reqwest::Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    if status >= 400 {
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
    (status, answer.json().await.unwrap())
}
