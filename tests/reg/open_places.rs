//! What one account may keep of a game unpaid, as clients and administrators meet it.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Registrant, command, players};
use crate::support::fixtures::{execute, person, row};
use crate::support::{TestApp, spawn_app};

const LIMITED: [(&str, &str); 3] = [
    ("limits.enabled", "true"),
    ("reg.max_open_places_per_account", "3"),
    ("limits.enqueues_per_minute_per_account", "1000"),
];

async fn desk(app: &TestApp, token: &str, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(token);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn account_id(app: &TestApp, openid: &str) -> i64 {
    let sql = "SELECT id FROM accounts WHERE openid = $1";
    row(&app.context.db, sql, args![openid]).await.int("id").unwrap()
}

#[actix_web::test]
async fn the_limit_is_on_by_default_and_named_with_its_number() {
    let app = spawn_app(&[("limits.enabled", "true")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ten: Vec<u32> = (1..=10).collect();
    let first = runner.enqueue(1, players(&ten)).await;
    assert_eq!(first["result"], 0, "{first}");
    let refused = runner.enqueue(1, players(&[11])).await;
    assert_eq!(refused["result"], -13, "{refused}");
    let msg = refused["msg"].as_str().unwrap();
    assert!(msg.starts_with("无效数据\nplayers: ") && msg.contains("reg.max_open_places_per_account"), "{msg}");
    assert!(msg.contains("may have 10 places") && msg.ends_with("has 10"), "{msg}");
    assert_eq!(runner.enqueue(1, players(&ten)).await["token"], first["token"], "a repeated request has its token");
    assert_eq!(runner.enqueue(2, players(&[11])).await["result"], 0, "another game is counted apart");
    // Registering in one call has no way round.
    let direct = json!({"cmd": "RegRegistration", "game_id": "1", "players": players(&[12])});
    assert_eq!(runner.send(direct).await["result"], -13);
    let other = Registrant::sign_in(&app, "other").await;
    assert_eq!(other.enqueue(1, players(&[11])).await["result"], 0);
}

/// The red twin: the same requests with limits switched off.
#[actix_web::test]
async fn limits_switched_off_let_one_account_take_what_it_likes() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    for first in [1, 41] {
        let people: Vec<u32> = (first..first + 40).collect();
        assert_eq!(runner.enqueue(1, players(&people)).await["result"], 0);
    }
}

#[actix_web::test]
async fn paying_cancelling_and_leaving_make_room() {
    let app = spawn_app(&LIMITED).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order = runner.order(1, players(&[1, 2, 3])).await;
    assert_eq!(runner.enqueue(1, players(&[4])).await["result"], -13);
    runner.pay(&order).await;
    let order = runner.order(1, players(&[4, 5, 6])).await;
    assert_eq!(runner.enqueue(1, players(&[7])).await["result"], -13);
    let id = row(&app.context.db, "SELECT id FROM orders WHERE order_no = $1", args![&order]).await.int("id").unwrap();
    let caller = person(&app, "runner").await;
    let cancel = app.client.post(app.at("/api/v1/order/cancel")).header("token", &caller.token);
    assert_eq!(cancel.json(&json!({"id": id})).send().await.unwrap().status(), 200);
    let admin = app.admin_token().await;
    desk(&app, &admin, Method::POST, "games/1/queue/pause", json!({})).await;
    let waiting = runner.enqueue(1, players(&[7, 8, 9])).await;
    assert_eq!((&waiting["result"], &waiting["queue_state"]), (&json!(0), &json!(0)), "{waiting}");
    assert_eq!(runner.enqueue(1, players(&[10])).await["result"], -13, "those who wait count");
    let leave = app.at(&format!("/api/queue/{}/leave", waiting["token"].as_str().unwrap()));
    assert_eq!(app.client.post(leave).send().await.unwrap().status(), 200);
    assert_eq!(runner.enqueue(1, players(&[10])).await["result"], 0);
}

#[actix_web::test]
async fn rounds_end_within_a_day_with_a_message_of_their_own() {
    let app = spawn_app(&LIMITED).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let admin = app.admin_token().await;
    desk(&app, &admin, Method::POST, "games/1/queue/pause", json!({})).await;
    for round in 0..5_u32 {
        let ticket = runner.enqueue(1, players(&[round * 3 + 1, round * 3 + 2, round * 3 + 3])).await;
        assert_eq!(ticket["result"], 0, "{ticket}");
        let leave = app.at(&format!("/api/queue/{}/leave", ticket["token"].as_str().unwrap()));
        assert_eq!(app.client.post(leave).send().await.unwrap().status(), 200);
    }
    let refused = runner.enqueue(1, players(&[90])).await;
    assert_eq!(refused["result"], -13);
    let msg = refused["msg"].as_str().unwrap();
    assert!(
        msg.contains("may request 15 places") && msg.contains("24 hours") && msg.ends_with("requested 15"),
        "{msg}"
    );
}

#[actix_web::test]
async fn clubs_are_given_an_allowance_that_is_checked_and_audited() {
    let app = spawn_app(&LIMITED).await;
    let club = Registrant::sign_in(&app, "club").await;
    let id = account_id(&app, "club").await;
    let path = format!("accounts/{id}/allowance");
    let owner = app.admin_token().await;
    for role in ["editor", "cashier", "moderator"] {
        let new = json!({"username": role, "password": "a password", "role": role});
        assert_eq!(desk(&app, &owner, Method::POST, "admins", new).await.0, 201);
        let session = json!({"username": role, "password": "a password"});
        let token = desk(&app, "", Method::POST, "login", session).await.1["token"].as_str().unwrap().to_owned();
        let expected = if role == "editor" { 200 } else { 403 };
        assert_eq!(desk(&app, &token, Method::POST, &path, json!({"open_places": 50})).await.0, expected, "{role}");
    }
    for (bad, field) in [
        (json!({}), Some("open_places")),
        (json!({"open_places": 0}), Some("open_places")),
        (json!({"open_places": 100_001}), Some("open_places")),
        (json!({"open_places": 1.5}), None),
        (json!({"open_places": "50"}), None),
        (json!({"open_places": 5, "status": 0}), None),
    ] {
        let (status, problem) = desk(&app, &owner, Method::POST, &path, bad.clone()).await;
        assert_eq!((status, problem["field"].as_str()), (422, field), "{bad}: {problem}");
    }
    assert_eq!(desk(&app, &owner, Method::POST, "accounts/999/allowance", json!({"open_places": 5})).await.0, 404);
    let shown = app.get_as(&format!("/admin/api/v1/accounts/{id}"), &owner).await;
    assert_eq!(shown["open_places_allowance"], 50, "nothing of it was changed");
    let fifty: Vec<u32> = (1..=50).collect();
    assert_eq!(club.enqueue(1, players(&fifty)).await["result"], 0);
    let refused = club.enqueue(1, players(&[51])).await;
    assert!(refused["msg"].as_str().unwrap().contains("may have 50 places"), "{refused}");
    let trail = app.get_as(&format!("/admin/api/v1/audit?search=accounts/{id}"), &owner).await;
    let act = &trail["data"][0];
    assert_eq!((&act["action"], &act["admin_name"]), (&json!("set-allowance"), &json!("editor")), "{act}");
    let members = ["before", "after"].map(|side| act[side]["open_places_allowance"].clone());
    assert_eq!(members, [Value::Null, json!(50)]);
    let (status, account) = desk(&app, &owner, Method::POST, &path, json!({"open_places": null})).await;
    assert_eq!((status, &account["open_places_allowance"]), (200, &Value::Null));
}

#[actix_web::test]
async fn users_of_a_trusted_front_end_have_one_limit_each() {
    let mut settings = LIMITED.to_vec();
    settings.extend([("reg.identity", "trusting"), ("reg.trusting_networks", "127.0.0.0/8")]);
    let app = spawn_app(&settings).await;
    let mut users = Vec::new();
    for name in ["one", "two"] {
        Registrant::sign_in(&app, name).await;
        users.push(account_id(&app, name).await);
    }
    let ask = |user: i64, people: Vec<u32>| {
        command(
            &app,
            json!({"cmd": "RegGetQueueToken", "game_id": 1, "user_id": user.to_string(), "players": players(&people)}),
        )
    };
    assert_eq!(ask(users[0], vec![1, 2, 3]).await["result"], 0);
    assert_eq!(ask(users[0], vec![4]).await["result"], -13);
    assert_eq!(ask(users[1], vec![4]).await["result"], 0);
}

/// What administrators import is theirs to answer for.
#[actix_web::test]
async fn imported_registrations_do_not_count() {
    let app = spawn_app(&LIMITED).await;
    let club = Registrant::sign_in(&app, "club").await;
    let id = account_id(&app, "club").await;
    execute(&app.context.db, "UPDATE games SET price_fen = 0", args![]).await;
    let template = app.at("/admin/api/v1/games/1/registrations/template.csv");
    let owner = app.admin_token().await;
    let heading = app.client.get(template).bearer_auth(&owner).send().await.unwrap().text().await.unwrap();
    assert!(heading.contains("user_id"), "{heading}");
    let mut file =
        "name,certificate_type,certificate_no,mobile,email,country,gender,birth_date,emergency_contact_name,\
                    emergency_contact_mobile,user_id\n"
            .to_owned();
    for person in 100..120 {
        file.push_str(&format!("Ann,1,E{person:07},13800000000,a@example.org,NZ,2,1990-05-01,Bo,13900000000,{id}\n"));
    }
    let import = app.client.post(app.at("/admin/api/v1/games/1/registrations/import")).bearer_auth(&owner).body(file);
    let answer = import.send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    assert_eq!(club.enqueue(1, players(&[1, 2, 3])).await["result"], 0);
    assert_eq!(club.enqueue(1, players(&[4])).await["result"], -13);
}
