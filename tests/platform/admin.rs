//! Administrators over HTTP: sign-in, roles, the one-time link, the audit trail, idempotency.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::support::fixtures::execute;
use crate::support::registered::New;
use crate::support::{ADMIN, TestApp, spawn_app};
use matchday::args;

const BASE: &str = "/admin/api/v1";

fn request(app: &TestApp, method: Method, path: &str, token: &str) -> RequestBuilder {
    app.client.request(method, app.at(&format!("{BASE}/{path}"))).bearer_auth(token)
}

async fn get(app: &TestApp, path: &str, token: &str) -> (u16, Value) {
    read(request(app, Method::GET, path, token).send().await.unwrap()).await
}

async fn send(app: &TestApp, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
    read(request(app, method, path, token).json(&body).send().await.unwrap()).await
}

/// The status and the body; every refusal must be a problem document with the same status.
async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
    let bytes = answer.bytes().await.unwrap();
    if status == 204 {
        assert!(bytes.is_empty());
        return (status, Value::Null);
    }
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    if status >= 400 {
        assert_eq!(kind.as_deref(), Some("application/problem+json"));
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string() && body["detail"].is_string() && body["code"].is_string(), "{body}");
    }
    (status, body)
}

async fn login(app: &TestApp, username: &str, password: &str) -> (u16, Value) {
    send(app, Method::POST, "login", "", json!({"username": username, "password": password})).await
}

async fn with_role(app: &TestApp, owner: &str, role: &str) -> String {
    let body = json!({"username": role, "password": "a password", "role": role});
    assert_eq!(send(app, Method::POST, "admins", owner, body).await.0, 201);
    login(app, role, "a password").await.1["token"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn login_gives_a_token_that_ends() {
    let app = spawn_app(&[("admin.session_seconds", "3600")]).await;
    assert_eq!(get(&app, "me", "").await.1["code"], "unauthenticated");
    assert_eq!(login(&app, ADMIN.0, "wrong").await.1["code"], "bad_credentials");
    assert_eq!(login(&app, "nobody", ADMIN.1).await.1["code"], "bad_credentials");
    let (status, session) = login(&app, ADMIN.0, ADMIN.1).await;
    assert_eq!(status, 200);
    let token = session["token"].as_str().unwrap();
    assert_eq!(get(&app, "me", token).await.1["role"], "owner");
    assert_eq!(get(&app, "me", &token.replace(&token[..4], "0000")).await.0, 401);

    let other = app.admin_token().await;
    assert_eq!(send(&app, Method::POST, "logout", &other, json!({})).await.0, 204);
    assert_eq!(get(&app, "me", &other).await.0, 401);

    app.context.db.advance_clock(std::time::Duration::from_secs(3599 - 60));
    assert_eq!(get(&app, "me", token).await.0, 200);
    app.context.db.advance_clock(std::time::Duration::from_secs(61));
    assert_eq!(get(&app, "me", token).await.0, 401);
}

#[actix_web::test]
async fn login_counts_wrong_passwords_even_without_limits() {
    let app = spawn_app(&[]).await;
    for _ in 0..10 {
        assert_eq!(login(&app, ADMIN.0, "wrong").await.0, 401);
    }
    let (status, problem) = login(&app, ADMIN.0, ADMIN.1).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")));
    assert!(problem["retry_after"].as_u64().unwrap() > 0);
    app.context.db.advance_clock(std::time::Duration::from_secs(600));
    assert_eq!(login(&app, ADMIN.0, ADMIN.1).await.0, 200);
}

#[actix_web::test]
async fn setup_link_works_once_and_for_a_day() {
    let app = spawn_app(&[("admin.password", "")]).await;
    let link = |app: &TestApp| {
        let context = app.context.clone();
        async move {
            match matchday::service::admins::first_start(&context).await.unwrap() {
                matchday::service::admins::FirstStart::Link(token) => token,
                _ => panic!("there is no administrator yet"),
            }
        }
    };
    let first = link(&app).await;
    let second = link(&app).await;
    let set_up = |token: &str, password: &str| json!({"token": token, "username": "chief", "password": password});
    let post = |body| send(&app, Method::POST, "setup", "", body);
    assert_eq!(post(set_up(&first, "long enough")).await.0, 401, "a newer link replaces it");
    assert_eq!(post(set_up(&second, "short")).await.1["field"], "password");
    assert_eq!(post(set_up("x", "long enough")).await.0, 401);
    let (status, session) = post(set_up(&second, "long enough")).await;
    assert_eq!((status, &session["admin"]["role"]), (201, &json!("owner")));
    assert_eq!(post(set_up(&second, "long enough")).await.0, 401, "used");
    assert_eq!(login(&app, "chief", "long enough").await.0, 200);

    let stale = spawn_app(&[("admin.password", "")]).await;
    let token = link(&stale).await;
    stale.context.db.advance_clock(std::time::Duration::from_secs(24 * 3600 + 1));
    assert_eq!(send(&stale, Method::POST, "setup", "", set_up(&token, "long enough")).await.0, 401);
}

#[actix_web::test]
async fn roles_open_their_own_doors_only() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let game =
        json!({"competition_id": 1, "name": "n", "price": 1, "limitation": 0, "start_time": "2030-01-01 08:00:00"});
    let live = json!({"title": "t"});
    // (role, games, lives, orders, audit, admins)
    for (role, expected) in [
        ("editor", [201, 201, 403, 403, 403]),
        ("cashier", [403, 403, 200, 403, 403]),
        ("moderator", [403, 403, 403, 403, 403]),
    ] {
        let token = with_role(&app, &owner, role).await;
        let found = [
            send(&app, Method::POST, "games", &token, game.clone()).await.0,
            send(&app, Method::POST, "lives", &token, live.clone()).await.0,
            get(&app, "orders", &token).await.0,
            get(&app, "audit", &token).await.0,
            get(&app, "admins", &token).await.0,
        ];
        assert_eq!(found, expected, "{role}");
        assert_eq!(get(&app, "games", &token).await.0, 200);
    }
}

#[actix_web::test]
async fn last_owner_cannot_go() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    for (method, body) in [
        (Method::PATCH, json!({"role": "editor"})),
        (Method::PATCH, json!({"status": 0})),
        (Method::DELETE, Value::Null),
    ] {
        let (status, problem) = send(&app, method, "admins/1", &owner, body).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
        assert!(problem["detail"].as_str().unwrap().contains("last enabled owner"), "{problem}");
    }
    assert_eq!(get(&app, "me", &owner).await.0, 200, "nothing was changed");
    with_role(&app, &owner, "editor").await;
    assert_eq!(send(&app, Method::PATCH, "admins/2", &owner, json!({"role": "owner"})).await.0, 200);
    assert_eq!(send(&app, Method::DELETE, "admins/1", &owner, Value::Null).await.0, 204);
    assert_eq!(get(&app, "me", &owner).await.0, 401, "whoever is removed is signed out");
}

#[actix_web::test]
async fn games_are_made_changed_and_deleted_with_an_audit_trail() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let new = json!({"competition_id": 1, "name": "五公里", "price": 50.5, "limitation": 7, "start_time": "2030-01-01 08:00"});
    let (status, game) = send(&app, Method::POST, "games", &token, new.clone()).await;
    assert_eq!(status, 201);
    let id = game["id"].as_i64().unwrap();
    assert_eq!((&game["price"], &game["balance"]), (&json!(50.5), &json!(7)));
    assert_eq!(game["start_time"], "2030-01-01 08:00:00");
    assert_eq!(send(&app, Method::POST, "games", &token, new).await.1["field"], "name");
    let places = matchday::service::registration::places(&app.context, actors::domain::ids::GameId(id)).await.unwrap();
    assert_eq!(places.limitation, 7, "its line is there");

    let path = format!("games/{id}");
    let (status, changed) = send(&app, Method::PATCH, &path, &token, json!({"price": "60.00"})).await;
    assert_eq!((status, &changed["price"], &changed["name"]), (200, &json!(60.0), &json!("五公里")));
    for (bad, field) in [
        (json!({"limitation": 9}), None),
        (json!({"price": -1}), None),
        (json!({"name": " "}), Some("name")),
        (json!({"min_age_req": 40, "max_age_req": 30}), Some("max_age_req")),
    ] {
        let (status, problem) = send(&app, Method::PATCH, &path, &token, bad.clone()).await;
        assert_eq!((status, problem["field"].as_str()), (422, field), "{bad}");
    }
    assert_eq!(get(&app, &path, &token).await.1, changed);
    assert_eq!(send(&app, Method::DELETE, &path, &token, Value::Null).await.0, 204);
    assert_eq!(get(&app, &path, &token).await.0, 404);

    let (_, trail) = get(&app, &format!("audit?search=games/{id}"), &token).await;
    let acts: Vec<_> = trail["data"].as_array().unwrap().iter().map(|row| row["action"].clone()).collect();
    assert_eq!(acts, ["delete", "update", "create"]);
    let update = &trail["data"][1];
    assert_eq!((&update["before"]["price"], &update["after"]["price"]), (&json!(50.5), &json!(60.0)));
    assert_eq!(update["admin_name"], ADMIN.0);
}

#[actix_web::test]
async fn a_game_with_places_given_is_not_deleted() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    app.context
        .db
        .write(|tx| {
            Box::pin(async move {
                tx.execute("UPDATE game_queue SET sold = 1, balance = 2 WHERE game_id = 2", matchday::args![]).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let (status, problem) = send(&app, Method::DELETE, "games/2", &token, Value::Null).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    assert!(problem["detail"].as_str().unwrap().contains("the game has orders: 1 places are paid"), "{problem}");
    let (status, problem) = send(&app, Method::DELETE, "competitions/1", &token, Value::Null).await;
    assert_eq!((status, &problem["detail"]), (409, &json!("the competition has games: delete them first")));
    assert_eq!(get(&app, "games/2", &token).await.1["queue_state"], "open", "the line was not closed either");
}

#[actix_web::test]
async fn lives_have_their_room_at_once() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let body = json!({"title": "第二机位", "competition_id": 2, "live_status": 1});
    let (status, live) = send(&app, Method::POST, "lives", &token, body).await;
    assert_eq!((status, &live["id"], &live["competition_id"]), (201, &json!(2), &json!(2)));
    let stream = live["stream_name"].as_str().unwrap().strip_prefix("competition_2_").unwrap();
    assert!(stream.parse::<i64>().unwrap() > 1_700_000_000, "{stream}");
    let alone = send(&app, Method::POST, "lives", &token, json!({"title": "独立", "stream_name": "own"})).await.1;
    assert_eq!((&alone["stream_name"], &alone["id"]), (&json!("own"), &json!(3)));
    // One stream would be seen in two lives.
    let twice = send(&app, Method::POST, "lives", &token, json!({"title": "重复", "stream_name": "own"})).await;
    assert_eq!((twice.0, &twice.1["field"]), (409, &json!("stream_name")));
    let renamed = send(&app, Method::PATCH, "lives/2", &token, json!({"stream_name": "own"})).await;
    assert_eq!((renamed.0, &renamed.1["field"]), (409, &json!("stream_name")));
    let mut streams = Vec::new();
    for _ in 0..3 {
        let live = send(&app, Method::POST, "lives", &token, json!({"title": "同一秒"})).await.1;
        streams.push(live["stream_name"].as_str().unwrap().to_owned());
        let name = live["id"].clone();
        assert_eq!(send(&app, Method::PATCH, &format!("lives/{name}"), &token, json!({"summary": "x"})).await.0, 200);
    }
    streams.dedup();
    assert_eq!(streams.len(), 3, "{streams:?}");
    assert_eq!(send(&app, Method::DELETE, "lives/3", &token, Value::Null).await.0, 204);
    let room = app.context.db.fetch_one("SELECT epoch FROM rooms WHERE live_id = 2", matchday::args![]).await.unwrap();
    assert_eq!(room.text("epoch").unwrap().len(), 16);
    let unknown = json!({"competition_id": 99});
    assert_eq!(send(&app, Method::PATCH, "lives/2", &token, unknown).await.0, 404);
    let apart = send(&app, Method::PATCH, "lives/2", &token, json!({"competition_id": null})).await;
    assert_eq!(apart.1["competition_id"], Value::Null);
    assert_eq!(send(&app, Method::DELETE, "lives/2", &token, Value::Null).await.0, 204);
    assert_eq!(get(&app, "lives", &token).await.1["total"], 4);
}

#[actix_web::test]
async fn the_same_key_writes_once() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let post = |body: Value| {
        let request = request(&app, Method::POST, "competitions", &token).header("Idempotency-Key", "k-1").json(&body);
        async move { read(request.send().await.unwrap()).await }
    };
    let body = json!({"title": "夜跑", "play_time": "2030-05-01 19:00:00"});
    let (first, again) = tokio::join!(post(body.clone()), post(body.clone()));
    assert_eq!(first, again);
    assert_eq!((first.0, &first.1["id"]), (201, &json!(3)));
    let (status, problem) = post(json!({"title": "晨跑", "play_time": "2030-05-01 07:00:00"})).await;
    assert_eq!((status, &problem["field"]), (422, &json!("Idempotency-Key")));
    assert_eq!(get(&app, "competitions", &token).await.1["total"], 3);
    assert_eq!(get(&app, "audit?search=competitions/3", &token).await.1["total"], 1);
    let refused = json!({"title": "", "play_time": "2030-05-01 07:00:00"});
    let with_other_key = request(&app, Method::POST, "competitions", &token).header("Idempotency-Key", "k-2");
    assert_eq!(read(with_other_key.json(&refused).send().await.unwrap()).await.0, 422);
    let corrected = request(&app, Method::POST, "competitions", &token).header("Idempotency-Key", "k-2").json(&body);
    assert_eq!(read(corrected.send().await.unwrap()).await.0, 201, "a refusal does not use the key up");
}

#[actix_web::test]
async fn a_body_that_is_no_object_is_told_so_in_plain_words() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    for path in ["games", "lives", "competitions", "admins", "login"] {
        for body in [json!([]), json!([1, "n", 1]), json!("x"), json!(null)] {
            let (status, problem) = send(&app, Method::POST, path, &token, body.clone()).await;
            assert_eq!((status, &problem["detail"]), (422, &json!("the body must be an object")), "{path} {body}");
        }
    }
    let text = json!({"competition_id": "x", "name": "n", "price": 1, "start_time": "2030-01-01 08:00"});
    let (_, problem) = send(&app, Method::POST, "games", &token, text).await;
    assert!(problem["detail"].as_str().unwrap().ends_with("expected a whole number"), "{problem}");
}

#[actix_web::test]
async fn a_game_without_a_limitation_is_refused() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let mut new = json!({"competition_id": 1, "name": "n", "price": 1, "start_time": "2030-01-01 08:00"});
    let (status, problem) = send(&app, Method::POST, "games", &token, new.clone()).await;
    assert_eq!((status, &problem["field"]), (422, &json!("limitation")));
    assert!(problem["detail"].as_str().unwrap().contains("0 for unlimited"), "{problem}");
    new["limitation"] = json!(0);
    assert_eq!(send(&app, Method::POST, "games", &token, new).await.0, 201);
}

#[actix_web::test]
async fn administrators_names_are_the_same_in_any_case() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let new = |name: &str| json!({"username": name, "password": "a password", "role": "editor"});
    let (status, admin) = send(&app, Method::POST, "admins", &owner, new("Anna")).await;
    assert_eq!((status, &admin["username"]), (201, &json!("anna")));
    for taken in ["anna", "ANNA", "Admin"] {
        let (status, problem) = send(&app, Method::POST, "admins", &owner, new(taken)).await;
        assert_eq!((status, &problem["field"]), (409, &json!("username")), "{taken}");
    }
    assert_eq!(login(&app, "aNNa", "a password").await.0, 200);
}

#[actix_web::test]
async fn every_fault_is_a_problem() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let raw = |body: Vec<u8>| request(&app, Method::POST, "lives", &token).body(body).send();
    assert_eq!(read(raw(b"{\"title\":".to_vec()).await.unwrap()).await.1["code"], "malformed");
    assert_eq!(read(raw(b"\xff\xfe".to_vec()).await.unwrap()).await.0, 400);
    assert_eq!(read(raw(vec![b' '; 1100 * 1024]).await.unwrap()).await.1["code"], "too_large");
    assert_eq!(send(&app, Method::POST, "lives", &token, json!({"titel": "x"})).await.0, 422);
    assert_eq!(send(&app, Method::PUT, "lives", &token, json!({})).await.0, 405);
    for path in ["nothing", "games/x", "games/99999999999999999999", "games/404"] {
        assert_eq!(get(&app, path, &token).await.0, 404, "{path}");
    }
    for path in ["games?page=0", "games?size=101", "games?size=x", "games?page=-1"] {
        assert_eq!(get(&app, path, &token).await.0, 422, "{path}");
    }
    assert_eq!(get(&app, "games?page=9223372036854775807", &token).await.1["data"], json!([]));
}

#[actix_web::test]
async fn collections_search_and_page() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let (_, found) = get(&app, "games?search=%E5%8D%8A%E7%A8%8B", &token).await;
    assert_eq!((&found["total"], &found["data"][0]["id"]), (&json!(1), &json!(1)));
    assert_eq!(get(&app, "games?search=%25", &token).await.1["total"], 0, "no wildcards");
    let (_, second) = get(&app, "games?page=2&size=1", &token).await;
    assert_eq!((&second["current_page"], &second["total"]), (&json!(2), &json!(2)));
    assert_eq!(second["data"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn accounts_are_masked_and_disabled() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let account = crate::support::fixtures::person(&app, "o-1").await.account;
    crate::support::fixtures::bind_phone(&app, account, "13912345678").await;
    let moderator = with_role(&app, &owner, "moderator").await;
    for spelt in ["13912345678", "%2B86%20139-1234-5678"] {
        let found = get(&app, &format!("accounts?search={spelt}"), &owner).await.1;
        assert_eq!((&found["total"], &found["data"][0]["mobile"]), (&json!(1), &json!("13912345678")), "{spelt}");
    }
    assert_eq!(get(&app, "accounts?search=1391234567", &owner).await.1["total"], 0, "only a whole number finds");
    assert_eq!(get(&app, "accounts?search=13912345678", &moderator).await.1["data"][0]["mobile"], "139****5678");
    assert_eq!(get(&app, "accounts/1", &moderator).await.1["mobile"], "139****5678");
    let (status, account) = send(&app, Method::PATCH, "accounts/1", &moderator, json!({"status": 0})).await;
    assert_eq!((status, &account["status"], &account["mobile"]), (200, &json!(0), &json!("139****5678")));
    let (_, trail) = get(&app, "audit?search=accounts", &owner).await;
    assert!(!trail.to_string().contains("13912345678"), "the trail has no phones");
}

#[actix_web::test]
async fn accounts_of_every_dialect_are_one_collection() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let moderator = with_role(&app, &owner, "moderator").await;
    crate::support::fixtures::person(&app, "o-1").await;
    let sso = New { mail: Some("Ann@example.org"), mail_pending: true, ..New::sso("Ann") }.make(&app).await;
    let regist = New::regist("ｂｅｎ", "13912345678").make(&app).await;
    let of_app = "INSERT INTO sso_members (account_id, app_id, user_name, created_at) VALUES ($1, 1, 'Ann', 0)";
    execute(&app.context.db, of_app, args![sso.0]).await;
    let agent = "INSERT INTO agents (id, name, username, account_id, created_at) VALUES (7, 'a', 'a', $1, 0)";
    execute(&app.context.db, agent, args![regist.0]).await;

    let page = get(&app, "accounts", &owner).await.1;
    let seen = page["data"].as_array().unwrap().iter().map(|row| {
        json!([
            row["login_name"],
            row["username"],
            row["origin"],
            row["email"],
            row["email_pending"],
            row["sso_app_id"],
            row["agent_id"]
        ])
    });
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            json!(["ben", "ｂｅｎ", "regist", null, 0, null, 7]),
            json!(["ann", "Ann", "sso", "Ann@example.org", 1, 1, null]),
            json!([null, "o-1", "wechat", null, 0, null, null]),
        ],
    );
    for (search, id) in [("ANN", sso), ("ann@EXAMPLE.org", sso), ("ben", regist), ("13912345678", regist)] {
        let found = get(&app, &format!("accounts?search={search}"), &moderator).await.1;
        assert_eq!((&found["total"], &found["data"][0]["id"]), (&json!(1), &json!(id.0)), "{search}");
    }
    let masked = get(&app, &format!("accounts/{sso}"), &moderator).await.1;
    assert_eq!(masked["email"], "A***@example.org");
    let (status, account) = send(&app, Method::PATCH, &format!("accounts/{sso}"), &owner, json!({"status": 0})).await;
    assert_eq!((status, &account["email"]), (200, &json!("A***@example.org")));
    let (_, trail) = get(&app, "audit?search=accounts", &owner).await;
    assert!(!trail.to_string().contains("Ann@"), "the trail has no addresses");
}

#[actix_web::test]
async fn a_line_that_is_in_the_state_already_is_left_alone_and_not_audited() {
    let app = spawn_app(&[]).await;
    let token = app.admin_token().await;
    let acts = async || {
        let trail = get(&app, "audit?search=set_queue_state", &token).await.1;
        trail["total"].as_i64().unwrap()
    };
    for (act, state, written) in
        [("open", "open", 0), ("pause", "paused", 1), ("pause", "paused", 1), ("open", "open", 2), ("open", "open", 2)]
    {
        let (status, line) = send(&app, Method::POST, &format!("games/1/queue/{act}"), &token, json!({})).await;
        assert_eq!((status, &line["state"]), (200, &json!(state)), "{line}");
        assert_eq!(acts().await, written, "after {act}");
    }
}
