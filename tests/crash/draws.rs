//! Draws: the server dies between any two steps of one; the administrator repeats what was not answered, and the draw is
//! the one that was announced.

use std::collections::HashSet;

use actors::draw::bundle::{Bundle, entrant_hash};
use actors::draw::verification::verify;
use matchday::failpoints::Failpoint;
use reqwest::Method;
use serde_json::{Value, json};

use super::database::Database;
use super::server::{Home, Server};
use crate::support::{ADMIN, eventually, postgres};

const PLACES: i64 = 2;
const ENTRANTS: u32 = 5;
const GROUP: &str = "club";
const PUBLIC_VALUE: &str = "3358.73";
/// One step: method, path under the game, body.
type Act = (Method, &'static str, Value);

fn acts() -> [Act; 5] {
    let listed = json!({"certificates": [{"certificate_type": 1, "certificate_no": certificate(1)}]});
    let quotas = json!([{"name": GROUP, "places": 1, "rule": "list"}]);
    [
        (Method::POST, "draw", json!({"quotas": quotas, "public_source": "closing index"})),
        (Method::PUT, "draw/groups/club", listed),
        (Method::POST, "draw/close", Value::Null),
        (Method::POST, "draw/dry-run", Value::Null),
        (Method::POST, "draw/run", json!({"public_value": PUBLIC_VALUE})),
    ]
}

fn certificate(person: u32) -> String {
    format!("D{person:08}")
}

/// The administrator of one game, who remembers what was answered.
struct Desk {
    http: reqwest::Client,
    url: String,
    game: i64,
    told: Vec<Value>,
    tokens: Vec<String>,
}

impl Desk {
    /// `None`: the server is gone, and what became of the request is not known.
    async fn send(&self, method: Method, path: &str, session: (&str, &str), key: &str, body: &Value) -> Option<Value> {
        let request = self.http.request(method, format!("{}{path}", self.url)).header(session.0, session.1);
        let request = request.header("Idempotency-Key", key);
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.ok()?;
        let status = answer.status();
        let answer = answer.json::<Value>().await.ok()?;
        assert!(status.is_success(), "{path}: {status} {answer}");
        Some(answer)
    }

    async fn enter(&mut self) -> Option<()> {
        while self.tokens.len() < ENTRANTS as usize {
            let person = u32::try_from(self.tokens.len()).unwrap() + 1;
            let code = json!({"code": format!("sandbox:draw-{person}")});
            let answer = self.send(Method::POST, "/api/v1/token/user", ("token", ""), "none", &code).await?;
            let session = answer["token"].as_str().unwrap().to_owned();
            let player = json!({
                "name": format!("Runner {person}"), "certificate_type": 1, "certificate_no": certificate(person),
                "mobile": "13900000000", "email": "runner@example.org", "country": "China", "gender": 1,
                "birth_date": "1990-05-17", "emergency_contact_name": "Contact",
                "emergency_contact_mobile": "13800000000"
            });
            let body = json!({"cmd": "RegGetQueueToken", "game_id": self.game.to_string(), "players": [player]});
            let answer = self.send(Method::POST, "/api/reg", ("token", &session), "none", &body).await?;
            self.tokens.push(answer["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned());
        }
        Some(())
    }

    /// Goes on from the first step that was not answered. `None`: the server is gone.
    async fn go_on(&mut self) -> Option<()> {
        let login = json!({"username": ADMIN.0, "password": ADMIN.1});
        let answer = self.send(Method::POST, "/admin/api/v1/login", ("token", ""), "none", &login).await?;
        let bearer = format!("Bearer {}", answer["token"].as_str().unwrap());
        for (step, (method, act, body)) in acts().into_iter().enumerate().skip(self.told.len()) {
            if act == "draw/close" {
                self.enter().await?;
            }
            let path = format!("/admin/api/v1/games/{}/{act}", self.game);
            let key = format!("{}-{step}", self.game);
            let answer = self.send(method, &path, ("authorization", &bearer), &key, &body).await?;
            self.told.push(answer);
        }
        Some(())
    }

    async fn bundle(&self) -> Bundle {
        let answer = self.http.get(format!("{}/api/draws/{}/bundle", self.url, self.game)).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The draw is sound, the one that was announced, and the line follows it.
    async fn judge(&self, point: &str) -> Bundle {
        let bundle = self.bundle().await;
        let checks = verify(&bundle);
        assert!(checks.iter().all(|check| check.failure.is_none()), "{point}: {checks:?}");
        let [announced, _, closed, _, run] = self.told.as_slice() else { panic!("{point}: {:?}", self.told) };
        let drawn = bundle.drawn.as_ref().unwrap();
        assert_eq!(announced["commitment"], bundle.terms.commitment, "{point}");
        assert_eq!(closed["merkle_root"], bundle.merkle_root, "{point}");
        assert_eq!((&run["secret"], &run["public_value"]), (&json!(drawn.secret), &json!(PUBLIC_VALUE)), "{point}");
        assert_eq!(run["dry_runs"], 1, "{point}: {run}");
        let entrants: HashSet<&str> = bundle.entrants.iter().map(|entrant| entrant.entrant.as_str()).collect();
        assert_eq!((entrants.len(), drawn.winners as i64), (ENTRANTS as usize, PLACES), "{point}");
        for (position, sequence) in drawn.order.iter().enumerate() {
            let hash = &bundle.entrants[*sequence as usize - 1].entrant;
            let token = self.tokens.iter().find(|token| entrant_hash(token) == *hash).unwrap();
            let expected = if position < drawn.winners as usize { 1 } else { 2 };
            let body = json!({"cmd": "RegQueryQueueTokenState", "token": token});
            eventually(&format!("{point}: the line follows the draw"), async || {
                let answer = self.send(Method::POST, "/api/reg", ("token", ""), "none", &body).await.unwrap();
                assert!([0, expected].contains(&answer["queue_state"].as_i64().unwrap()), "{point}: {answer}");
                answer["queue_state"] == expected
            })
            .await;
        }
        bundle
    }
}

/// A game for each point, each of which the server dies at once.
async fn die_at_each(postgres_url: &str) {
    matchday::clients::tls::use_ring();
    let points: Vec<&str> =
        Failpoint::ALL.iter().map(|point| point.name()).filter(|name| name.starts_with("draws::")).collect();
    assert!(points.len() >= 8);
    let mut home = Home::new(postgres_url);
    // Winners keep their places while they are looked at.
    home.settings.push(("MATCHDAY__REG__PAYMENT_WINDOW_SECONDS", "600"));
    let database = Database::open(&home.database_url()).await;
    database.write_event().await;
    let mut kept = Vec::new();
    for (game, point) in (100..).zip(points) {
        database.add_game(game, PLACES).await;
        let http = reqwest::Client::new();
        let mut desk = Desk { http, url: home.url(), game, told: Vec::new(), tokens: Vec::new() };
        let mut server = home.start_armed(&format!("{point}=return")).await;
        assert_eq!(desk.go_on().await, None, "{point}: nothing happened");
        eventually(&format!("death at {point}"), async || server.died_at(point)).await;
        let mut server: Server = home.start().await;
        assert_eq!(desk.go_on().await, Some(()), "{point}");
        kept.push((desk.judge(point).await, desk, point));
        server.kill();
    }
    database.close().await;
    let _server = home.start().await;
    for (bundle, desk, point) in kept {
        assert_eq!(desk.judge(point).await, bundle, "{point}: at rest");
    }
}

#[tokio::test]
async fn death_between_any_two_steps_of_a_draw_changes_nothing_that_was_told() {
    die_at_each("").await;
}

#[tokio::test]
async fn death_between_any_two_steps_of_a_draw_on_postgres_changes_nothing_that_was_told() {
    let Some(database) = postgres::Database::create().await else { return };
    die_at_each(&database.url).await;
    database.drop().await;
}
