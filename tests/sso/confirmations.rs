//! Accounts that wait until the link in their mail was opened.

use std::time::Duration;

use matchday::args;
use matchday::service::confirmations;
use serde_json::{Value, json};

use super::client::{demo, person, refused, reg, with};
use super::on_both;
use crate::people::dump;
use crate::support::fixtures::row;
use crate::support::{TestApp, eventually, spawn_app};

const SETTINGS: [(&str, &str); 3] =
    [("sso.confirm_mail", "true"), ("mail.provider", "sandbox"), ("server.public_url", "https://run.example")];
const ADDRESS: &str = "runner@mail.example";

/// Registers `name`; answers what the sealed part says.
async fn register(app: &TestApp, name: &str, mail: &str) -> Value {
    let answer = reg(app, &demo(), with(person(name), "user_mail", mail)).await;
    serde_json::from_str(&demo().open(&answer)).unwrap()
}

async fn mails(app: &TestApp) -> Vec<Value> {
    let owner = app.admin_token().await;
    app.get_as("/admin/api/v1/mails", &owner).await["data"].as_array().unwrap().clone()
}

/// The token in the newest of `count` mails.
async fn token(app: &TestApp, count: usize) -> String {
    eventually("the mail arrives", async || mails(app).await.len() == count).await;
    let newest = &mails(app).await[0];
    assert_eq!(
        (&newest["to"], &newest["kind"], &newest["values"][1]),
        (&json!(ADDRESS), &json!("confirmation"), &json!("30"))
    );
    let link = newest["values"][0].as_str().unwrap();
    link.strip_prefix("https://run.example/confirm-mail#token=").unwrap().to_owned()
}

async fn post(app: &TestApp, path: &str, token: &str) -> (u16, Value) {
    let request = app.client.post(app.at(path)).json(&json!({"token": token}));
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn open(app: &TestApp, token: &str) -> (u16, String) {
    let (status, body) = post(app, "/api/confirm-mail", token).await;
    (status, body.get("state").or(body.get("code")).unwrap().as_str().unwrap().to_owned())
}

async fn again(app: &TestApp, token: &str) -> (u16, String) {
    let (status, body) = post(app, "/api/confirm-mail/again", token).await;
    (status, body.get("state").or(body.get("code")).unwrap().as_str().unwrap().to_owned())
}

async fn pending(app: &TestApp) -> i64 {
    let sql = "SELECT email_pending FROM accounts WHERE login_name = 'waits'";
    row(&app.context.db, sql, args![]).await.int("email_pending").unwrap()
}

#[actix_web::test]
async fn an_account_waits_until_its_link_is_opened() {
    on_both(&SETTINGS, async |app| {
        let needed = refused("x010201", "邮箱是必需的", "输入错误");
        assert_eq!(reg(&app, &demo(), person("without")).await, needed);
        assert_eq!(register(&app, "Waits", ADDRESS).await["user_status"], "wait");
        let token = token(&app, 1).await;
        assert_eq!(mails(&app).await[0]["account_id"], row_id(&app).await);
        // The page changes nothing, whoever reads it.
        let page = app.get("/confirm-mail").await;
        assert_eq!(
            (page.status().as_u16(), &page.headers()["content-type"]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        let html = page.text().await.unwrap();
        assert!(html.contains("/static/js/confirm-mail.js") && !html.contains(&token));
        assert_eq!(pending(&app).await, 1);
        let everything = dump(&app.context.db).await;
        assert!(!everything.contains(ADDRESS) && !everything.contains(&token), "sealed, and only a hash");

        for wrong in ["", "x", &token[1..], &"0".repeat(64)] {
            assert_eq!(open(&app, wrong).await, (404, "no_such_link".to_owned()));
            assert_eq!(again(&app, wrong).await, (404, "no_such_link".to_owned()));
        }
        assert_eq!(pending(&app).await, 1);
        for _ in 0..2 {
            assert_eq!(open(&app, &token).await, (200, "confirmed".to_owned()));
            assert_eq!(pending(&app).await, 0);
        }
        assert_eq!(again(&app, &token).await, (409, "confirmed_already".to_owned()));
        app.context.db.advance_clock(Duration::from_secs(3_600));
        assert_eq!(open(&app, &token).await, (200, "confirmed".to_owned()), "also when it would be over");
    })
    .await;
}

async fn row_id(app: &TestApp) -> i64 {
    row(&app.context.db, "SELECT id FROM accounts WHERE login_name = 'waits'", args![]).await.int("id").unwrap()
}

#[actix_web::test]
async fn a_link_that_is_over_is_exchanged_with_limits() {
    let app = spawn_app(&SETTINGS).await;
    register(&app, "waits", ADDRESS).await;
    let first = token(&app, 1).await;
    assert_eq!(again(&app, &first).await, (429, "rate_limited".to_owned()), "a mail has just left");
    app.context.db.advance_clock(Duration::from_secs(1_801));
    assert_eq!(open(&app, &first).await, (410, "link_expired".to_owned()));
    assert_eq!(pending(&app).await, 1);
    for count in 2..=5 {
        assert_eq!(again(&app, &first).await, (200, "sent".to_owned()));
        token(&app, count).await;
        app.context.db.advance_clock(Duration::from_secs(61));
    }
    assert_eq!(again(&app, &first).await, (429, "rate_limited".to_owned()), "five a day");
    let newest = token(&app, 5).await;
    assert_ne!(newest, first);
    assert_eq!(open(&app, &newest).await, (200, "confirmed".to_owned()));
    // All links of the account say so now.
    assert_eq!(open(&app, &first).await, (200, "confirmed".to_owned()));

    let links =
        async || row(&app.context.db, "SELECT COUNT(*) AS n FROM mail_confirmations", args![]).await.int("n").unwrap();
    app.context.db.advance_clock(Duration::from_secs(86_400));
    confirmations::sweep(&app.context).await.unwrap();
    assert_eq!((links().await, mails(&app).await.len()), (5, 0), "mails are shown for a day");
    app.context.db.advance_clock(Duration::from_secs(30 * 86_400));
    confirmations::sweep(&app.context).await.unwrap();
    assert_eq!((links().await, open(&app, &first).await.0), (0, 404));
    let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'mail'";
    assert_eq!(row(&app.context.db, sql, args![]).await.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn without_the_sandbox_mails_are_not_shown() {
    let app = spawn_app(&[("mail.provider", "none")]).await;
    let owner = app.admin_token().await;
    assert_eq!(app.get_as("/admin/api/v1/mails", &owner).await["status"], 404);
    let settings = [("sso.need_mail", "true"), ("mail.provider", "none")];
    let app = spawn_app(&settings).await;
    assert_eq!(register(&app, "waits", ADDRESS).await["user_status"], "enable");
    let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'mail'";
    assert_eq!(row(&app.context.db, sql, args![]).await.int("n").unwrap(), 0);
}
