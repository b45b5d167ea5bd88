//! QUEUE: the state of a queue token, pushed.

use reqwest::Method;
use serde_json::{Value, json};

use crate::reg::client::{Registrant, players, poll};
use crate::support::chat::Client;
use crate::support::{TestApp, eventually, spawn_app};

async fn set_line(app: &TestApp, game: i64, act: &str) {
    let url = app.at(&format!("/admin/api/v1/games/{game}/queue/{act}"));
    let request = app.client.request(Method::POST, url).bearer_auth(app.admin_token().await);
    assert_eq!(request.json(&json!({})).send().await.unwrap().status(), 200);
}

async fn token_of(runner: &Registrant<'_>, game: i64, person: u32) -> String {
    runner.enqueue(game, players(&[person])).await["token"].as_str().unwrap().to_owned()
}

fn watch(token: &str) -> Value {
    json!({"type": "QUEUE", "token": token})
}

fn watched(app: &TestApp) -> usize {
    app.context.rooms.queue_watch().unwrap().watched()
}

#[actix_web::test]
async fn a_token_s_state_is_pushed_at_once_and_when_it_changes() {
    let app = spawn_app(&[("chat.login_timeout_seconds", "1")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    set_line(&app, 1, "pause").await;
    let first = token_of(&runner, 1, 1).await;
    let token = token_of(&runner, 1, 2).await;
    let mut client = Client::to(&app.ws_url).await;
    client.send(watch(&token)).await;
    let waiting = client.message().await;
    let polled = |mut answer: Value| {
        let members = answer.as_object_mut().unwrap();
        members.remove("result").unwrap();
        members.insert("type".to_owned(), json!("QUEUE"));
        members.insert("token".to_owned(), json!(token));
        answer
    };
    assert_eq!(waiting, polled(poll(&app, &token).await));
    assert_eq!(
        (&waiting["queue_state"], &waiting["count"], &waiting["wait_known"]),
        (&json!(0), &json!(2), &json!(false))
    );
    assert_eq!(watched(&app), 1);

    set_line(&app, 1, "open").await;
    let mut decided = client.message().await;
    while decided["queue_state"] == 0 {
        assert_eq!(decided["count"], 1, "only changes are pushed: {decided}");
        decided = client.message().await;
    }
    assert_eq!((&decided["queue_state"], &decided["token"]), (&json!(1), &json!(token)));
    assert_eq!(decided, polled(poll(&app, &token).await));
    assert_eq!(watched(&app), 0, "a decided token is not looked at any more");
    // A decided one is told once.
    client.send(watch(&first)).await;
    assert_eq!(client.message().await["queue_state"], 1);
    assert_eq!(watched(&app), 0);
}

#[actix_web::test]
async fn forged_tokens_are_refused_for_good() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let token = token_of(&runner, 1, 1).await;
    let forged = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let mut client = Client::to(&app.ws_url).await;
    for bad in [&forged, "x", &"票".repeat(43)] {
        client.send(watch(bad)).await;
        assert_eq!(client.message().await, json!({"type": "ERROR", "code": 99999, "msg": "无效token"}), "{bad}");
    }
    assert_eq!(watched(&app), 0);
}

#[actix_web::test]
async fn a_connection_watches_five_and_they_end_with_it() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    set_line(&app, 1, "pause").await;
    let mut tokens = Vec::new();
    for person in 1..=6 {
        tokens.push(token_of(&runner, 1, person).await);
    }
    let mut client = Client::to(&app.ws_url).await;
    // Twice the same is one watch.
    for token in [&tokens[..5], &tokens[..1]].concat() {
        client.send(watch(&token)).await;
        assert_eq!(client.message().await["token"], token);
    }
    client.send(watch(&tokens[5])).await;
    assert_eq!(client.message().await["code"], 99999);
    assert_eq!(watched(&app), 5);
    drop(client);
    eventually("the watches end", async || watched(&app) == 0).await;
}
