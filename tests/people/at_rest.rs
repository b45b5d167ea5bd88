//! No phone, certificate number or player's name in the database or in the log.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use matchday::args;
use matchday::store::sql::db::Db;
use matchday::store::sql::seal_plain;
use matchday::vault::Vault;
use serde_json::{Value, json};

use super::{PHONE, SECRETS, dump, found, known_player, on_both};
use crate::reg::client::Registrant;
use crate::store::databases::{on_each, sqlite};
use crate::support::fixtures::{bind_phone, execute, person};
use crate::support::{ADMIN, eventually, spawn_app_in};

/// Signs in, binds a phone, registers, pays, is looked up by an administrator.
async fn use_server(app: &crate::support::TestApp) {
    let account = person(app, "user").await.account;
    bind_phone(app, account, PHONE).await;
    let runner = Registrant::sign_in(app, "user").await;
    let ticket = runner.enqueue(1, json!([known_player()])).await;
    let decided = runner.decided(ticket["token"].as_str().unwrap()).await;
    runner.pay(decided["order_no"].as_str().unwrap()).await;
    let mut twice = known_player();
    twice["email"] = json!("other@example.org");
    let again = runner.enqueue(1, json!([twice])).await;
    assert_eq!(runner.decided(again["token"].as_str().unwrap()).await["queue_state"], 4, "{again}");
    let admin = app.admin_token().await;
    let found = app.get_as(&format!("/admin/api/v1/accounts?search={PHONE}"), &admin).await;
    assert_eq!(found["data"][0]["mobile"], PHONE, "{found}");
}

#[actix_web::test]
async fn no_table_holds_personal_data_in_plain() {
    on_both(async |app| {
        use_server(&app).await;
        let db = &app.context.db;
        let orders = "SELECT COUNT(*) AS n FROM orders WHERE LENGTH(phone_sealed) >= 38 AND status = 1";
        assert_eq!(db.fetch_one(orders, args![]).await.unwrap().int("n").unwrap(), 1, "the order has a phone");
        assert_eq!(found(dump(db).await.as_bytes(), &SECRETS), Vec::<&str>::new());
        // The search sees what there is to see.
        execute(db, "UPDATE orders SET remark = $1", args![format!("call {PHONE}")]).await;
        assert_eq!(found(dump(db).await.as_bytes(), &SECRETS), [PHONE]);
    })
    .await;
}

fn files_of(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().contains(".db")) {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

#[actix_web::test]
async fn no_page_of_the_sqlite_file_holds_personal_data_in_plain() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    use_server(&app).await;
    assert_eq!(found(&files_of(folder.path()), &SECRETS), Vec::<&str>::new());
    execute(&app.context.db, "UPDATE orders SET remark = $1", args![PHONE]).await;
    assert_eq!(found(&files_of(folder.path()), &SECRETS), [PHONE], "the search sees what there is to see");
    app.stop().await;
}

async fn plant(db: &Db, rows: i64) {
    for row in 0..rows {
        let number = format!("1380000{row:04}");
        let sql = "INSERT INTO accounts (openid, mobile_sealed, register_time) VALUES ($1, $2, 0)";
        execute(db, sql, args![format!("old-{row}"), &number]).await;
    }
    execute(
        db,
        "INSERT INTO accounts (openid, mobile_sealed, register_time) VALUES ('x', '+8613800000001', 0)",
        args![],
    )
    .await;
    execute(db, "INSERT INTO members (mobile_sealed, cn_name, created_at) VALUES ('13800000001', 'n', 0)", args![])
        .await;
    let sql =
        "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen, created_at,
                                   expires_at, phone_sealed)
               SELECT 'o-' || id, id, 0, 1, 'x', 1, 1, 1, 0, 0, COALESCE(mobile_sealed, '') FROM accounts";
    execute(db, sql, args![]).await;
}

#[actix_web::test]
async fn plain_phones_of_older_versions_are_sealed_once() {
    on_each(0, async |fixture| {
        let (db, vault) = (&fixture.db, Vault::new(&[1; 32], &[2; 32]));
        plant(db, 1_001).await;
        let plain = ["13800000001", "13800001000"];
        assert_eq!(found(dump(db).await.as_bytes(), &plain), plain);
        // Two nodes that start together.
        let other = fixture.another_node().await;
        let (one, two) =
            tokio::join!(seal_plain::run(&fixture.url, db, &vault), seal_plain::run(&fixture.url, &other, &vault));
        assert!(one.unwrap() + two.unwrap() > 2 * 1_002);
        assert_eq!(found(dump(db).await.as_bytes(), &plain), Vec::<&str>::new());
        assert_eq!(seal_plain::run(&fixture.url, db, &vault).await.unwrap(), 0, "nothing is left to do");

        let sql = "SELECT openid, mobile_sealed FROM accounts WHERE mobile_key = $1";
        let row = db.fetch_one(sql, args![vault.mobile_key("13800000001")]).await.unwrap();
        assert_eq!(row.text("openid").unwrap(), "old-1");
        assert_eq!(vault.open(&row.text("mobile_sealed").unwrap()).unwrap(), "13800000001");
        let second = db.fetch_one("SELECT mobile_sealed, mobile_key FROM accounts WHERE openid = 'x'", args![]);
        let second = second.await.unwrap();
        assert_eq!(vault.open(&second.text("mobile_sealed").unwrap()).unwrap(), "+8613800000001", "kept as it was");
        assert!(second.opt_text("mobile_key").unwrap().is_some());
    })
    .await;
}

#[actix_web::test]
async fn sealing_leaves_no_plain_phone_in_the_pages_of_the_file() {
    let fixture = sqlite(0).await;
    plant(&fixture.db, 300).await;
    let folder = match &fixture.url {
        matchday::store::sql::db::DatabaseUrl::Sqlite(path) => path.parent().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    let plain = ["13800000001", "13800000299"];
    assert_eq!(found(&files_of(&folder), &plain), plain);
    seal_plain::run(&fixture.url, &fixture.db, &Vault::new(&[1; 32], &[2; 32])).await.unwrap();
    assert_eq!(found(&files_of(&folder), &plain), Vec::<&str>::new());
}

/// The real program with the most talkative log.
#[actix_web::test]
async fn no_line_of_the_log_holds_personal_data() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("server.log");
    let output = File::create(&log).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut child = Command::new(env!("CARGO_BIN_EXE_matchday"))
        .args(["serve", "--chat-bind", "", "--internal-bind", "", "--demo", "true", "--log-level", "trace"])
        .args(["--bind", &format!("127.0.0.1:{port}"), "--data-dir"])
        .arg(folder.path())
        .current_dir(folder.path())
        .env("MATCHDAY_ENV", "development")
        .env("MATCHDAY__ADMIN__PASSWORD", ADMIN.1)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    matchday::clients::tls::use_ring();
    let client = reqwest::Client::new();
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    eventually("the server is ready", async || {
        client.get(at("/readyz")).send().await.is_ok_and(|it| it.status() == 200)
    })
    .await;
    let post = async |path: &str, name: &'static str, token: &str, body: Value| -> Value {
        let request = client.post(at(path)).header(name, token).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let session = post("/api/v1/token/user", "token", "", json!({"code": "sandbox:user"})).await;
    let session = session["token"].as_str().unwrap();
    let mut wrong = known_player();
    wrong["zip"] = json!("1234567890123");
    for player in [wrong, known_player()] {
        let body = json!({"cmd": "RegGetQueueToken", "game_id": "1", "players": [player]});
        post("/api/reg", "token", session, body).await;
    }
    let by_certificate = json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 0,
                                "certificate_no": super::CERTIFICATE});
    let found_by = post("/api/reg", "token", session, by_certificate).await;
    assert_eq!(found_by["result"], 0, "{found_by}");
    let admin = post("/admin/api/v1/login", "x", "", json!({"username": ADMIN.0, "password": ADMIN.1})).await;
    let bearer = format!("Bearer {}", admin["token"].as_str().unwrap());
    let search = client.get(at(&format!("/admin/api/v1/accounts?search={PHONE}"))).header("authorization", &bearer);
    assert_eq!(search.send().await.unwrap().status(), 200);
    child.kill().unwrap();
    child.wait().unwrap();
    let log = std::fs::read(&log).unwrap();
    assert!(found(&log, &["/api/reg"]).len() == 1, "the requests were logged");
    assert_eq!(found(&log, &SECRETS), Vec::<&str>::new());
}
