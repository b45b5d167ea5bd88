use std::time::Duration;

use matchday::args;
use matchday::service::sweeps;
use serde_json::{Value, json};

use super::{envelope, get, post, post_form, told};
use crate::support::fixtures::{Person, bind_phone, execute, person, row};
use crate::support::{TestApp, spawn_app};

const CODE: &str = "/api/v1/identify/code";
const BIND: &str = "/api/v1/user/bind";
const PHONE: &str = "13800000001";

async fn ask(app: &TestApp, caller: &Person, phone: &str) -> (u16, Value) {
    post(app, caller, CODE, json!({"phone": phone})).await
}

/// What the sandbox sent last.
async fn code_for(app: &TestApp, phone: &str) -> String {
    let answer: Value = app.get(&format!("/sandbox/sms/{phone}")).await.json().await.unwrap();
    answer["code"].as_str().unwrap().to_owned()
}

async fn bind(app: &TestApp, caller: &Person, phone: &str, code: &str) -> (u16, Value) {
    post(app, caller, BIND, json!({"phone": phone, "code": code})).await
}

fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

#[actix_web::test]
async fn a_phone_is_bound_and_joins_the_member_record() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    assert_eq!(post_form(&app, &alice, CODE, &[("phone", PHONE)]).await, (200, envelope(CODE, "success", 0)));
    let shown: Value = app.get(&format!("/sandbox/sms/{PHONE}")).await.json().await.unwrap();
    assert_eq!((&shown["phone"], shown["time"].as_str().unwrap().len()), (&json!(PHONE), 19));
    let code = code_for(&app, PHONE).await;
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let form = [("phone", "+86 138 0000 0001"), ("code", code.as_str())];
    assert_eq!(post_form(&app, &alice, BIND, &form).await, (200, envelope(BIND, "success", 0)));
    assert_eq!(get(&app, &alice, "/api/v1/user/info").await.1["mobile"], PHONE);
    let sql = "SELECT account_id FROM members WHERE mobile_key = $1";
    let member = row(&app.context.db, sql, args![app.context.vault.mobile_key(PHONE)]).await;
    assert_eq!(member.int("account_id").unwrap(), alice.account.0);
    let again = (400, envelope(BIND, "手机验证码不存在", 10009));
    assert_eq!(bind(&app, &alice, PHONE, &code).await, again, "a code works once");
    let (status, body) = post(&app, &alice, "/api/v1/order/commit", json!({"business_id": 1})).await;
    assert_eq!(status, 201, "the phone counts at once: {body}");
}

#[actix_web::test]
async fn nothing_readable_of_a_phone_or_code_is_stored() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    ask(&app, &alice, PHONE).await;
    let code = code_for(&app, PHONE).await;
    for sql in [
        "SELECT phone_key || ' ' || code_hash AS text FROM phone_codes",
        "SELECT payload || ' ' || work_key AS text FROM outbox",
        "SELECT phone_key || ' ' || message_sealed AS text FROM sandbox_sms",
    ] {
        let text = row(&app.context.db, sql, args![]).await.text("text").unwrap();
        assert!(!text.contains(PHONE) && !text.contains(&code), "{text}");
    }
    let payload = row(&app.context.db, "SELECT payload, state FROM outbox", args![]).await;
    assert_eq!((payload.text("payload").unwrap().as_str(), payload.int("state").unwrap()), ("{}", 1));
}

#[actix_web::test]
async fn a_phone_of_somebody_else_is_refused_and_one_may_change() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    bind_phone(&app, bob.account, "13900000002").await;
    ask(&app, &alice, "13900000002").await;
    let code = code_for(&app, "13900000002").await;
    let taken = (400, envelope(BIND, "手机号码已被其他人使用", 10006));
    assert_eq!(bind(&app, &alice, "13900000002", &code).await, taken);
    assert_eq!(get(&app, &alice, "/api/v1/user/info").await.1["mobile"], "");
    ask(&app, &bob, "13900000003").await;
    assert_eq!(bind(&app, &bob, "13900000003", &code_for(&app, "13900000003").await).await.0, 200);
    assert_eq!(get(&app, &bob, "/api/v1/user/info").await.1["mobile"], "13900000003");
    assert_eq!(bind(&app, &alice, "13900000002", &code).await.0, 200, "it is nobody's now");
}

#[actix_web::test]
async fn two_who_bind_one_phone_at_once() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    ask(&app, &alice, PHONE).await;
    let code = code_for(&app, PHONE).await;
    let (one, two) = futures_util::join!(bind(&app, &alice, PHONE, &code), bind(&app, &bob, PHONE, &code));
    let mut answers = [one.0, two.0];
    answers.sort_unstable();
    assert_eq!(answers, [200, 400]);
}

#[actix_web::test]
async fn codes_take_five_tries_and_live_five_minutes() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    assert_eq!(bind(&app, &alice, PHONE, "123456").await.1["error_code"], 10009, "none was sent");
    ask(&app, &alice, PHONE).await;
    let code = code_for(&app, PHONE).await;
    for _ in 0..5 {
        assert_eq!(bind(&app, &alice, PHONE, &another(&code)).await, (400, envelope(BIND, "验证码错误", 10007)));
    }
    assert_eq!(bind(&app, &alice, PHONE, &code).await.1["error_code"], 10009, "the right one comes too late");
    app.context.db.advance_clock(Duration::from_secs(61));
    ask(&app, &alice, PHONE).await;
    let code = code_for(&app, PHONE).await;
    assert_eq!(bind(&app, &alice, PHONE, &another(&code)).await.1["error_code"], 10007);
    app.context.db.advance_clock(Duration::from_secs(300));
    assert_eq!(bind(&app, &alice, PHONE, &code).await.1["error_code"], 10009, "five minutes are over");
    sweeps::step(&app.context).await.unwrap();
    let left = row(&app.context.db, "SELECT COUNT(*) AS n FROM phone_codes", args![]).await;
    assert_eq!(left.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn one_code_a_minute_even_without_limits() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let calls = futures_util::join!(ask(&app, &alice, PHONE), ask(&app, &bob, PHONE));
    let mut statuses = [calls.0.0, calls.1.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    let request = app.client.post(app.at(CODE)).header("token", &alice.token).json(&json!({"phone": PHONE}));
    let answer = request.send().await.unwrap();
    let wait: u32 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    assert_eq!(told(answer).await, (400, envelope(CODE, "用户重复发送验证码", 10010)));
    assert_eq!(ask(&app, &alice, "13800000005").await.0, 200, "another phone is another matter");
    app.context.db.advance_clock(Duration::from_secs(61));
    assert_eq!(ask(&app, &alice, PHONE).await.0, 200);
}

#[actix_web::test]
async fn codes_of_a_day_are_counted_by_phone_and_by_address() {
    let settings = [("limits.enabled", "true"), ("sms.per_phone_per_day", "2"), ("sms.per_address_per_day", "4")];
    let app = spawn_app(&settings).await;
    let alice = person(&app, "alice").await;
    let mut sent = Vec::new();
    for phone in [PHONE, PHONE, PHONE, "13800000002", "13800000003", "13800000004"] {
        let (status, body) = ask(&app, &alice, phone).await;
        sent.push((status, body["error_code"].as_i64().unwrap()));
        app.context.db.advance_clock(Duration::from_secs(61));
    }
    assert_eq!(sent, [(200, 0), (200, 0), (400, 10010), (200, 0), (200, 0), (400, 10010)]);
    app.context.db.advance_clock(Duration::from_secs(86_400));
    let alice = person(&app, "alice").await;
    assert_eq!(ask(&app, &alice, PHONE).await.0, 200, "the next day");
    let free = spawn_app(&[("sms.per_phone_per_day", "1")]).await;
    let alice = person(&free, "alice").await;
    for _ in 0..2 {
        assert_eq!(ask(&free, &alice, PHONE).await.0, 200, "limits are switched off here");
        free.context.db.advance_clock(Duration::from_secs(61));
    }
}

#[actix_web::test]
async fn input_that_is_none() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    for bad in ["", "1380000000", "12800000001", "138000000011", "x"] {
        assert_eq!(ask(&app, &alice, bad).await.1["error_code"], 99999, "{bad}");
        assert_eq!(bind(&app, &alice, bad, "123456").await.1["error_code"], 99999, "{bad}");
    }
    for bad in ["", "12345", "1234567", "12345x"] {
        let (status, body) = bind(&app, &alice, PHONE, bad).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{bad}");
    }
    assert_eq!(app.get("/sandbox/sms/13800000077").await.status(), 404);
}

#[actix_web::test]
async fn without_a_provider_nothing_is_sent_and_the_sandbox_is_not_there() {
    let app = spawn_app(&[("sms.provider", "none")]).await;
    let alice = person(&app, "alice").await;
    for _ in 0..2 {
        assert_eq!(ask(&app, &alice, PHONE).await, (500, envelope(CODE, "发送短信失败", 70000)));
    }
    assert_eq!(app.get(&format!("/sandbox/sms/{PHONE}")).await.status(), 404);
    let owner = app.admin_token().await;
    assert_eq!(app.get_as("/admin/api/v1/sms", &owner).await["status"], 404);
}

#[actix_web::test]
async fn a_code_that_was_not_sent_at_once_is_sent_by_the_loop() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    ask(&app, &alice, PHONE).await;
    // As after a crash between the commit and the provider.
    let (vault, db) = (app.context.vault.clone(), app.context.db.clone());
    let until = db.now_ms() + 60_000;
    let now_ms = db.now_ms();
    db.write(move |tx| {
        Box::pin(async move {
            let kind = matchday::service::sms::Kind::Code;
            for (phone, until) in [("13800000006", until), ("13800000007", now_ms - 1)] {
                let values = vec!["654321".to_owned(), "5".to_owned()];
                let sms = matchday::service::sms::Sms { phone: phone.to_owned(), kind, values, until };
                matchday::service::sms::enqueue(tx, &vault, &sms, now_ms).await?;
            }
            Ok(())
        })
    })
    .await
    .unwrap();
    crate::support::eventually("both are done", async || {
        let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'sms' AND state = 1";
        row(&app.context.db, sql, args![]).await.int("n").unwrap() == 3
    })
    .await;
    assert_eq!(code_for(&app, "13800000006").await, "654321");
    assert_eq!(app.get("/sandbox/sms/13800000007").await.status(), 404, "its time was over");
    execute(&app.context.db, "UPDATE sandbox_sms SET created_at = 1", args![]).await;
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(app.get("/sandbox/sms/13800000006").await.status(), 404, "kept for a day");
}
