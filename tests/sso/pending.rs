//! Accounts whose confirmation mail never arrived: they get another one, or are given up.

use std::time::Duration;

use matchday::args;
use matchday::service::confirmations;
use serde_json::{Value, json};

use super::admin::create;
use super::client::{demo, md5_hex, person, reg, with};
use super::on_both;
use crate::support::fixtures::{execute, row};
use crate::support::provider::Provider;
use crate::support::{TestApp, eventually, spawn_app};

const SETTINGS: [(&str, &str); 3] =
    [("sso.confirm_mail", "true"), ("mail.provider", "sandbox"), ("server.public_url", "https://run.example")];
const ADDRESS: &str = "runner@mail.example";
const PHONE: &str = "13800000002";

/// Registers `name`, which waits then; answers its id.
async fn register(app: &TestApp, name: &str) -> i64 {
    let answer = reg(app, &demo(), with(person(name), "user_mail", ADDRESS)).await;
    let inside: Value = serde_json::from_str(&demo().open(&answer)).unwrap();
    assert_eq!(inside["user_status"], "wait");
    inside["user_id"].as_str().unwrap().parse().unwrap()
}

async fn links(app: &TestApp) -> i64 {
    row(&app.context.db, "SELECT COUNT(*) AS n FROM mail_confirmations", args![]).await.int("n").unwrap()
}

async fn pending(app: &TestApp, id: i64) -> i64 {
    let sql = "SELECT email_pending AS n FROM accounts WHERE id = $1";
    row(&app.context.db, sql, args![id]).await.int("n").unwrap()
}

/// POST to the account's path by the owner.
async fn act(app: &TestApp, id: i64, what: &str) -> (u16, Value) {
    let path = app.at(&format!("/admin/api/v1/accounts/{id}/{what}"));
    let answer = app.client.post(path).bearer_auth(app.admin_token().await).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// Signs in by a new code and the name, as people do; answers what is told.
async fn sign_in(app: &TestApp, password: &str) -> String {
    let post = async |path: &str, body: Value| -> Value {
        app.client.post(app.at(path)).json(&body).send().await.unwrap().json().await.unwrap()
    };
    app.context.db.advance_clock(Duration::from_secs(61));
    post("/api/v1/token/code", json!({"phone": PHONE})).await;
    let shown: Value = app.get(&format!("/sandbox/sms/{PHONE}")).await.json().await.unwrap();
    let body = json!({"phone": PHONE, "code": shown["code"], "user_name": "Waits", "user_pass": md5_hex(password)});
    post("/api/v1/token/phone", body).await["msg"].as_str().unwrap_or("signed in").to_owned()
}

#[actix_web::test]
async fn whoever_knows_the_password_is_sent_another_link() {
    on_both(&SETTINGS, async |app| {
        let id = register(&app, "Waits").await;
        app.context.db.advance_clock(Duration::from_secs(3_600));
        let wrong = sign_in(&app, "another").await;
        assert!(!wrong.contains("邮箱") && links(&app).await == 1, "{wrong}");
        for count in 2..=5 {
            assert_eq!(sign_in(&app, "123456").await, "邮箱尚未确认，已重新发送确认邮件");
            assert_eq!(links(&app).await, count);
        }
        assert_eq!(sign_in(&app, "123456").await, "邮箱尚未确认", "five a day");
        assert_eq!((links(&app).await, pending(&app, id).await), (5, 1));
    })
    .await;
}

#[actix_web::test]
async fn an_owner_sends_the_link_again_or_takes_the_address_as_confirmed() {
    let app = spawn_app(&SETTINGS).await;
    let id = register(&app, "Waits").await;
    assert_eq!(act(&app, id, "send-confirmation").await.0, 429, "a mail has just left");
    app.context.db.advance_clock(Duration::from_secs(61));
    let (status, account) = act(&app, id, "send-confirmation").await;
    assert_eq!((status, &account["email_pending"], links(&app).await), (200, &json!(1), 2));
    let (status, account) = act(&app, id, "confirm-mail").await;
    assert_eq!((status, &account["email_pending"], pending(&app, id).await), (200, &json!(0), 0));
    for what in ["confirm-mail", "send-confirmation"] {
        assert_eq!(act(&app, id, what).await.0, 409, "{what}");
        assert_eq!(act(&app, 99_999, what).await.0, 404, "{what}");
    }
    let owner = app.admin_token().await;
    let trail = app.get_as("/admin/api/v1/audit?search=accounts", &owner).await;
    let acts: Vec<_> = trail["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(acts, [json!("confirm-mail"), json!("send-confirmation")]);
    assert!(!trail.to_string().contains(ADDRESS));
    execute(&app.context.db, "UPDATE admins SET role = 'moderator'", args![]).await;
    assert_eq!(act(&app, id, "confirm-mail").await.0, 403);
}

#[actix_web::test]
async fn administrators_see_a_mail_that_came_too_late() {
    let app = spawn_app(&SETTINGS).await;
    // As if the mail server had been away for as long as the link was good.
    let id = register(&app, "Waits").await;
    let sent = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'mail' AND state = 1";
    eventually("its own mail leaves", async || row(&app.context.db, sent, args![]).await.int("n").unwrap() == 1).await;
    let (vault, db) = (app.context.vault.clone(), app.context.db.clone());
    let mail = json!({"to": ADDRESS, "kind": "confirmation", "values": ["x", "30"], "until": db.now_ms() + 1_800_000});
    let work = json!({"account": id, "sealed": vault.seal(&mail.to_string())}).to_string();
    let late = "INSERT INTO outbox (kind, work_key, payload, next_at, created_at) VALUES ('mail', $1, $2, $3, $4)";
    let now = db.now_ms();
    execute(&db, late, args![format!("mail:{id}:late"), work, now + 1_900_000, now]).await;
    db.advance_clock(Duration::from_secs(3_900));
    let owner = app.admin_token().await;
    let shown = async || app.get_as("/admin/api/v1/outbox?search=late", &owner).await["data"][0].clone();
    eventually("it is given up", async || shown().await["state"] == "given up").await;
    assert_eq!(shown().await["last_error"], "the mail came too late to be sent");
    assert_eq!(links(&app).await, 1);
}

#[actix_web::test]
async fn an_account_that_nobody_confirms_gives_its_name_and_address_back() {
    on_both(&SETTINGS, async |app| {
        let id = register(&app, "Waits").await;
        let day = Duration::from_secs(86_400);
        app.context.db.advance_clock(6 * day);
        assert_eq!(act(&app, id, "send-confirmation").await.0, 200);
        app.context.db.advance_clock(2 * day);
        confirmations::sweep(&app.context).await.unwrap();
        assert_eq!(pending(&app, id).await, 1, "counted from the last link");
        let taken = reg(&app, &demo(), with(person("waits"), "user_mail", "else@mail.example")).await;
        assert_eq!(taken["rcode"], "x010404");
        // Somebody who waits for nothing stays.
        let sql = "INSERT INTO accounts (login_name, username, register_time, email_pending) VALUES ($1, 'x', 0, $2)";
        execute(&app.context.db, sql, args!["confirmed", 0_i64]).await;
        app.context.db.advance_clock(6 * day);
        confirmations::sweep(&app.context).await.unwrap();

        let sql = "SELECT status, login_name, email_key, email_sealed, password_hash, email_pending,
                          (SELECT COUNT(*) FROM sso_members) + (SELECT COUNT(*) FROM mail_confirmations)
                          + (SELECT COUNT(*) FROM sandbox_mails) AS left_over
                   FROM accounts WHERE id = $1";
        let released = row(&app.context.db, sql, args![id]).await;
        for column in ["login_name", "email_key", "email_sealed", "password_hash"] {
            assert_eq!(released.opt_text(column).unwrap(), None, "{column}");
        }
        for column in ["status", "email_pending", "left_over"] {
            assert_eq!(released.int(column).unwrap(), 0, "{column}");
        }
        let sql = "SELECT COUNT(*) AS n FROM accounts WHERE login_name = 'confirmed' AND status = 1";
        assert_eq!(row(&app.context.db, sql, args![]).await.int("n").unwrap(), 1);
        assert_ne!(register(&app, "waits").await, id, "free again");
    })
    .await;
}

#[actix_web::test]
async fn applications_are_told_when_the_address_is_confirmed() {
    let app = spawn_app(&SETTINGS).await;
    let listener = Provider::start(r#"{"msg":"success"}"#);
    let keys = create(&app, json!({"name": "listener", "notify_url": listener.url})).await;
    let id = register(&app, "Waits").await;
    let told = async |count: usize, status: &str| {
        eventually("it is told", async || listener.asked().len() == count).await;
        let form: Value = serde_urlencoded::from_str::<Vec<(String, String)>>(&listener.asked()[count - 1].body)
            .unwrap()
            .into_iter()
            .collect();
        let inside: Value = serde_json::from_str(&keys.open(&form)).unwrap();
        assert_eq!((&inside["user_id"], &inside["user_status"]), (&json!(id.to_string()), &json!(status)));
    };
    told(1, "wait").await;
    assert_eq!(act(&app, id, "confirm-mail").await.0, 200);
    told(2, "enable").await;
    let sql = "SELECT work_key FROM outbox WHERE kind = 'sso_notice' ORDER BY id DESC LIMIT 1";
    let key = row(&app.context.db, sql, args![]).await.text("work_key").unwrap();
    assert_eq!(key, format!("sso_notice:{}:{id}:confirmed", keys.id));
}
