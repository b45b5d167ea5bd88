//! One account table behind three dialects: whoever asks for a name, a phone or a mail address at the same time, in
//! whatever dialect, one gets it; and an account made in one is the same in the others.

use std::future::Future;

use futures_util::future::{LocalBoxFuture, join_all};
use matchday::args;
use matchday::service::accounts;
use matchday::store::sql::db::Db;
use serde_json::{Value, json};

use crate::h5;
use crate::reg::client::{Registrant, players};
use crate::regist::client::{Call, JSON, members};
use crate::sso::client as sso;
use crate::support::fixtures::{Person, person, row};
use crate::support::{TestApp, eventually, spawn_app, spawn_app_in};

const PHONE: &str = "13812340001";
/// Of the password in `sso::person`.
const PASSWORD: &str = "123456";

/// Runs a case on a server with SQLite, and on one with Postgres when there is one.
async fn on_both<F: Future<Output = ()>>(settings: &[(&'static str, &str)], case: impl Fn(TestApp) -> F) {
    let folder = tempfile::tempdir().unwrap();
    case(spawn_app_in(folder.path(), settings).await).await;
    if std::env::var_os("TEST_POSTGRES_URL").is_some() {
        case(spawn_app(settings).await).await;
    }
}

async fn count(db: &Db, sql: &'static str) -> i64 {
    row(db, sql, args![]).await.int("n").unwrap()
}

/// A code that is sent to a phone.
async fn code(app: &TestApp, phone: &str) -> String {
    let asked = app.client.post(app.at("/api/v1/token/code")).json(&json!({"phone": phone})).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    let shown: Value = app.get(&format!("/sandbox/sms/{phone}")).await.json().await.unwrap();
    shown["code"].as_str().unwrap().to_owned()
}

/// Who signs in by a phone, perhaps with the name and password of an account of SSO.
async fn token(app: &TestApp, phone: &str, code: &str, name: Option<&str>) -> (u16, Value) {
    let mut body = json!({"phone": phone, "code": code});
    if let Some(name) = name {
        body["user_name"] = name.into();
        body["user_pass"] = sso::md5_hex(PASSWORD).into();
    }
    h5::told(app.client.post(app.at("/api/v1/token/phone")).json(&body).send().await.unwrap()).await
}

async fn signed_in(app: &TestApp, (status, answer): (u16, Value)) -> Person {
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap().to_owned();
    let account = accounts::authenticate(&app.context, &token).await.unwrap().id;
    Person { account, token }
}

#[actix_web::test]
async fn one_name_is_asked_for_in_two_dialects_at_once() {
    on_both(&[], async |app| {
        let app = &app;
        let spelt = ["Runner-1", "runner-1", "RUNNER-1"];
        let phones: Vec<String> = (0..9).map(|number| format!("1381234000{number}")).collect();
        let mut codes = Vec::new();
        for phone in &phones {
            codes.push(code(app, phone).await);
        }
        let by_sso = (0..9).map(|number| -> LocalBoxFuture<'_, String> {
            Box::pin(async move {
                // Calls that are the same would be one that is repeated.
                let members = sso::with(sso::person(spelt[number % 3]), "user_nick", format!("nick {number}"));
                let answer = sso::reg(app, &sso::demo(), members).await;
                answer["rcode"].as_str().unwrap().to_owned()
            })
        });
        let by_regist =
            phones.iter().zip(&codes).enumerate().map(|(number, (phone, code))| -> LocalBoxFuture<'_, String> {
                Box::pin(async move {
                    Call::new(app, JSON, members(spelt[number % 3], phone, code)).send(app).await.errcode().to_string()
                })
            });
        let told = join_all(by_sso.chain(by_regist)).await;
        let of = |answer: &str| told.iter().filter(|told| *told == answer).count();
        assert_eq!(of("y010101") + of("0"), 1, "{told:?}");
        assert_eq!(of("x010404") + of("3"), told.len() - 1, "{told:?}");
        assert_eq!(count(&app.context.db, "SELECT COUNT(*) AS n FROM accounts WHERE login_name = 'runner-1'").await, 1);
        let taken = sso::check(app, &sso::demo(), "chkname", json!({"user_name": "Runner-1"})).await;
        assert_eq!(taken["rcode"], "y010102");
    })
    .await;
}

#[actix_web::test]
async fn one_phone_is_registered_bound_and_signed_in_by_at_once() {
    on_both(&[], async |app| {
        let app = &app;
        let mut people = Vec::new();
        for name in ["ann", "ben"] {
            people.push(person(app, name).await);
            assert_eq!(sso::reg(app, &sso::demo(), sso::person(name)).await["rcode"], "y010101");
        }
        let code = &code(app, PHONE).await;
        let bind = |caller: usize| -> LocalBoxFuture<'_, bool> {
            let caller = &people[caller];
            Box::pin(async move {
                let body = json!({"phone": PHONE, "code": code});
                h5::post(app, caller, "/api/v1/user/bind", body).await.0 == 200
            })
        };
        let by_name = |name: &'static str| -> LocalBoxFuture<'_, bool> {
            Box::pin(async move { token(app, PHONE, code, Some(name)).await.0 == 200 })
        };
        let register = |name: &'static str| -> LocalBoxFuture<'_, bool> {
            Box::pin(async move { Call::new(app, JSON, members(name, PHONE, code)).send(app).await.errcode() == 0 })
        };
        let asked = [by_name("ann"), bind(0), register("cleo"), by_name("ben"), bind(1), register("dan")];
        let told = join_all(asked).await;
        assert_eq!(told.iter().filter(|won| **won).count(), 1, "{told:?}");
        let db = &app.context.db;
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM accounts WHERE mobile_key IS NOT NULL").await, 1);
        let made = count(db, "SELECT COUNT(*) AS n FROM accounts WHERE login_name IN ('cleo', 'dan')").await;
        assert_eq!(made, i64::from(told[2] || told[5]), "who lost left no account");
    })
    .await;
}

#[actix_web::test]
async fn one_address_is_registered_once() {
    on_both(&[], async |app| {
        let app = &app;
        let told = join_all((0..8).map(|number| async move {
            let mail = ["ann@example.org", "ANN@example.org"][number % 2];
            let members = sso::with(sso::person(&format!("ann-{number}")), "user_mail", mail);
            sso::reg(app, &sso::demo(), members).await["rcode"].as_str().unwrap().to_owned()
        }))
        .await;
        let of = |rcode: &str| told.iter().filter(|told| *told == rcode).count();
        assert_eq!((of("y010101"), of("x010404")), (1, 7), "{told:?}");
    })
    .await;
}

#[actix_web::test]
async fn a_member_of_regist_is_one_account_everywhere() {
    on_both(&[], async |app| {
        let first = code(&app, PHONE).await;
        let told = Call::new(&app, JSON, members("Cleo", PHONE, &first)).send(&app).await;
        assert_eq!(told.errcode(), 0);
        let member = told.json()["memberid"].as_i64().unwrap();
        let cleo = signed_in(&app, token(&app, PHONE, &code(&app, PHONE).await, None).await).await;
        assert_eq!(cleo.account.0, member);
        let order_no = Registrant::with_token(&app, &cleo.token).order(1, players(&[1])).await;
        let (_, orders) = h5::get(&app, &cleo, "/api/v1/order/by_user").await;
        assert_eq!((&orders["total"], &orders["data"][0]["order_no"]), (&json!(1), &json!(order_no)), "{orders}");
        let owner = app.admin_token().await;
        let seen = app.get_as(&format!("/admin/api/v1/accounts/{member}"), &owner).await;
        assert_eq!(
            (&seen["login_name"], &seen["username"], &seen["origin"]),
            (&json!("cleo"), &json!("Cleo"), &json!("regist"))
        );
        // A password of Regist is none of SSO's.
        let other = code(&app, "13812340002").await;
        assert_eq!(token(&app, "13812340002", &other, Some("Cleo")).await.0, 401);
    })
    .await;
}

#[actix_web::test]
async fn an_account_of_sso_signs_in_once_its_mail_is_confirmed() {
    let settings =
        [("sso.confirm_mail", "true"), ("mail.provider", "sandbox"), ("server.public_url", "https://run.example")];
    on_both(&settings, async |app| {
        let members = sso::with(sso::person("Waits"), "user_mail", "waits@example.org");
        assert_eq!(sso::reg(&app, &sso::demo(), members).await["rcode"], "y010101");
        let code = code(&app, PHONE).await;
        let waits = (404, h5::envelope("/api/v1/token/phone", "邮箱尚未确认", 10004));
        assert_eq!(token(&app, PHONE, &code, Some("waits")).await, waits);
        let owner = app.admin_token().await;
        let mails = async || app.get_as("/admin/api/v1/mails", &owner).await["data"].as_array().unwrap().clone();
        eventually("the mail arrives", async || !mails().await.is_empty()).await;
        let mail = mails().await.remove(0);
        let link = mail["values"][0].as_str().unwrap().split_once("token=").unwrap().1.to_owned();
        let opened = app.client.post(app.at("/api/confirm-mail")).json(&json!({"token": link})).send().await.unwrap();
        assert_eq!(opened.status(), 200);
        let person = signed_in(&app, token(&app, PHONE, &code, Some("waits")).await).await;
        let (_, user) = h5::get(&app, &person, "/api/v1/user/info").await;
        assert_eq!((&user["username"], &user["mobile"]), (&json!("Waits"), &json!(PHONE)));
        let seen = app.get_as(&format!("/admin/api/v1/accounts/{}", person.account), &owner).await;
        assert_eq!(
            (&seen["origin"], &seen["sso_app_id"], &seen["email"]),
            (&json!("sso"), &json!(1), &json!("waits@example.org"))
        );
    })
    .await;
}

#[actix_web::test]
async fn a_name_that_one_dialect_bans_nobody_gets_in_the_other() {
    on_both(&[("sso.bad_names", "admin*"), ("regist.bad_names", "boss")], async |app| {
        let code = &code(&app, PHONE).await;
        for name in ["Admin1", "BOSS"] {
            let by_sso = sso::reg(&app, &sso::demo(), sso::person(name)).await;
            assert_eq!(by_sso["rcode"], "x010201", "{by_sso}");
            let by_regist = Call::new(&app, JSON, members(name, PHONE, code)).send(&app).await;
            assert_eq!(by_regist.errcode(), 7, "{name}");
        }
        // The red twin.
        let good = Call::new(&app, JSON, members("runner", PHONE, code)).send(&app).await;
        assert_eq!(good.errcode(), 0);
    })
    .await;
}

/// As .NET and PowerShell write JSON. What is only signed or sealed is tested where it is read.
#[actix_web::test]
async fn a_byte_order_mark_is_passed_over() {
    let app = spawn_app(&[]).await;
    let ann = Registrant::sign_in(&app, "ann").await;
    let ticket = ann.enqueue(1, players(&[1])).await;
    let poll = json!({"cmd": "RegQueryQueueTokenState", "token": ticket["token"]});
    let orders = json!({"cmd": "RegQueryUserOrders", "page_no": 0});
    let login = json!({"username": crate::support::ADMIN.0, "password": crate::support::ADMIN.1});
    for (path, body, member) in [
        ("/api/reg", poll, "queue_state"),
        ("/api/reg", orders, "orders"),
        ("/api/v1/user/save", json!({"username": "annabel"}), "msg"),
        ("/api/v1/token/user", json!({"code": "sandbox:bob"}), "token"),
        ("/admin/api/v1/login", login, "token"),
    ] {
        let request = app.client.post(app.at(path)).header("token", &ann.token).body(format!("\u{feff}{body}"));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert!(answer.get(member).is_some(), "{path}: {answer}");
        assert!(["result", "error_code"].iter().all(|code| answer[code].as_i64().unwrap_or(0) == 0), "{answer}");
    }
}
