//! What a draw refuses, and that refusing changes nothing.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::Lottery;
use crate::reg::client::admin_command;

#[actix_web::test]
async fn announcement_is_checked() {
    let lottery = Lottery::new(10).await;
    let quota = |name: &str, places: i64, rule: &str| json!({"name": name, "places": places, "rule": rule});
    for (quotas, why) in [
        (json!([quota("a", 11, "list")]), "more places are reserved"),
        (json!([quota("a", 1, "list"), quota("a", 1, "list")]), "named twice"),
        (json!([quota("", 1, "list")]), "name"),
        (json!([quota("a\nb", 1, "list")]), "name"),
        (json!([quota("a\u{202e}b", 1, "list")]), "name must not have the hidden or control character U+202E"),
        (json!([quota("a", 1, "age:40")]), "age:40"),
        (json!([quota("a", -1, "list")]), "whole number"),
        (json!([{"name": "a"}]), "places"),
        (json!(3), "quotas"),
    ] {
        let (status, problem) = lottery.admin_send(Method::POST, "draw", json!({"quotas": quotas})).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_field")), "{quotas}: {problem}");
        if why != "quotas" {
            assert!(problem["detail"].as_str().unwrap().contains(why), "{why}: {problem}");
        }
    }
    assert_eq!(lottery.admin_send(Method::POST, "draw", json!({"secret": "00"})).await.0, 422);
    assert_eq!(lottery.get(&format!("/api/draws/{}", lottery.game)).await.0, 404, "nothing was announced");

    let quotas = json!({"quotas": [quota("a", 10, "list")]});
    let keyed = lottery.admin_send_keyed(Method::POST, "draw", quotas.clone(), Some("k")).await;
    assert_eq!(keyed.0, 201, "{keyed:?}");
    assert_eq!(lottery.admin_send_keyed(Method::POST, "draw", quotas.clone(), Some("k")).await, keyed);
    assert_eq!(lottery.admin_send(Method::POST, "draw", quotas).await.0, 409, "a game has one draw");
    assert_eq!(lottery.get("/api/draws/99999999").await.0, 404);
    assert_eq!(lottery.get("/api/draws/99999999999999999999/bundle").await.0, 404);
}

#[actix_web::test]
async fn line_with_tokens_or_without_places_cannot_become_a_lottery() {
    let lottery = Lottery::new(10).await;
    lottery.enter(&[1]).await;
    let (status, problem) = lottery.admin_send(Method::POST, "draw", json!({})).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("tokens already"), "{problem}");

    let unlimited = Lottery::new(0).await;
    let (status, problem) = unlimited.admin_send(Method::POST, "draw", json!({})).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("no free places"), "{problem}");
}

#[actix_web::test]
async fn lists_are_checked_and_end_with_the_entries() {
    let lottery = Lottery::new(10).await;
    let list = |certificates: Value| json!({"certificates": certificates});
    let put = |group: &'static str, body: Value| {
        let lottery = &lottery;
        async move { lottery.admin_send(Method::PUT, &format!("draw/groups/{group}"), body).await }
    };
    assert_eq!(put("club", list(json!([]))).await.0, 404, "no draw yet");
    let quotas = json!([
        {"name": "club", "places": 1, "rule": "list"}, {"name": "women", "places": 1, "rule": "gender:female"},
    ]);
    lottery.admin(Method::POST, "draw", json!({"quotas": quotas})).await;
    assert_eq!(put("other", list(json!([]))).await.0, 404);
    assert_eq!(put("women", list(json!([]))).await.0, 404, "is no list");
    let fine = json!({"certificate_type": 1, "certificate_no": "E1"});
    for (wrong, field) in [
        (json!({"certificate_type": 9, "certificate_no": "E1"}), "certificates[1].certificate_type"),
        (json!({"certificate_type": 1, "certificate_no": "é"}), "certificates[1].certificate_no"),
        (json!({"certificate_type": 0, "certificate_no": "440106199001011230"}), "certificates[1].certificate_no"),
    ] {
        let (status, problem) = put("club", list(json!([fine, wrong]))).await;
        assert_eq!((status, &problem["field"]), (422, &json!(field)), "{problem}");
    }
    let many: Vec<Value> =
        (0..5_001).map(|n| json!({"certificate_type": 1, "certificate_no": format!("{n}")})).collect();
    assert_eq!(put("club", list(json!(many))).await.0, 422, "too many");
    assert_eq!(put("club", list(json!([fine]))).await.0, 200);
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    assert_eq!(put("club", list(json!([fine]))).await.0, 409);
}

#[actix_web::test]
async fn places_that_changed_stop_the_draw_until_they_are_set_back() {
    let lottery = Lottery::new(2).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    for person in 1..=4 {
        lottery.enter(&[person]).await;
    }
    let set = async |limitation: i64| {
        let command = json!({"cmd": "RegSetGameLimitation", "game_id": lottery.game, "limitation": limitation});
        let answer = admin_command(&lottery.app, command).await;
        assert_eq!(answer["result"], 0, "{answer}");
    };
    set(3).await;
    let (status, problem) = lottery.admin_send(Method::POST, "draw/close", Value::Null).await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("the 2 that were announced"), "{problem}");
    set(2).await;
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    set(3).await;
    let run = json!({"public_value": "1"});
    assert_eq!(lottery.admin_send(Method::POST, "draw/run", run.clone()).await.0, 409);
    assert_eq!(lottery.get(&format!("/api/draws/{}", lottery.game)).await.1["state"], "closed");
    set(2).await;
    assert_eq!(lottery.admin(Method::POST, "draw/run", run).await["state"], "drawn");
}

#[actix_web::test]
async fn public_value_token_and_caller_are_checked() {
    let lottery = Lottery::new(2).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    let token = lottery.enter(&[1]).await;
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    for value in [json!(""), json!(" 1"), json!("a\nb"), json!("x".repeat(201)), json!(1)] {
        let (status, problem) = lottery.admin_send(Method::POST, "draw/run", json!({"public_value": value})).await;
        assert_eq!(status, 422, "{problem}");
    }
    let forged = format!("{}A", &token[..42]);
    let forged = if forged == token { format!("{}E", &token[..42]) } else { forged };
    let receipt = lottery.get(&format!("/api/queue/{forged}/receipt")).await;
    assert_eq!((receipt.0, &receipt.1["code"]), (422, &json!("invalid_queue_token")));

    let url = lottery.app.at(&format!("/admin/api/v1/games/{}/draw/run", lottery.game));
    let nobody = lottery.app.client.post(url).json(&json!({"public_value": "1"})).send().await.unwrap();
    assert_eq!(nobody.status(), 401);
    assert_eq!(lottery.get(&format!("/api/draws/{}", lottery.game)).await.1["state"], "closed");
}

/// Whatever a program does, a result is stored only whole, after closing and after a dry run.
#[actix_web::test]
async fn database_refuses_half_a_draw() {
    let lottery = Lottery::new(2).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    let game = lottery.game;
    let refused = async |sql: &'static str| {
        let work = lottery.app.context.db.write(move |tx| {
            Box::pin(
                async move { Ok(tx.execute(sql, args![game]).await.err().map(|error| error.is_check_violation())) },
            )
        });
        work.await.unwrap() == Some(true)
    };
    assert!(refused("UPDATE draws SET state = 2 WHERE game_id = $1").await, "no entrants");
    assert!(refused("UPDATE draws SET secret = 'x' WHERE game_id = $1").await, "revealed too early");
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    let drawn = "UPDATE draws SET state = 3, secret = 'x', public_value = 'x', winners = 0, drawn_at = 1
                 WHERE game_id = $1";
    assert!(refused(drawn).await, "no dry run");
    lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    assert!(refused("UPDATE draws SET state = 3, secret = 'x' WHERE game_id = $1").await, "no value");
    assert!(!refused(drawn).await, "the whole of it is taken");
}

#[actix_web::test]
async fn latecomers_of_a_line_that_was_opened_again_stand_behind_all_entrants() {
    let lottery = Lottery::new(1).await;
    lottery.admin(Method::POST, "draw", json!({})).await;
    for person in 1..=3 {
        lottery.enter(&[person]).await;
    }
    lottery.admin(Method::POST, "draw/close", Value::Null).await;
    lottery.admin(Method::POST, "queue/open", Value::Null).await;
    let late = lottery.enter(&[4]).await;
    assert_eq!(lottery.get(&format!("/api/queue/{late}/receipt")).await.0, 404, "is no entrant");
    lottery.admin(Method::POST, "draw/dry-run", Value::Null).await;
    lottery.admin(Method::POST, "draw/run", json!({"public_value": "1"})).await;
    let bundle = lottery.bundle().await;
    assert_eq!((bundle["entrants"].as_array().unwrap().len(), bundle["order"].as_array().unwrap().len()), (3, 3));
    crate::support::eventually("the latecomer is decided, last", async || {
        crate::reg::client::poll(&lottery.app, &late).await["queue_state"] == 2
    })
    .await;
}
