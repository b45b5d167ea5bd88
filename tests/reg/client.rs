//! A registrant as a test needs one: signs in, sends commands, fills in players.

use serde_json::{Value, json};

use crate::support::TestApp;

pub(crate) struct Registrant<'a> {
    app: &'a TestApp,
    pub(crate) token: String,
}

impl<'a> Registrant<'a> {
    pub(crate) async fn sign_in(app: &'a TestApp, openid: &str) -> Self {
        let body = json!({"code": format!("sandbox:{openid}")});
        let answer = app.client.post(app.at("/api/v1/token/user")).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        Self { app, token: answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned() }
    }

    pub(crate) fn with_token(app: &'a TestApp, token: &str) -> Self {
        Self { app, token: token.to_owned() }
    }

    pub(crate) async fn send(&self, command: Value) -> Value {
        let request = self.app.client.post(self.app.at("/api/reg")).header("token", &self.token);
        request.json(&command).send().await.unwrap().json().await.unwrap()
    }

    pub(crate) async fn enqueue(&self, game: i64, players: Value) -> Value {
        self.send(json!({"cmd": "RegGetQueueToken", "game_id": game.to_string(), "players": players})).await
    }

    /// Polls until the token is decided; the place must never rise on the way.
    pub(crate) async fn decided(&self, token: &str) -> Value {
        let mut lowest = i64::MAX;
        let start = std::time::Instant::now();
        loop {
            let answer = poll(self.app, token).await;
            assert_eq!(answer["result"], 0, "{answer}");
            if answer["queue_state"] != 0 {
                return answer;
            }
            let place = answer["count"].as_i64().unwrap();
            assert!(place >= 1 && place <= lowest, "place {place} after {lowest}");
            lowest = place;
            assert!(start.elapsed() < crate::support::PATIENCE, "never decided: {answer}");
            tokio::task::yield_now().await;
        }
    }

    /// An unpaid order for the players; its number.
    pub(crate) async fn order(&self, game: i64, players: Value) -> String {
        let ticket = self.enqueue(game, players).await;
        let decided = self.decided(ticket["token"].as_str().unwrap_or_else(|| panic!("{ticket}"))).await;
        assert_eq!(decided["queue_state"], 1, "{decided}");
        decided["order_no"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn pay(&self, order_no: &str) {
        let answer = self.app.client.post(self.app.at(&format!("/sandbox/pay/{order_no}"))).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

/// Asks for a token's state without being signed in.
pub(crate) async fn poll(app: &TestApp, token: &str) -> Value {
    command(app, json!({"cmd": "RegQueryQueueTokenState", "token": token})).await
}

/// A command by nobody.
pub(crate) async fn command(app: &TestApp, command: Value) -> Value {
    app.client.post(app.at("/api/reg")).json(&command).send().await.unwrap().json().await.unwrap()
}

/// A command by the administrator.
pub(crate) async fn admin_command(app: &TestApp, command: Value) -> Value {
    let request = app.client.post(app.at("/api/reg")).bearer_auth(app.admin_token().await);
    request.json(&command).send().await.unwrap().json().await.unwrap()
}

/// A good player with a passport; `person` tells people apart.
pub(crate) fn player(person: u32) -> Value {
    json!({
        "name": format!("跑者{person}"), "certificate_type": 1, "certificate_no": format!("E{person:07}"),
        "mobile": "13800000000", "email": "runner@example.org", "country": "中国", "gender": "1",
        "birth_date": "1990-05-01", "emergency_contact_name": "家人", "emergency_contact_mobile": "13900000000",
        "t_shirt_size": "M",
    })
}

pub(crate) fn players(people: &[u32]) -> Value {
    people.iter().copied().map(player).collect()
}

/// The answer with what differs from run to run (numbers, times, names of the demo data) replaced by its member's name.
pub(crate) fn redacted(answer: &Value) -> Value {
    const CHANGING: [&str; 6] = ["order_no", "apply_time", "expire_time", "pay_time", "party_name", "game_name"];
    match answer {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let hide = value.as_str().is_some_and(|text| !text.is_empty()) && CHANGING.contains(&name.as_str());
                (name.clone(), if hide { json!(format!("[{name}]")) } else { redacted(value) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(redacted).collect(),
        other => other.clone(),
    }
}
