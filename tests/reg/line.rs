//! The line's own features as clients meet them: wait-list, offers, leaving, openings, rates, messages, streams, stories.

use std::time::Duration;

use actors::domain::ids::GameId;
use actors::draw::shuffle::shuffle;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Registrant, players, poll};
use crate::support::{TestApp, eventually, spawn_app};

async fn admin(app: &TestApp, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}")));
    let request = request.bearer_auth(app.admin_token().await);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn set_rules(app: &TestApp, game: i64, rules: Value) -> Value {
    let (status, numbers) = admin(app, Method::PATCH, &format!("games/{game}/queue"), Some(rules)).await;
    assert_eq!(status, 200, "{numbers}");
    numbers
}

async fn act(app: &TestApp, game: i64, act: &str) {
    let (status, numbers) = admin(app, Method::POST, &format!("games/{game}/queue/{act}"), None).await;
    assert_eq!(status, 200, "{numbers}");
}

async fn agrees(app: &TestApp, game: i64) {
    let (status, report) = admin(app, Method::GET, &format!("games/{game}/replay"), None).await;
    assert_eq!((status, &report["differences"]), (200, &json!([])), "{report}");
    assert!(report["events"].as_i64().unwrap() > 0);
}

async fn token_of(runner: &Registrant<'_>, game: i64, people: &[u32]) -> String {
    let answer = runner.enqueue(game, players(people)).await;
    assert_eq!(answer["result"], 0, "{answer}");
    answer["token"].as_str().unwrap().to_owned()
}

async fn leave(app: &TestApp, token: &str) -> (u16, Value) {
    let answer = app.client.post(app.at(&format!("/api/queue/{token}/leave"))).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Waits until the token is at `phase` with `count` ahead and itself.
async fn stands(app: &TestApp, token: &str, phase: &str, count: i64) {
    eventually(&format!("the token is at {count} of {phase}"), async || {
        let answer = poll(app, token).await;
        answer["phase"] == phase && answer["count"] == count
    })
    .await;
}

fn pass(app: &TestApp, seconds: u64) {
    app.context.db.advance_clock(Duration::from_secs(seconds));
}

#[actix_web::test]
async fn full_game_offers_what_comes_free_in_the_order_of_its_wait_list() {
    let app = spawn_app(&[("reg.payment_window_seconds", "600")]).await;
    let numbers = set_rules(&app, 2, json!({"wait_list": 5, "offer_seconds": 60})).await;
    assert_eq!((&numbers["wait_list"], &numbers["offer_seconds"]), (&json!(5), &json!(60)));
    let runner = Registrant::sign_in(&app, "runner").await;
    let holder = token_of(&runner, 2, &[1, 2, 3]).await;
    assert_eq!(runner.decided(&holder).await["queue_state"], 1);

    let pair = token_of(&runner, 2, &[4, 5]).await;
    stands(&app, &pair, "wait_list", 1).await;
    let single = token_of(&runner, 2, &[6]).await;
    stands(&app, &single, "wait_list", 2).await;
    let third = token_of(&runner, 2, &[7, 8]).await;
    stands(&app, &third, "wait_list", 3).await;
    assert_eq!(poll(&app, &third).await["wait_known"], false, "nobody knows who will pay");

    let (status, left) = leave(&app, &pair).await;
    assert_eq!((status, &left["queue_state"], &left["msg"]), (200, &json!(3), &json!("已退出排队")));
    stands(&app, &single, "wait_list", 1).await;
    assert_eq!(leave(&app, &pair).await.1, left, "leaving twice changes nothing");

    pass(&app, 601);
    let offered = runner.decided(&single).await;
    assert_eq!(offered["queue_state"], 1, "{offered}");
    let second = runner.decided(&third).await;
    assert_eq!(second["queue_state"], 1);
    // An offer lives a minute, then it goes on.
    pass(&app, 61);
    let next = token_of(&runner, 2, &[9, 10, 11]).await;
    assert_eq!(runner.decided(&next).await["queue_state"], 1, "both offers ended");
    agrees(&app, 2).await;
}

/// Nobody polls: the sweep of the node ends the wait by itself.
#[actix_web::test]
async fn wait_list_ends_when_registration_closes() {
    let app = spawn_app(&[]).await;
    set_rules(&app, 2, json!({"wait_list": 5})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order = runner.order(2, players(&[1, 2, 3])).await;
    let waiting = token_of(&runner, 2, &[4]).await;
    stands(&app, &waiting, "wait_list", 1).await;
    let sql = "UPDATE competitions SET registration_close_at = $1";
    let closes_at = app.context.db.now_ms() + 60_000;
    crate::support::fixtures::execute(&app.context.db, sql, matchday::args![closes_at]).await;
    pass(&app, 61);
    let undecided = "SELECT COUNT(*) AS n FROM queue_tokens WHERE state = 0";
    eventually("the wait ends", async || {
        crate::support::fixtures::row(&app.context.db, undecided, vec![]).await.int("n").unwrap() == 0
    })
    .await;
    assert_eq!(runner.decided(&waiting).await["queue_state"], 2);
    let (_, told) = admin(&app, Method::GET, "games/2/tokens/2", None).await;
    let last = told["story"].as_array().unwrap().last().unwrap()["text"].clone();
    assert_eq!(last, "registration had closed: nobody waits for a place any more");
    runner.pay(&order).await;
    let paid = "SELECT COUNT(*) AS n FROM orders WHERE status = 1";
    let paid = crate::support::fixtures::row(&app.context.db, paid, vec![]).await.int("n").unwrap();
    assert_eq!(paid, 1, "what was ordered before stays payable");
    agrees(&app, 2).await;
}

#[actix_web::test]
async fn wait_ends_when_all_is_paid_and_the_list_has_room_for_so_many() {
    let app = spawn_app(&[]).await;
    set_rules(&app, 2, json!({"wait_list": 1})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let holder = token_of(&runner, 2, &[1, 2, 3]).await;
    let order = runner.decided(&holder).await["order_no"].as_str().unwrap().to_owned();
    let waiting = token_of(&runner, 2, &[4]).await;
    stands(&app, &waiting, "wait_list", 1).await;
    let beyond = runner.enqueue(2, players(&[5])).await;
    assert_eq!((&beyond["queue_state"], &beyond["token"]), (&json!(2), &json!("")), "the list is full");
    runner.pay(&order).await;
    assert_eq!(runner.decided(&waiting).await["queue_state"], 2, "nothing can come free any more");
    agrees(&app, 2).await;
}

#[actix_web::test]
async fn who_comes_before_the_opening_is_shuffled_by_a_seed_that_was_fixed_before() {
    let app = spawn_app(&[]).await;
    let now = app.context.db.now_ms();
    let at = |seconds: i64| chrono::DateTime::from_timestamp_millis(now + seconds * 1000).unwrap().to_rfc3339();
    let early = set_rules(&app, 2, json!({"pre_queue_at": at(600), "opening_at": at(3600)})).await;
    assert!(early["opening_at"].is_string());
    let runner = Registrant::sign_in(&app, "runner").await;
    assert_eq!(runner.enqueue(2, players(&[1])).await["result"], -36, "not even the pre-queue is open");
    pass(&app, 601);
    let mut tokens = Vec::new();
    for person in 1..=8 {
        tokens.push(token_of(&runner, 2, &[person]).await);
    }
    let before = poll(&app, &tokens[0]).await;
    assert_eq!(
        (&before["queue_state"], &before["count"], &before["wait_known"], &before["phase"]),
        (&json!(0), &json!(0), &json!(false), &json!("before_opening"))
    );
    let announced: Value = app.get("/api/games/2/line").await.json().await.unwrap();
    let hash = announced["opening"]["seed_hash"].as_str().unwrap().to_owned();
    assert_eq!((hash.len(), &announced["opening"]["seed"]), (64, &json!(null)));
    leave(&app, &tokens[4]).await;

    pass(&app, 3_000);
    let late = token_of(&runner, 2, &[20]).await;
    assert_eq!(runner.decided(&late).await["queue_state"], 2, "who comes after the opening is behind all others");
    let opened: Value = app.get("/api/games/2/line").await.json().await.unwrap();
    assert_eq!((&opened["opening"]["count"], &opened["opening"]["seed_hash"]), (&json!(8), &json!(hash)));
    let seed: [u8; 32] = hex::decode(opened["opening"]["seed"].as_str().unwrap()).unwrap().try_into().unwrap();
    let order: Vec<usize> = shuffle(&seed, 8).into_iter().map(|sequence| sequence as usize).collect();
    let winners: Vec<usize> = order.iter().copied().filter(|sequence| *sequence != 5).take(3).collect();
    for (index, token) in tokens.iter().enumerate() {
        let sequence = index + 1;
        let expected = if sequence == 5 {
            3
        } else if winners.contains(&sequence) {
            1
        } else {
            2
        };
        assert_eq!(runner.decided(token).await["queue_state"], expected, "{sequence} in {order:?}");
    }
    let (status, refused) = admin(&app, Method::PATCH, "games/2/queue", Some(json!({"opening_at": at(9_999)}))).await;
    assert_eq!((status, &refused["code"]), (409, &json!("conflict")), "an opening cannot be changed afterwards");
    agrees(&app, 2).await;
}

#[actix_web::test]
async fn unpaid_cap_lets_the_next_in_when_one_pays() {
    let app = spawn_app(&[]).await;
    set_rules(&app, 1, json!({"most_unpaid": 1})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let first = token_of(&runner, 1, &[1]).await;
    let order = runner.decided(&first).await["order_no"].as_str().unwrap().to_owned();
    let second = token_of(&runner, 1, &[2]).await;
    let third = token_of(&runner, 1, &[3]).await;
    stands(&app, &second, "line", 1).await;
    stands(&app, &third, "line", 2).await;
    let unpaid = "SELECT COUNT(*) AS n FROM orders WHERE status = 0";
    runner.pay(&order).await;
    assert_eq!(runner.decided(&second).await["queue_state"], 1);
    let count = app.context.db.fetch_one(unpaid, vec![]).await.unwrap().int("n").unwrap();
    assert_eq!(count, 1, "never more than one");
    stands(&app, &third, "line", 1).await;
    set_rules(&app, 1, json!({"most_unpaid": 0})).await;
    assert_eq!(runner.decided(&third).await["queue_state"], 1);
    agrees(&app, 1).await;
}

#[actix_web::test]
async fn rate_of_admission_is_kept_to_the_order() {
    let app = spawn_app(&[]).await;
    act(&app, 1, "pause").await;
    set_rules(&app, 1, json!({"orders_per_minute": 1})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let mut tokens = Vec::new();
    for person in 1..=3 {
        tokens.push(token_of(&runner, 1, &[person]).await);
    }
    act(&app, 1, "open").await;
    assert_eq!(runner.decided(&tokens[0]).await["queue_state"], 1);
    stands(&app, &tokens[2], "line", 2).await;
    pass(&app, 61);
    assert_eq!(runner.decided(&tokens[1]).await["queue_state"], 1, "a minute later the next");
    stands(&app, &tokens[2], "line", 1).await;
    agrees(&app, 1).await;
}

#[actix_web::test]
async fn several_lines_at_once_and_a_message_to_all_who_wait() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    for game in [1, 2] {
        act(&app, game, "pause").await;
    }
    let (long, short) = (token_of(&runner, 1, &[1]).await, token_of(&runner, 2, &[1]).await);
    let answer = poll(&app, &long).await;
    assert_eq!((&answer["queue_state"], &answer["notice"]), (&json!(0), &json!(null)));
    assert_eq!(poll(&app, &short).await["queue_state"], 0, "in both lines");
    set_rules(&app, 1, json!({"notice": " 支付系统维护，十分钟后继续 "})).await;
    eventually("the message is told", async || {
        let answer = poll(&app, &long).await;
        answer["notice"] == "支付系统维护，十分钟后继续" && answer["msg"] == ""
    })
    .await;
    assert_eq!(poll(&app, &short).await["notice"], json!(null), "only in its own line");
    set_rules(&app, 1, json!({"notice": ""})).await;
    eventually("the message is gone", async || poll(&app, &long).await["notice"] == json!(null)).await;
}

#[actix_web::test]
async fn bad_rules_are_named_and_change_nothing() {
    let app = spawn_app(&[]).await;
    let before = admin(&app, Method::GET, "games/1/queue", None).await.1;
    for (rules, status, field) in [
        (json!({"wait_list": -1}), 422, "wait_list"),
        (json!({"wait_list": 1_000_000}), 422, "wait_list"),
        (json!({"orders_per_minute": 1.5}), 422, ""),
        (json!({"pre_queue_at": "2030-01-01"}), 422, "pre_queue_at"),
        (json!({"pre_queue_at": "2030-01-02", "opening_at": "2030-01-01"}), 422, "pre_queue_at"),
        (json!({"notice": "长".repeat(201)}), 422, "notice"),
        (json!({"unknown": 1}), 422, ""),
        (json!([]), 422, ""),
    ] {
        let (answered, problem) = admin(&app, Method::PATCH, "games/1/queue", Some(rules.clone())).await;
        assert_eq!((answered, problem["field"].as_str().unwrap_or("")), (status, field), "{rules}: {problem}");
    }
    assert_eq!(admin(&app, Method::PATCH, "games/99/queue", Some(json!({}))).await.0, 404);
    assert_eq!(admin(&app, Method::GET, "games/1/queue", None).await.1, before);
}

#[actix_web::test]
async fn forged_tokens_cannot_leave_and_decided_ones_stay() {
    let app = spawn_app(&[]).await;
    for token in ["x", "%F0%9F%8F%83", &"A".repeat(43), &"A".repeat(4_000)] {
        assert_eq!(leave(&app, token).await.0, 422, "{token}");
    }
    let runner = Registrant::sign_in(&app, "runner").await;
    let token = token_of(&runner, 1, &[1]).await;
    let decided = runner.decided(&token).await;
    let (status, answer) = leave(&app, &token).await;
    assert_eq!((status, &answer["order_no"]), (200, &decided["order_no"]), "an order is not left but cancelled");
    let unknown = app.client.get(app.at(&format!("/api/queue/{token}/leave"))).send().await.unwrap();
    assert_eq!(unknown.status(), 405);
    for path in ["/api/games/x/line", "/api/games/99/line"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
    }
}

/// Reads a stream until `wanted` is in it.
async fn read_until(stream: &mut reqwest::Response, told: &mut String, wanted: &str) {
    while !told.contains(wanted) {
        let chunk = tokio::time::timeout(crate::support::PATIENCE, stream.chunk()).await.expect("nothing was told");
        told.push_str(std::str::from_utf8(&chunk.unwrap().expect("the stream ended")).unwrap());
    }
}

#[actix_web::test]
async fn stream_tells_each_change_with_its_reason_and_ends_with_the_outcome() {
    let app = spawn_app(&[("limits.event_streams", "1")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    act(&app, 1, "pause").await;
    let first = token_of(&runner, 1, &[1]).await;
    let second = token_of(&runner, 1, &[2]).await;
    let path = format!("/api/queue/{second}/events");
    let mut stream = app.get(&path).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream; charset=utf-8");
    let mut told = String::new();
    read_until(&mut stream, &mut told, "\"count\":2").await;
    assert!(told.starts_with("event: queue\ndata: {\"queue_state\":0"), "{told}");
    let refused = app.get(&path).await;
    assert_eq!((refused.status().as_u16(), refused.headers().contains_key("retry-after")), (503, true), "one is all");
    assert_eq!(app.get("/api/queue/x/events").await.status(), 422);

    leave(&app, &first).await;
    read_until(&mut stream, &mut told, "\"count\":1").await;
    assert!(told.contains("\"reason\":\"left\""), "{told}");
    act(&app, 1, "open").await;
    read_until(&mut stream, &mut told, "\"queue_state\":1").await;
    let end = tokio::time::timeout(crate::support::PATIENCE, stream.chunk()).await.unwrap().unwrap();
    assert_eq!(end, None, "a decided token ends the stream");
    eventually("the place of the stream is free again", async || app.get(&path).await.status() == 200).await;
}

#[actix_web::test]
async fn stop_ends_streams_and_tells_them_to_come_back() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    act(&app, 1, "pause").await;
    let token = token_of(&runner, 1, &[1]).await;
    let mut stream = app.get(&format!("/api/queue/{token}/events")).await;
    let mut told = String::new();
    read_until(&mut stream, &mut told, "\"count\":1").await;
    app.context.shutdown.request();
    read_until(&mut stream, &mut told, "retry: 3000").await;
    app.stop().await;
}

#[actix_web::test]
async fn story_of_a_token_tells_why() {
    let app = spawn_app(&[("reg.payment_window_seconds", "60")]).await;
    set_rules(&app, 2, json!({"wait_list": 3})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let holder = token_of(&runner, 2, &[1, 2]).await;
    runner.decided(&holder).await;
    let group = token_of(&runner, 2, &[3, 4]).await;
    stands(&app, &group, "wait_list", 1).await;
    pass(&app, 61);
    let order = runner.decided(&group).await["order_no"].as_str().unwrap().to_owned();
    runner.pay(&order).await;
    let (status, told) = admin(&app, Method::GET, "games/2/tokens/2", None).await;
    assert_eq!((status, &told["state"]), (200, &json!("ordered")), "{told}");
    assert!(!told.to_string().contains(&group), "who reads the story could leave the line in somebody's name");
    let story: Vec<&str> = told["story"].as_array().unwrap().iter().map(|it| it["text"].as_str().unwrap()).collect();
    assert_eq!(story[0], "joined the line as number 2, for 2 places");
    assert_eq!(story[1], "no place was free: put on the wait-list");
    assert_eq!(story[2], format!("got 2 places; order {order} waits for its payment"));
    assert_eq!(story[3..], ["the order was paid"]);
    // Who asks again for a registered player is told of the other order, and its story ends there.
    let again = token_of(&runner, 2, &[3]).await;
    assert_eq!(runner.decided(&again).await["queue_state"], 4);
    let refund = runner.send(json!({"cmd": "RegAskRefund", "order_no": order})).await;
    assert_eq!(refund["result"], 0);
    let (_, other) = admin(&app, Method::GET, "games/2/tokens/3", None).await;
    assert_eq!(other["state"], "already registered");
    let last = other["story"].as_array().unwrap().last().unwrap()["text"].as_str().unwrap().to_owned();
    assert!(last.starts_with("a player was registered in this game already"), "{last}");
    let (_, first) = admin(&app, Method::GET, "games/2/tokens/1", None).await;
    assert_eq!(first["story"][2]["text"], "the order was not paid in time; its places were given back");
    assert_eq!(admin(&app, Method::GET, "games/2/tokens/99", None).await.0, 404);
    agrees(&app, 2).await;

    // The red twin of the chain: a changed event is seen.
    let change = "UPDATE game_events SET at = at + 1 WHERE game_id = 2 AND number = 3";
    app.context.db.write(move |tx| Box::pin(async move { Ok(tx.execute(change, vec![]).await?) })).await.unwrap();
    let report = matchday::service::registration::replay::replay(&app.context.db, GameId(2)).await.unwrap();
    assert!(report.differences.iter().any(|it| it.contains("the log was changed")), "{report:?}");
}

/// With a second token a person would have a second chance in a drawn order, and a second place on a wait-list.
#[actix_web::test]
async fn nobody_stands_twice_where_it_would_help() {
    let app = spawn_app(&[]).await;
    let now = app.context.db.now_ms();
    let at = |seconds: i64| chrono::DateTime::from_timestamp_millis(now + seconds * 1000).unwrap().to_rfc3339();
    set_rules(&app, 1, json!({"pre_queue_at": at(-60), "opening_at": at(3600)})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let token = token_of(&runner, 1, &[1]).await;
    assert_eq!(token_of(&runner, 1, &[1]).await, token, "the same request has its token");
    for people in [vec![1, 2], vec![3, 1]] {
        let again = runner.enqueue(1, players(&people)).await;
        let index = people.iter().position(|person| *person == 1).unwrap();
        let expected = format!("无效数据\nplayers[{index}].certificate_no: waits in this game's line already");
        assert_eq!((&again["result"], again["msg"].as_str().unwrap()), (&json!(-13), expected.as_str()));
    }
    leave(&app, &token).await;
    assert_ne!(token_of(&runner, 1, &[1, 2]).await, token, "who left may come again");

    set_rules(&app, 2, json!({"wait_list": 9})).await;
    let holder = token_of(&runner, 2, &[10, 11, 12]).await;
    runner.decided(&holder).await;
    let listed = token_of(&runner, 2, &[13]).await;
    stands(&app, &listed, "wait_list", 1).await;
    assert_eq!(runner.enqueue(2, players(&[13, 14])).await["result"], -13);
}

#[actix_web::test]
async fn opening_is_not_put_over_people_who_stand_in_an_order() {
    let app = spawn_app(&[]).await;
    act(&app, 1, "pause").await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let token = token_of(&runner, 1, &[1]).await;
    stands(&app, &token, "line", 1).await;
    let (status, problem) =
        admin(&app, Method::PATCH, "games/1/queue", Some(json!({"opening_at": "2020-01-01"}))).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    stands(&app, &token, "line", 1).await;
}

#[actix_web::test]
async fn nobody_is_offered_a_place_in_a_race_that_has_begun() {
    let app = spawn_app(&[("reg.payment_window_seconds", "60")]).await;
    set_rules(&app, 2, json!({"wait_list": 5, "wait_for_refunds": true})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let holder = token_of(&runner, 2, &[1, 2, 3]).await;
    runner.decided(&holder).await;
    let waiting = token_of(&runner, 2, &[4]).await;
    stands(&app, &waiting, "wait_list", 1).await;
    pass(&app, 40 * 86_400);
    assert_eq!(runner.decided(&waiting).await["queue_state"], 2, "its hold ended, and the race is run");
    agrees(&app, 2).await;
}

#[actix_web::test]
async fn hidden_competition_stays_in_the_hands_of_its_administrators() {
    let app = spawn_app(&[]).await;
    let (status, _) = admin(&app, Method::PATCH, "competitions/1", Some(json!({"valid_state": 2}))).await;
    assert_eq!(status, 200);
    eventually("it is hidden", async || app.get("/api/games/1/line").await.status() == 404).await;
    act(&app, 1, "pause").await;
    assert_eq!(set_rules(&app, 1, json!({"wait_list": 3})).await["state"], "paused");
    let all = json!({"cmd": "RegSetAllGamesLimitation", "balances": [{"game_id": 1, "limitation": 7}]});
    assert_eq!(super::client::admin_command(&app, all).await["result"], 0);
    let places = super::client::admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 1})).await;
    assert_eq!((&places["limitation"], &places["balance"]), (&json!(7), &json!(7)));
    assert_eq!(admin(&app, Method::GET, "games/1/registrations.csv", None).await.0, 200);
    let runner = Registrant::sign_in(&app, "runner").await;
    assert_eq!(runner.enqueue(1, players(&[1])).await["result"], -10, "registrants see no such game");
}

#[actix_web::test]
async fn game_with_somebody_on_its_wait_list_is_not_deleted_and_a_deleted_one_replays() {
    let app = spawn_app(&[]).await;
    set_rules(&app, 2, json!({"wait_list": 5})).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let holder = token_of(&runner, 2, &[1, 2, 3]).await;
    let order = runner.decided(&holder).await["order_no"].as_str().unwrap().to_owned();
    let waiting = token_of(&runner, 2, &[4]).await;
    stands(&app, &waiting, "wait_list", 1).await;
    act(&app, 2, "pause").await;
    let cancel = runner.send(json!({"cmd": "RegAskRefund", "order_no": order})).await;
    assert_eq!(cancel["result"], 0, "{cancel}");
    let (status, problem) = admin(&app, Method::DELETE, "games/2", None).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
    leave(&app, &waiting).await;
    assert_eq!(admin(&app, Method::DELETE, "games/2", None).await.0, 204);
    let report = matchday::service::registration::replay::replay(&app.context.db, GameId(2)).await.unwrap();
    assert_eq!(report.differences, [""; 0]);
    // A payment that comes late finds no game to run in: the money goes back.
    let late = app.client.post(app.at(&format!("/sandbox/pay/{order}"))).send().await.unwrap();
    assert!(late.status().is_success());
    let sold = app.context.db.fetch_one("SELECT sold FROM game_queue WHERE game_id = 2", vec![]).await.unwrap();
    assert_eq!(sold.int("sold").unwrap(), 0);
}
