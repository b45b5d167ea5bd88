//! Erasing a person: refused while places are at stake, complete afterwards, and no number changes.

use matchday::args;
use matchday::store::sql::db::Db;
use serde_json::{Value, json};

use super::{CERTIFICATE, CONTACT, NAME, PHONE, dump, found, known_player, on_both};
use crate::reg::client::{Registrant, player};
use crate::support::chat::Client;
use crate::support::fixtures::{bind_phone, execute, line, live, person};
use crate::support::registered::New;
use crate::support::{TestApp, spawn_app_in};

const OPENID: &str = "user-of-the-tests";

/// Every sum there is: places, orders by state, money, registrations, tokens, lines.
async fn sums(db: &Db) -> Vec<i64> {
    let mut sums = Vec::new();
    for sql in [
        "SELECT CAST(COALESCE(SUM(limitation + 3 * sold + 7 * held + 11 * balance + tail + head), 0) AS BIGINT) AS n FROM game_queue",
        "SELECT CAST(SUM(total_fen + 31 * status + item_count + COALESCE(pay_amount_fen, 0)) AS BIGINT) AS n FROM orders",
        "SELECT CAST(SUM(amount_fen * state) AS BIGINT) AS n FROM payments",
        "SELECT CAST(SUM(amount_fen + id) AS BIGINT) AS n FROM journal",
        "SELECT COUNT(*) AS n FROM game_events",
        "SELECT COUNT(*) AS n FROM registrations",
        "SELECT COUNT(*) AS n FROM registrations WHERE live = 1",
        "SELECT CAST(SUM(group_size + 100 * state + 1000 * live) AS BIGINT) AS n FROM queue_tokens",
        "SELECT COUNT(*) AS n FROM publications",
        "SELECT CAST(SUM(tail_offset) AS BIGINT) AS n FROM rooms",
        "SELECT COUNT(*) AS n FROM accounts",
    ] {
        sums.push(db.fetch_one(sql, args![]).await.unwrap().int("n").unwrap());
    }
    sums
}

async fn post(app: &TestApp, path: &str, key: Option<&str>, body: Value) -> (u16, Value) {
    let mut request = app.client.post(app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(app.admin_token().await);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let request = if body.is_null() { request } else { request.json(&body) };
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn start_games(db: &Db) {
    execute(db, "UPDATE games SET start_time = $1", args![db.now_ms() - 1]).await;
}

async fn order(runner: &Registrant<'_>, game: i64, players: Value) -> String {
    let ticket = runner.enqueue(game, players).await;
    let decided = runner.decided(ticket["token"].as_str().unwrap_or_else(|| panic!("{ticket}"))).await;
    let order_no = decided["order_no"].as_str().unwrap().to_owned();
    runner.pay(&order_no).await;
    order_no
}

const TRACES: [&str; 5] = [NAME, CERTIFICATE, PHONE, CONTACT, OPENID];

#[actix_web::test]
async fn an_erased_account_leaves_its_sums_and_nothing_else() {
    on_both(async |app| {
        let db = &app.context.db;
        let user = person(&app, OPENID).await;
        bind_phone(&app, user.account, PHONE).await;
        let runner = Registrant::sign_in(&app, OPENID).await;
        let order_no = order(&runner, 1, json!([known_player(), player(5)])).await;
        let room = live(db).await;
        line(db, room, 1, &user, "我是欧阳无痕").await;
        let athlete = "INSERT INTO members (account_id, cn_name, created_at) VALUES ($1, $2, 0)";
        execute(db, athlete, args![user.account.0, NAME]).await;
        let listed = known_player();
        let text = format!("{}|{}", listed["certificate_type"], listed["certificate_no"].as_str().unwrap());
        let draw = "INSERT INTO draws (game_id, commitment, secret_sealed, places, quotas, public_source, created_at)
                    VALUES (1, '', '', 1, '[]', '', 0)";
        execute(db, draw, args![]).await;
        let list = "INSERT INTO draw_group_members (game_id, group_name, certificate_key) VALUES (1, 'club', $1)";
        execute(db, list, args![app.context.vault.lookup_key("certificate", text.as_bytes())]).await;
        let path = format!("accounts/{}/erase", user.account);
        let patched = app.client.patch(app.at(&format!("/admin/api/v1/accounts/{}", user.account)));
        let patched = patched.bearer_auth(app.admin_token().await).header("Idempotency-Key", "p");
        assert_eq!(patched.json(&json!({"status": 1})).send().await.unwrap().status(), 200);

        let before = (dump(db).await, sums(db).await);
        let (status, problem) = post(&app, &path, None, Value::Null).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("game 1 (order {order_no})")) && detail.contains("refund or cancel"), "{detail}");
        assert_eq!(sums(db).await, before.1);
        assert!(before.0.contains(OPENID) && dump(db).await.contains(OPENID), "a refusal changes nothing");

        start_games(db).await;
        let (status, erased) = post(&app, &path, Some("once"), Value::Null).await;
        assert_eq!(status, 200, "{erased}");
        assert_eq!(
            erased,
            json!({"orders": 1, "registrations": 2, "queue_tokens": 1, "chat_lines": 1, "sessions": 2}),
        );
        assert_eq!(post(&app, &path, Some("once"), Value::Null).await, (200, erased));
        assert_eq!(sums(db).await, before.1, "every sum stays");
        let after = dump(db).await;
        assert_eq!(found(after.as_bytes(), &TRACES), Vec::<&str>::new());
        let keys: Vec<String> = [known_player(), player(5)]
            .iter()
            .map(|it| format!("{}|{}", it["certificate_type"], it["certificate_no"].as_str().unwrap()))
            .map(|text| app.context.vault.lookup_key("certificate", text.as_bytes()))
            .collect();
        for key in &keys {
            assert!(before.0.contains(key) && !after.contains(key), "the certificate's key went, too");
        }
        let session = app.client.get(app.at("/api/v1/user/info")).header("token", &user.token).send().await.unwrap();
        assert_ne!(session.status(), 200, "the session cache forgot the person");
        let lines = matchday::service::live::history(&app.context, actors::domain::ids::LiveId(room), None, 10).await;
        assert!(lines.unwrap().is_empty());
        // The rows can still be read by those that open players.
        let sealed = db.fetch_all("SELECT player_sealed FROM registrations", args![]).await.unwrap();
        for row in sealed {
            let text = app.context.vault.open(&row.text("player_sealed").unwrap()).unwrap();
            let player: actors::domain::registration::Player = serde_json::from_str(&text).unwrap();
            assert_eq!(player, actors::domain::registration::Player::erased());
        }
        // The person may come back as somebody new.
        let again = person(&app, OPENID).await;
        assert_ne!(again.account, user.account);
        assert_eq!(post(&app, "accounts/999/erase", None, Value::Null).await.0, 404);
    })
    .await;
}

#[actix_web::test]
async fn who_waits_in_a_line_is_not_erased() {
    on_both(async |app| {
        let user = person(&app, OPENID).await;
        let admin = app.admin_token().await;
        let pause = app.client.post(app.at("/admin/api/v1/games/1/queue/pause")).bearer_auth(&admin);
        assert_eq!(pause.send().await.unwrap().status(), 200);
        let runner = Registrant::sign_in(&app, OPENID).await;
        let ticket = runner.enqueue(1, json!([known_player()])).await;
        assert_eq!(ticket["queue_state"], 0, "{ticket}");
        let (status, problem) = post(&app, &format!("accounts/{}/erase", user.account), None, Value::Null).await;
        assert_eq!(status, 409);
        assert!(problem["detail"].as_str().unwrap().contains("waits in the line of game 1"), "{problem}");
        let body = json!({"certificate_type": 0, "certificate_no": CERTIFICATE});
        assert_eq!(post(&app, "players/erase", None, body).await.0, 409);
        let open = app.client.post(app.at("/admin/api/v1/games/1/queue/open")).bearer_auth(&admin);
        assert_eq!(open.send().await.unwrap().status(), 200);
        let decided = runner.decided(ticket["token"].as_str().unwrap()).await;
        assert_eq!(decided["queue_state"], 1, "the refusal left the token whole: {decided}");
    })
    .await;
}

#[actix_web::test]
async fn a_player_in_somebody_elses_group_is_erased_alone() {
    on_both(async |app| {
        let db = &app.context.db;
        let captain = Registrant::sign_in(&app, "captain").await;
        let order_no = order(&captain, 1, json!([player(1), known_player()])).await;
        let body = json!({"certificate_type": 0, "certificate_no": CERTIFICATE});
        let (status, problem) = post(&app, "players/erase", None, body.clone()).await;
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(&order_no));
        start_games(db).await;
        let before = sums(db).await;
        let (status, erased) = post(&app, "players/erase", None, body.clone()).await;
        assert_eq!(
            (status, &erased["registrations"], &erased["queue_tokens"]),
            (200, &json!(1), &json!(1)),
            "{erased}"
        );
        assert_eq!(sums(db).await, before);
        let export: Value = app.get_as("/admin/api/v1/accounts/1/export", &app.admin_token().await).await;
        let text = export.to_string();
        assert_eq!(found(text.as_bytes(), &[NAME, CERTIFICATE, PHONE, CONTACT]), Vec::<&str>::new());
        assert!(text.contains("跑者1"), "the others of the group stay");
        assert_eq!(post(&app, "players/erase", None, body).await.0, 404, "nothing is left of them");
        let bad = json!({"certificate_type": 0, "certificate_no": "1"});
        assert_eq!(post(&app, "players/erase", None, bad).await.1["field"], "certificate_no");
    })
    .await;
}

#[actix_web::test]
async fn a_certificate_that_is_live_elsewhere_stays_recognised_there() {
    on_both(async |app| {
        let db = &app.context.db;
        let (user, friend) = (Registrant::sign_in(&app, OPENID).await, Registrant::sign_in(&app, "friend").await);
        order(&user, 1, json!([known_player()])).await;
        execute(db, "UPDATE games SET start_time = $1 WHERE id = 1", args![db.now_ms() - 1]).await;
        order(&friend, 2, json!([known_player()])).await;
        let (status, erased) = post(&app, "accounts/1/erase", None, Value::Null).await;
        assert_eq!((status, &erased["registrations"]), (200, &json!(1)), "{erased}");
        let mut again = known_player();
        again["city"] = json!("广州");
        let ticket = friend.enqueue(2, json!([again])).await;
        let decided = friend.decided(ticket["token"].as_str().unwrap()).await;
        assert_eq!(decided["queue_state"], 4, "still registered in game 2: {decided}");
        let players = "SELECT COUNT(DISTINCT player_id) AS n FROM registrations";
        assert_eq!(
            db.fetch_one(players, args![]).await.unwrap().int("n").unwrap(),
            2,
            "the two rows say nothing of each other"
        );
    })
    .await;
}

/// Those who watch are told, and who comes later is not given the lines from the room's memory.
#[actix_web::test]
async fn a_room_that_runs_forgets_the_persons_lines() {
    on_both(async |app| {
        let user = person(&app, OPENID).await;
        let login = |token: Option<&str>| json!({"type": "LOGIN", "room_id": "1", "token": token});
        let (mut speaker, mut viewer) = (Client::to(&app.ws_url).await, Client::to(&app.ws_url).await);
        viewer.send(login(None)).await;
        let epoch = viewer.until("WELCOME").await["epoch"].clone();
        speaker.send(login(Some(&user.token))).await;
        let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "我是欧阳无痕", "token": user.token});
        speaker.send(line).await;
        assert_eq!(viewer.lines(1).await[0]["offset"], 1);
        let path = format!("accounts/{}/erase", user.account);
        assert_eq!(post(&app, &path, None, Value::Null).await.0, 200);
        assert_eq!(viewer.until("DELETE").await["offset"], 1);
        let mut late = Client::to(&app.ws_url).await;
        late.send(json!({"type": "LOGIN", "room_id": "1", "last_offset": 0, "epoch": epoch})).await;
        assert_eq!(late.until("DELETE").await["offset"], 1);
    })
    .await;
}

#[actix_web::test]
async fn the_sqlite_file_keeps_nothing_of_an_erased_person() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    let user = person(&app, OPENID).await;
    let room = live(&app.context.db).await;
    for offset in 1..200 {
        line(&app.context.db, room, offset, &user, "只有我才这样说话").await;
    }
    let path = format!("accounts/{}/erase", user.account);
    assert_eq!(post(&app, &path, None, Value::Null).await.0, 200);
    app.stop().await;
    let file = std::fs::read(folder.path().join("matchday.db")).unwrap();
    assert_eq!(found(&file, &[OPENID, "只有我才这样说话"]), Vec::<&str>::new());
}

#[actix_web::test]
async fn an_athletes_page_and_letters_go_with_the_account() {
    on_both(async |app| {
        let db = &app.context.db;
        let user = person(&app, OPENID).await;
        // The page came before the phone was bound, so that nothing has joined the two.
        let new = json!({"cn_name": NAME, "mobile": PHONE, "school": CONTACT});
        let (status, member) = post(&app, "members", Some("m"), new).await;
        assert_eq!((status, &member["account_id"]), (201, &Value::Null));
        bind_phone(&app, user.account, PHONE).await;
        for (path, body) in
            [("feeds", json!({"content": NAME, "phone": PHONE})), ("competition/apply/commit", json!({"id": 1}))]
        {
            let request = app.client.post(app.at(&format!("/api/v1/{path}"))).header("token", &user.token);
            assert_eq!(request.json(&body).send().await.unwrap().status(), 201, "{path}");
        }
        let owner = app.admin_token().await;
        let all = app.get_as(&format!("/admin/api/v1/accounts/{}/export", user.account), &owner).await;
        let told =
            (&all["athlete"][0]["cn_name"], &all["feeds"][0]["phone"], &all["applications"][0]["competition_id"]);
        assert_eq!(told, (&json!(NAME), &json!(PHONE), &json!(1)), "{all}");

        assert!(!found(dump(db).await.as_bytes(), &TRACES).is_empty());
        let (status, erased) = post(&app, &format!("accounts/{}/erase", user.account), None, Value::Null).await;
        assert_eq!(status, 200, "{erased}");
        assert_eq!(found(dump(db).await.as_bytes(), &TRACES), Vec::<&str>::new());
        for list in ["feeds", "applications"] {
            assert_eq!(app.get_as(&format!("/admin/api/v1/{list}"), &owner).await["total"], 0, "{list}");
        }
    })
    .await;
}

#[actix_web::test]
async fn an_account_that_an_application_made_leaves_nothing_of_what_that_told() {
    on_both(async |app| {
        let (db, vault) = (&app.context.db, &app.context.vault);
        let new = New { mail: Some("wuhen@example.org"), mobile: Some(PHONE), ..New::sso("ouyang-wuhen") };
        let account = New { mail_pending: true, ..new }.make(&app).await;
        let told =
            "INSERT INTO sso_members (account_id, app_id, user_name, contact_sealed, extend_sealed, address_sealed,
                                             created_at)
                    VALUES ($1, 1, 'Ouyang-Wuhen', $2, $3, $4, 0)";
        let sealed = ["QQ 12345", "extend", "192.0.2.7"].map(|text| vault.seal(text));
        execute(db, told, args![account.0, &sealed[0], &sealed[1], &sealed[2]]).await;
        let link =
            "INSERT INTO mail_confirmations (token_hash, account_id, created_at, expires_at) VALUES ('h', $1, 0, 1)";
        execute(db, link, args![account.0]).await;
        let (mobile, mail) = (vault.mobile_key(PHONE), vault.email_key("wuhen@example.org"));
        let agent = "INSERT INTO agents (name, username, mobile_key, mobile_sealed, account_id, created_at)
                     VALUES ('agent', 'agent', $2, $3, $1, 0)";
        execute(db, agent, args![account.0, &mobile, vault.seal(PHONE)]).await;
        let export = app.get_as(&format!("/admin/api/v1/accounts/{account}/export"), &app.admin_token().await).await;
        assert_eq!(
            (
                &export["account"][0]["email"],
                &export["account"][0]["email_pending"],
                &export["account"][0]["login_name"]
            ),
            (&json!("wuhen@example.org"), &json!(1), &json!("ouyang-wuhen")),
        );
        let registered = &export["sso"][0];
        assert_eq!((&registered["app_id"], &registered["contact"]), (&json!(1), &json!("QQ 12345")), "{registered}");
        assert_eq!((&registered["extend"], &registered["address"]), (&json!("extend"), &json!("192.0.2.7")));
        assert_eq!(export["agent"][0]["username"], "agent");

        let traces = ["ouyang-wuhen", "Ouyang-Wuhen", &mobile, &mail, &sealed[0], &sealed[1], &sealed[2]];
        assert_eq!(found(dump(db).await.as_bytes(), &traces), traces);
        let (status, erased) = post(&app, &format!("accounts/{account}/erase"), None, Value::Null).await;
        assert_eq!(status, 200, "{erased}");
        assert_eq!(found(dump(db).await.as_bytes(), &traces), Vec::<&str>::new());
        let export = app.get_as(&format!("/admin/api/v1/accounts/{account}/export"), &app.admin_token().await).await;
        assert_eq!((&export["sso"], &export["agent"]), (&json!([]), &json!([])));
        // Name, phone and address are free again.
        assert_ne!(new.make(&app).await, account);
    })
    .await;
}
