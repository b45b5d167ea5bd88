//! From the wish for a place to a paid order.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Registrant, admin_command, player, players, poll, redacted};
use crate::support::{eventually, spawn_app};

#[actix_web::test]
async fn registrant_gets_a_token_an_order_and_pays_it() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(1, players(&[1, 2])).await;
    assert_eq!((&ticket["result"], &ticket["msg"]), (&json!(0), &json!("")), "{ticket}");
    let token = ticket["token"].as_str().unwrap();
    assert_eq!(token.len(), 43);

    let decided = runner.decided(token).await;
    insta::assert_json_snapshot!(redacted(&decided), @r#"
    {
      "count": 0,
      "msg": "",
      "order_no": "[order_no]",
      "phase": "decided",
      "query_interval": 0,
      "queue_state": 1,
      "result": 0,
      "wait_known": true,
      "wait_seconds": {
        "high": 0,
        "low": 0
      }
    }
    "#);
    let order_no = decided["order_no"].as_str().unwrap();
    runner.pay(order_no).await;

    let orders = runner.send(json!({"cmd": "RegQueryUserOrders"})).await;
    insta::assert_json_snapshot!(redacted(&orders), @r#"
    {
      "msg": "",
      "orders": [
        {
          "apply_time": "[apply_time]",
          "currency_type": 1,
          "expire_time": "[expire_time]",
          "game_id": "1",
          "game_name": "[game_name]",
          "order_no": "[order_no]",
          "party_id": "1",
          "party_name": "[party_name]",
          "pay_status": 1,
          "pay_time": "[pay_time]",
          "price": 240.0,
          "refunded_count": 0,
          "refunded_price": 0.0
        }
      ],
      "result": 0
    }
    "#);
    let places = admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 1})).await;
    assert_eq!((&places["limitation"], &places["balance"]), (&json!(500), &json!(498)));
}

#[actix_web::test]
async fn full_game_answers_without_a_token_and_a_free_place_goes_on() {
    let app = spawn_app(&[("reg.payment_window_seconds", "60")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let group = runner.enqueue(2, players(&[1, 2])).await;
    let first = runner.decided(group["token"].as_str().unwrap()).await;
    assert_eq!(first["queue_state"], 1);

    let other = Registrant::sign_in(&app, "other").await;
    let too_large = other.enqueue(2, players(&[3, 4])).await;
    let refused = other.decided(too_large["token"].as_str().unwrap()).await;
    assert_eq!((&refused["queue_state"], &refused["msg"]), (&json!(2), &json!("报名名额已满")), "all or none");
    let single = other.enqueue(2, players(&[3])).await;
    assert_eq!(other.decided(single["token"].as_str().unwrap()).await["queue_state"], 1);

    let late = other.enqueue(2, players(&[5])).await;
    assert_eq!((&late["result"], &late["queue_state"], &late["token"]), (&json!(0), &json!(2), &json!("")), "{late}");
    let again = runner.enqueue(2, players(&[1, 2])).await;
    assert_eq!(again["token"], group["token"], "a retry after the last place is gone still finds its token");

    // Nobody calls, and yet the unpaid places come back.
    app.context.db.advance_clock(Duration::from_secs(61));
    eventually("the holds end", async || {
        let places = admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 2})).await;
        places["balance"] == 3
    })
    .await;
    let fresh = other.enqueue(2, players(&[5])).await;
    assert_eq!(other.decided(fresh["token"].as_str().unwrap()).await["queue_state"], 1);
}

#[actix_web::test]
async fn person_registered_before_is_told_so_and_the_order_to_its_owner_only() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(1, players(&[1])).await;
    let order_no = runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone();

    let again = runner.enqueue(1, players(&[2, 1])).await;
    let own = runner.decided(again["token"].as_str().unwrap()).await;
    assert_eq!(own["queue_state"], 4);
    assert!(own["msg"].as_str().unwrap().contains(order_no.as_str().unwrap()), "{own}");

    let stranger = Registrant::sign_in(&app, "stranger").await;
    let ticket = stranger.enqueue(1, players(&[1])).await;
    let other = stranger.decided(ticket["token"].as_str().unwrap()).await;
    assert_eq!((&other["queue_state"], &other["msg"]), (&json!(4), &json!("选手已报名")));
}

#[actix_web::test]
async fn every_bad_member_is_named_and_changes_nothing() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let change = |name: &str, value: Value| {
        let mut player = player(1);
        player[name] = value;
        json!([player])
    };
    let cases = [
        (json!(null), -13, "players"),
        (json!([]), -13, "players"),
        (json!((0..101).map(player).collect::<Vec<_>>()), -13, "players"),
        (json!([7]), -13, "players[0]"),
        (change("name", json!(7)), -13, "players[0].name"),
        (change("certificate_type", json!("x")), -13, "players[0].certificate_type"),
        (change("certificate_type", json!(null)), -13, "players[0].certificate_type"),
        (change("certificate_type", json!(0)), -13, "players[0].certificate_no"),
        (change("email", json!("nobody")), -13, "players[0].email"),
        (change("gender", json!(1.5)), -13, "players[0].gender"),
        (change("t_shirt_size", json!("HUGE")), -13, "players[0].t_shirt_size"),
        (change("birth_date", json!("2999-01-01")), -13, "players[0].birth_date"),
        (change("extra_info_json", json!("{")), -13, "players[0].extra_info_json"),
        (players(&[1, 1]), -13, "players[1].certificate_no"),
    ];
    for (players, code, member) in cases {
        let answer = runner.enqueue(1, players).await;
        assert_eq!(answer["result"], code, "{member}: {answer}");
        let detail = answer["msg"].as_str().unwrap();
        assert!(detail.starts_with(&format!("无效数据\n{member}: ")), "{member}: {detail:?}");
    }
    for game in [json!("0"), json!(-1), json!("x"), json!(null), json!(99), json!("99999999999999999999")] {
        let answer = runner.send(json!({"cmd": "RegGetQueueToken", "game_id": game, "players": players(&[1])})).await;
        assert_eq!(answer["result"], -10, "{game}: {answer}");
    }
    let tokens = app.context.db.fetch_one("SELECT COUNT(*) AS n FROM queue_tokens", vec![]).await.unwrap();
    assert_eq!(tokens.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn token_states_of_forged_tokens_are_refused() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(1, players(&[1])).await;
    let token = ticket["token"].as_str().unwrap();
    let forged = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    for bad in [json!(forged), json!(""), json!(null), json!(7), json!("x".repeat(43)), json!("x".repeat(9000))] {
        let answer = super::client::command(&app, json!({"cmd": "RegQueryQueueTokenState", "token": bad})).await;
        assert_eq!((&answer["result"], &answer["msg"]), (&json!(-12), &json!("无效token")), "{bad}");
    }
}

#[actix_web::test]
async fn registration_window_and_the_state_of_the_line_are_kept() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    // The demo competition starts in 30 days; after that nobody registers.
    app.context.db.advance_clock(Duration::from_secs(31 * 86_400));
    let runner_later = Registrant::sign_in(&app, "runner").await;
    let late = runner_later.enqueue(1, players(&[1])).await;
    assert_eq!((&late["result"], &late["msg"]), (&json!(-36), &json!("赛事已关闭\n报名已截止")));
    let stale = runner.enqueue(1, players(&[1])).await;
    assert_eq!(stale["result"], -1, "a session ends, too");
}

#[actix_web::test]
async fn overload_is_told_with_the_time_to_come_back() {
    let app = spawn_app(&[("limits.enabled", "true"), ("limits.enqueues_per_minute_per_account", "1")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    assert_eq!(runner.enqueue(1, players(&[1])).await["result"], 0);
    let refused = runner.enqueue(1, players(&[2])).await;
    assert_eq!(refused["result"], -1000, "{refused}");
    assert!(refused["retry_after"].as_u64().unwrap() >= 1);
    // The red twin: with limits off the same is let through.
    let open = spawn_app(&[("limits.enqueues_per_minute_per_account", "1")]).await;
    let runner = Registrant::sign_in(&open, "runner").await;
    for person in 1..5 {
        assert_eq!(runner.enqueue(1, players(&[person])).await["result"], 0);
    }
}

#[actix_web::test]
async fn tokens_and_outcomes_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let app = crate::support::spawn_app_in(folder.path(), &[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(1, players(&[1])).await;
    let token = ticket["token"].as_str().unwrap().to_owned();
    let decided = runner.decided(&token).await;
    app.stop().await;

    let app = crate::support::spawn_app_in(folder.path(), &[]).await;
    assert_eq!(poll(&app, &token).await, decided);
}
