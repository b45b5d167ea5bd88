//! From the announcement to the orders of the winners, and what everybody can check on the way.

use std::collections::HashSet;

use actors::draw::bundle::{Bundle, entrant_hash};
use actors::draw::receipt::Receipt;
use actors::draw::verification::{Check, verify, verify_receipt};
use actors::quota_queue::state::Outcome;
use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::Lottery;
use crate::reg::client::poll;
use crate::support::{eventually, fixtures};

fn sound(checks: &[Check]) {
    assert!(checks.iter().all(|check| check.failure.is_none()), "{checks:?}");
}

/// The order of sequences that a drawn bundle tells.
fn order(bundle: &Value) -> Vec<usize> {
    bundle["order"].as_array().unwrap().iter().map(|sequence| sequence.as_u64().unwrap() as usize).collect()
}

#[actix_web::test]
async fn draw_is_announced_closed_tried_drawn_and_checked() {
    let lottery = Lottery::new(3).await;
    let announced = lottery.admin(Method::POST, "draw", json!({"public_source": "上证指数收盘"})).await;
    assert_eq!((&announced["state"], &announced["places"]), (&json!("entries"), &json!(3)), "{announced}");
    assert_eq!(announced["commitment"].as_str().unwrap().len(), 64);
    let public = format!("/api/draws/{}", lottery.game);
    assert_eq!(lottery.get(&public).await, (200, announced.clone()), "the same for everybody");

    let mut tokens = Vec::new();
    for person in 1..=8 {
        tokens.push(lottery.enter(&[person]).await);
    }
    assert_eq!(lottery.enter(&[3]).await, tokens[2], "entering twice is entering once");
    let waiting = poll(&lottery.app, &tokens[0]).await;
    assert_eq!(
        (&waiting["queue_state"], &waiting["count"], &waiting["wait_known"]),
        (&json!(0), &json!(0), &json!(false)),
        "nobody has a place in the line before the draw: {waiting}"
    );
    let receipt_path = |token: &str| format!("/api/queue/{token}/receipt");
    assert_eq!(lottery.get(&receipt_path(&tokens[0])).await.1["code"], "conflict", "not closed");
    assert_eq!(lottery.get(&format!("{public}/bundle")).await.0, 409, "not closed");
    for act in ["draw/dry-run", "draw/run"] {
        let body = if act == "draw/run" { json!({"public_value": "1"}) } else { Value::Null };
        assert_eq!(lottery.admin_send(Method::POST, act, body).await.0, 409, "{act} before closing");
    }

    let closed = lottery.admin(Method::POST, "draw/close", Value::Null).await;
    assert_eq!((&closed["state"], &closed["entrants"]), (&json!("closed"), &json!(8)), "{closed}");
    assert_eq!(lottery.admin(Method::POST, "draw/close", Value::Null).await, closed, "closing again changes nothing");
    assert_eq!(closed["secret"], Value::Null);
    let fixed: Bundle = serde_json::from_value(lottery.bundle().await).unwrap();
    assert_eq!(fixed.drawn, None);
    assert_eq!(json!(fixed.merkle_root), closed["merkle_root"]);

    let mut receipts = Vec::new();
    for token in &tokens {
        let (status, receipt) = lottery.get(&receipt_path(token)).await;
        assert_eq!(status, 200, "{receipt}");
        let receipt: Receipt = serde_json::from_value(receipt).unwrap();
        sound(&verify_receipt(&fixed, &receipt, Some(token)));
        assert_eq!(receipt.leaf.entrant, entrant_hash(token));
        receipts.push(receipt);
    }

    let run = |value: &str| lottery.admin_send(Method::POST, "draw/run", json!({"public_value": value}));
    let (status, refused) = run("3358.73").await;
    assert_eq!((status, &refused["detail"]), (409, &json!("make a dry run first")));
    let tried = lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    assert_eq!(
        (&tried["all"]["entries"], &tried["all"]["winners"], &tried["places"]),
        (&json!(8), &json!(3), &json!(3)),
        "{tried}"
    );
    assert!(!tried.to_string().contains("secret"), "{tried}");
    assert_eq!(lottery.get(&public).await.1["secret"], Value::Null, "a dry run reveals nothing");

    let (status, drawn) = run("3358.73").await;
    assert_eq!((status, &drawn["state"], &drawn["winners"]), (200, &json!("drawn"), &json!(3)), "{drawn}");
    assert_eq!(run("3358.73").await, (200, drawn.clone()), "drawn once, whatever is asked");
    assert_eq!(run("3358.74").await.0, 409);
    assert_eq!(lottery.admin_send(Method::POST, "draw/dry-run", Value::Null).await.0, 409);
    assert_eq!(lottery.get(&public).await, (200, drawn.clone()));

    let stated = lottery.bundle().await;
    let bundle: Bundle = serde_json::from_value(stated.clone()).unwrap();
    sound(&verify(&bundle));
    assert_eq!(bundle.terms.commitment, announced["commitment"].as_str().unwrap());
    assert_eq!((&bundle.merkle_root, &bundle.entrants), (&fixed.merkle_root, &fixed.entrants));
    for (token, kept) in tokens.iter().zip(&receipts) {
        let again: Receipt = serde_json::from_value(lottery.get(&receipt_path(token)).await.1).unwrap();
        assert_eq!(&again, kept, "a receipt never changes");
        sound(&verify_receipt(&bundle, kept, Some(token)));
    }

    let order = order(&stated);
    for (position, sequence) in order.iter().enumerate() {
        let token = &tokens[sequence - 1];
        let expected = if position < 3 { Outcome::Ordered(dummy()).code() } else { Outcome::Full.code() };
        eventually("the line works through the drawn order", async || {
            poll(&lottery.app, token).await["queue_state"] == expected
        })
        .await;
    }
}

fn dummy() -> actors::domain::order::OrderNo {
    actors::domain::order::OrderNo::compose(0, 0)
}

#[actix_web::test]
async fn wait_round_moves_up_in_drawn_order_when_a_winner_does_not_pay() {
    let lottery = Lottery::new(2).await;
    // The rules of the line as its administrator sets them.
    fixtures::execute(
        &lottery.app.context.db,
        "UPDATE game_queue SET wait_list = 10 WHERE game_id = $1",
        args![lottery.game],
    )
    .await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    let mut tokens = Vec::new();
    for person in 1..=6 {
        tokens.push(lottery.enter(&[person]).await);
    }
    let drawn = lottery.draw("42").await;
    let order = order(&drawn);
    let token = |position: usize| &tokens[order[position] - 1];
    eventually("the winners have orders", async || {
        poll(&lottery.app, token(0)).await["queue_state"] == 1 && poll(&lottery.app, token(1)).await["queue_state"] == 1
    })
    .await;
    let number = poll(&lottery.app, token(0)).await["order_no"].as_str().unwrap().to_owned();
    let paid = lottery.app.client.post(lottery.app.at(&format!("/sandbox/pay/{number}"))).send().await.unwrap();
    assert!(paid.status().is_success());
    for position in 2..6 {
        assert_eq!(poll(&lottery.app, token(position)).await["queue_state"], 0, "the wait round waits");
    }
    // The other winner's payment window passes: one place comes free.
    lottery.app.context.db.advance_clock(std::time::Duration::from_secs(1_801));
    eventually("the first of the wait round moves up", async || poll(&lottery.app, token(2)).await["queue_state"] == 1)
        .await;
    for position in 3..6 {
        assert_eq!(poll(&lottery.app, token(position)).await["queue_state"], 0, "position {position}");
    }
}

#[actix_web::test]
async fn secrets_differ_and_the_log_and_audit_tell_the_story() {
    let lottery = Lottery::new(5).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    lottery.enter(&[1]).await;
    lottery.enter(&[2]).await;
    let bundle = lottery.draw("六合").await;
    assert_eq!(bundle["winners"], 2);
    let other = Lottery::new(5).await;
    let announced = other.admin(Method::POST, "draw", json!({})).await;
    assert_ne!(announced["commitment"], bundle["commitment"]);

    let db = &lottery.app.context.db;
    let rows = db
        .fetch_all("SELECT action, before_json, after_json FROM audit WHERE entity = 'draws' ORDER BY id", args![])
        .await
        .unwrap();
    let actions: Vec<String> = rows.iter().map(|row| row.text("action").unwrap()).collect();
    assert_eq!(actions, ["create", "close", "dry_run", "run"]);
    let secret = bundle["secret"].as_str().unwrap();
    let tells = |index: usize| rows[index].opt_text("after_json").unwrap().unwrap().contains(secret);
    assert_eq!([0, 1, 2, 3].map(tells), [false, false, false, true], "the secret is told by the draw alone");
    let events = db
        .fetch_all("SELECT event FROM game_events WHERE game_id = $1 ORDER BY number", args![lottery.game])
        .await
        .unwrap();
    let lotteries: Vec<Value> = events
        .iter()
        .map(|row| serde_json::from_str::<Value>(&row.text("event").unwrap()).unwrap())
        .filter(|event| event["kind"] == "lottery")
        .collect();
    assert_eq!(lotteries.len(), 2, "{lotteries:?}");
    assert_eq!((&lotteries[1]["lottery"], &lotteries[1]["count"]), (&json!(2), &json!(2)));
    let distinct: HashSet<String> =
        bundle["entrants"].as_array().unwrap().iter().map(|entrant| entrant["entrant"].to_string()).collect();
    assert_eq!(distinct.len(), 2);
}
