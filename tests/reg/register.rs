//! `RegRegistration`: an order in one call when the line is short, and waiting for a token's outcome.

use futures_util::future::join;
use matchday::args;
use serde_json::{Value, json};

use super::client::{Registrant, command, players};
use crate::support::{TestApp, eventually, spawn_app};

fn wish(game: i64, people: &[u32]) -> Value {
    json!({"cmd": "RegRegistration", "game_id": game, "players": players(people)})
}

fn wait(token: &str) -> Value {
    json!({"cmd": "RegRegistration", "token": token})
}

async fn act(app: &TestApp, admin: &str, act: &str) {
    let request = app.client.post(app.at(&format!("/admin/api/v1/games/1/queue/{act}"))).bearer_auth(admin);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[actix_web::test]
async fn one_call_gives_an_order_and_the_same_call_the_same_one() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let answer = runner.send(wish(2, &[1, 2])).await;
    assert_eq!((&answer["result"], &answer["queue_state"]), (&json!(0), &json!(1)), "{answer}");
    assert_eq!(answer["order_no"].as_str().unwrap().len(), 22);
    assert_eq!(runner.send(wish(2, &[1, 2])).await, answer, "a retry");
    assert_eq!(runner.enqueue(2, players(&[1, 2])).await, answer, "as RegGetQueueToken answers it");
    let token = answer["token"].as_str().unwrap();
    assert_eq!(command(&app, wait(token)).await, answer, "its outcome is told to who has the token");

    let taken = runner.send(wish(2, &[1])).await;
    assert_eq!(taken["queue_state"], 4);
    assert_eq!(runner.send(wish(2, &[3, 4])).await["queue_state"], 2);
    assert_eq!(runner.send(wish(2, &[3])).await["queue_state"], 1);
    let full = runner.send(wish(2, &[5])).await;
    assert_eq!((&full["queue_state"], &full["token"]), (&json!(2), &json!("")));
}

#[actix_web::test]
async fn a_line_that_stands_still_gives_a_token_and_who_waits_is_told_when_it_moves() {
    let app = spawn_app(&[]).await;
    let admin = app.admin_token().await;
    act(&app, &admin, "pause").await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let waiting = runner.send(wish(1, &[1])).await;
    assert_eq!((&waiting["result"], &waiting["queue_state"], &waiting["count"]), (&json!(0), &json!(0), &json!(1)));
    let token = waiting["token"].as_str().unwrap();
    assert_eq!(app.context.waits.count(), 0);

    let both = join(command(&app, wait(token)), command(&app, wait(token)));
    let meanwhile = async {
        eventually("two callers wait", async || app.context.waits.count() == 2).await;
        // A third one for the same token is answered at once: the others are still waiting.
        let third = command(&app, wait(token)).await;
        assert_eq!((&third["queue_state"], app.context.waits.count()), (&json!(0), 2), "{third}");
        act(&app, &admin, "open").await;
    };
    let ((first, second), ()) = join(both, meanwhile).await;
    assert_eq!((&first["queue_state"], &first), (&json!(1), &second));
    assert_eq!(app.context.waits.count(), 0);
}

#[actix_web::test]
async fn bad_calls_are_refused_and_leave_nothing_in_line() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    assert_eq!(command(&app, wish(1, &[1])).await["result"], -1, "no session");
    let mut with_session = wish(1, &[1]);
    with_session["token"] = json!(runner.token);
    assert_eq!(command(&app, with_session.clone()).await["result"], -13, "its token is a queue token");
    for bad in [json!(""), json!("x".repeat(43)), json!(7), json!(runner.token)] {
        assert_eq!(command(&app, json!({"cmd": "RegRegistration", "token": bad})).await["result"], -12, "{bad}");
    }
    assert_eq!(runner.send(json!({"cmd": "RegRegistration", "game_id": 1})).await["result"], -13);
    assert_eq!(runner.send(wish(99, &[1])).await["result"], -10);
    assert_eq!(runner.send(wish(1, &[1, 1])).await["result"], -13);
    let mut foreign = wish(1, &[1]);
    foreign["user_id"] = json!(999_999);
    assert_eq!(runner.send(foreign).await["result"], -11);
    let tokens = app.context.db.fetch_one("SELECT COUNT(*) AS n FROM queue_tokens", args![]).await.unwrap();
    assert_eq!(tokens.int("n").unwrap(), 0);
}
