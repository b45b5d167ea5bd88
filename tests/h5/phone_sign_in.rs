//! `POST token/code` and `POST token/phone`: signing in by a phone to an account that was made anywhere.

use std::time::Duration;

use matchday::args;
use matchday::store::sql::new_accounts::PasswordKind;
use serde_json::{Value, json};

use super::{envelope, get, post, refused, told};
use crate::reg::client::{Registrant, players};
use crate::support::chat::Client;
use crate::support::fixtures::{Person, bind_phone, execute, live, person, row};
use crate::support::registered::{New, PASSWORD};
use crate::support::{TestApp, spawn_app};

const CODE: &str = "/api/v1/token/code";
const TOKEN: &str = "/api/v1/token/phone";
const PHONE: &str = "13800000001";
const OTHER: &str = "13800000002";

/// By nobody.
async fn call(app: &TestApp, path: &str, body: Value) -> (u16, Value) {
    told(app.client.post(app.at(path)).json(&body).send().await.unwrap()).await
}

/// Asks for a code and reads it where the sandbox keeps it.
async fn code(app: &TestApp, phone: &str) -> String {
    assert_eq!(call(app, CODE, json!({"phone": phone})).await, (200, envelope(CODE, "success", 0)));
    let shown: Value = app.get(&format!("/sandbox/sms/{phone}")).await.json().await.unwrap();
    shown["code"].as_str().unwrap().to_owned()
}

fn another(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

async fn by_phone(app: &TestApp, phone: &str, code: &str) -> (u16, Value) {
    call(app, TOKEN, json!({"phone": phone, "code": code})).await
}

async fn by_name(app: &TestApp, phone: &str, code: &str, name: &str, password: &str) -> (u16, Value) {
    call(app, TOKEN, json!({"phone": phone, "code": code, "user_name": name, "user_pass": password})).await
}

/// Who stands behind the token of an answer.
async fn signed_in(app: &TestApp, (status, answer): (u16, Value)) -> Person {
    assert_eq!(status, 200, "{answer}");
    let token = answer["token"].as_str().unwrap().to_owned();
    assert_eq!((answer.as_object().unwrap().len(), token.len()), (1, 32), "{answer}");
    let account = matchday::service::accounts::authenticate(&app.context, &token).await.unwrap().id;
    Person { account, token }
}

async fn count(app: &TestApp, sql: &'static str) -> i64 {
    row(&app.context.db, sql, args![]).await.int("n").unwrap()
}

const ACCOUNTS: &str = "SELECT COUNT(*) AS n FROM accounts";
const SESSIONS: &str = "SELECT COUNT(*) AS n FROM sessions";
const CODES: &str = "SELECT COUNT(*) AS n FROM phone_codes";

#[actix_web::test]
async fn a_phone_bound_by_wechat_signs_in_to_the_same_account() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, PHONE).await;
    let code = code(&app, PHONE).await;
    let form = [("phone", "+86 138 0000 0001"), ("code", code.as_str())];
    let request = app.client.post(app.at(TOKEN)).body(serde_urlencoded::to_string(form).unwrap());
    let again = signed_in(&app, told(request.send().await.unwrap()).await).await;
    assert_eq!(again.account, alice.account);
    assert_ne!(again.token, alice.token);
    assert_eq!(get(&app, &again, "/api/v1/user/info").await.1["mobile"], PHONE);
    let logins =
        row(&app.context.db, "SELECT login_count AS n FROM accounts WHERE id = $1", args![again.account.0]).await;
    assert_eq!(logins.int("n").unwrap(), 2);
    assert_eq!(by_phone(&app, PHONE, &code).await, refused(400, 10009, "手机验证码不存在", TOKEN), "a code works once");
}

#[actix_web::test]
async fn an_account_of_regist_signs_in_orders_and_chats_as_itself() {
    let app = spawn_app(&[]).await;
    let made = New::regist("跑者Ann", PHONE).make(&app).await;
    let first = signed_in(&app, by_phone(&app, PHONE, &code(&app, PHONE).await).await).await;
    assert_eq!(first.account, made);
    let order_no = Registrant::with_token(&app, &first.token).order(1, players(&[1])).await;

    app.context.db.advance_clock(Duration::from_secs(61));
    let second = signed_in(&app, by_phone(&app, PHONE, &code(&app, PHONE).await).await).await;
    assert_eq!(second.account, made);
    let (_, orders) = get(&app, &second, "/api/v1/order/by_user").await;
    assert_eq!((&orders["total"], &orders["data"][0]["order_no"]), (&json!(1), &json!(order_no)), "{orders}");

    let room = live(&app.context.db).await.to_string();
    let mut chat = Client::to(&app.ws_url).await;
    chat.send(json!({"type": "LOGIN", "room_id": room, "token": second.token})).await;
    chat.until("WELCOME").await;
    chat.send(json!({"type": "SEND_ALL", "room_id": room, "content": "加油", "token": second.token})).await;
    let line = chat.until("SEND_ALL").await;
    assert!(line["user"].to_string().contains("跑者Ann"), "{line}");
}

#[actix_web::test]
async fn whoever_finds_no_place_for_a_password_has_lost_no_try() {
    let app = spawn_app(&[]).await;
    New::sso("Runner-1").make(&app).await;
    let code = code(&app, OTHER).await;
    let places: Vec<_> = std::iter::from_fn(|| app.context.passwords.place().ok()).collect();
    let tries = async || count(&app, "SELECT tries_left AS n FROM phone_codes").await;
    let before = tries().await;
    for _ in 0..7 {
        assert_eq!(by_name(&app, OTHER, &code, "Runner-1", PASSWORD).await.0, 503);
    }
    assert_eq!(tries().await, before);
    drop(places);
    signed_in(&app, by_name(&app, OTHER, &code, "Runner-1", PASSWORD).await).await;
}

#[actix_web::test]
async fn an_account_of_sso_binds_its_phone_at_its_first_sign_in() {
    let app = spawn_app(&[]).await;
    let made = New::sso("Runner-1").make(&app).await;
    let member = "INSERT INTO members (mobile_key, cn_name, created_at) VALUES ($1, 'x', 0)";
    execute(&app.context.db, member, args![app.context.vault.mobile_key(OTHER)]).await;
    let first = code(&app, OTHER).await;
    let (accounts, sessions) = (count(&app, ACCOUNTS).await, count(&app, SESSIONS).await);
    let nobody = refused(404, 10004, "用户不存在或被禁用", TOKEN);
    assert_eq!(by_phone(&app, OTHER, &first).await, nobody, "no account is made for a phone");
    let tries = "SELECT tries_left AS n FROM phone_codes";
    assert_eq!(count(&app, tries).await, 5, "who has the right code guesses nothing");
    let wrong = if first == "000000" { "000001" } else { "000000" };
    by_phone(&app, OTHER, wrong).await;
    assert_eq!(count(&app, tries).await, 4);
    assert_eq!((count(&app, ACCOUNTS).await, count(&app, SESSIONS).await), (accounts, sessions));

    // The same code is good still.
    let answer = by_name(&app, OTHER, &first, "RUNNER-1", &PASSWORD.to_uppercase()).await;
    let runner = signed_in(&app, answer).await;
    assert_eq!(runner.account, made);
    assert_eq!(get(&app, &runner, "/api/v1/user/info").await.1["mobile"], OTHER);
    let sql = "SELECT COUNT(*) AS n FROM members WHERE account_id IS NOT NULL AND cn_name = 'x'";
    assert_eq!(count(&app, sql).await, 1, "the athlete's record is joined");
    assert_eq!(count(&app, CODES).await, 0);

    app.context.db.advance_clock(Duration::from_secs(61));
    let again = signed_in(&app, by_phone(&app, OTHER, &code(&app, OTHER).await).await).await;
    assert_eq!(again.account, made, "from now on the phone is enough");
    app.context.db.advance_clock(Duration::from_secs(61));
    let told = by_name(&app, OTHER, &code(&app, OTHER).await, "Runner-1", PASSWORD).await;
    assert_eq!(signed_in(&app, told).await.account, made, "and the name does no harm");
}

#[actix_web::test]
async fn wrong_codes_are_counted_and_told_before_anything_of_the_account() {
    let app = spawn_app(&[]).await;
    New::sso("ann").make(&app).await;
    New::regist("ben", PHONE).make(&app).await;
    assert_eq!(by_phone(&app, PHONE, "123456").await, refused(400, 10009, "手机验证码不存在", TOKEN), "none was sent");
    let code = code(&app, PHONE).await;
    let wrong = refused(400, 10007, "验证码错误", TOKEN);
    for round in 0..5 {
        let answer = match round % 2 {
            0 => by_phone(&app, PHONE, &another(&code)).await,
            _ => by_name(&app, PHONE, &another(&code), "ann", "0123456789abcdef0123456789abcdef").await,
        };
        assert_eq!(answer, wrong, "{round}");
    }
    assert_eq!(by_phone(&app, PHONE, &code).await.1["error_code"], 10009, "the right one comes too late");
    assert_eq!(by_name(&app, PHONE, &code, "ann", PASSWORD).await.1["error_code"], 10009);
    assert_eq!(count(&app, SESSIONS).await, 0);
}

#[actix_web::test]
async fn wrong_passwords_and_unknown_names_are_one_answer_and_limited() {
    let app = spawn_app(&[]).await;
    New::sso("ann").make(&app).await;
    New::regist("ben", PHONE).make(&app).await;
    // All within one window of ten minutes.
    let window = 600_000;
    let left = window - app.context.db.now_ms() % window;
    app.context.db.advance_clock(Duration::from_millis(left.unsigned_abs()));
    let wrong = refused(401, 10008, "授权失败", TOKEN);
    let first = code(&app, OTHER).await;
    let bad = "0123456789abcdef0123456789abcdef";
    assert_eq!(by_name(&app, OTHER, &first, "ann", bad).await, wrong);
    assert_eq!(by_name(&app, OTHER, &first, "nobody", PASSWORD).await, wrong);
    assert_eq!(by_name(&app, OTHER, &first, "ben", PASSWORD).await, wrong, "a password of another kind");
    let mut tries = 1;
    for phone in ["13800000003", "13800000004"] {
        let code = code(&app, phone).await;
        for _ in 0..5 {
            if tries < 10 {
                assert_eq!(by_name(&app, phone, &code, "ANN", bad).await, wrong);
                tries += 1;
            }
        }
    }
    let limited = app.client.post(app.at(TOKEN)).json(&json!({
        "phone": OTHER, "code": first, "user_name": "ann", "user_pass": PASSWORD,
    }));
    let limited = limited.send().await.unwrap();
    assert!(limited.headers().contains_key("retry-after"));
    assert_eq!(told(limited).await.1["error_code"], 10010, "now the right one is not looked at, either");
    assert_eq!(count(&app, SESSIONS).await, 0);
    app.context.db.advance_clock(Duration::from_secs(600));
    let answer = by_name(&app, OTHER, &code(&app, OTHER).await, "ann", PASSWORD).await;
    signed_in(&app, answer).await;
}

#[actix_web::test]
async fn who_may_not_sign_in_is_told_so_and_changes_nothing() {
    let app = spawn_app(&[]).await;
    let pending = New { mail: Some("ann@example.org"), mail_pending: true, ..New::sso("ann") };
    let pending = pending.make(&app).await;
    let disabled = New::regist("ben", OTHER).make(&app).await;
    execute(&app.context.db, "UPDATE accounts SET status = 0 WHERE id = $1", args![disabled.0]).await;
    let code_here = code(&app, PHONE).await;
    let waits = refused(404, 10004, "邮箱尚未确认", TOKEN);
    let sent = refused(404, 10004, "邮箱尚未确认，已重新发送确认邮件", TOKEN);
    assert_eq!(by_name(&app, PHONE, &code_here, "ann", PASSWORD).await, sent);
    assert_eq!(by_name(&app, PHONE, &code_here, "ann", PASSWORD).await, waits, "a mail has just left");
    let code_there = code(&app, OTHER).await;
    let off = refused(404, 10004, "用户不存在或被禁用", TOKEN);
    assert_eq!(by_phone(&app, OTHER, &code_there).await, off);
    let (key, sealed) = (app.context.vault.mobile_key("13800000009"), app.context.vault.seal("13800000009"));
    let bind = "UPDATE accounts SET mobile_key = $2, mobile_sealed = $3 WHERE id = $1";
    execute(&app.context.db, bind, args![pending.0, key, sealed]).await;
    assert_eq!(by_phone(&app, "13800000009", &code(&app, "13800000009").await).await, waits);
    assert_eq!(count(&app, SESSIONS).await, 0);
}

#[actix_web::test]
async fn a_phone_or_an_account_that_is_taken_is_refused() {
    let app = spawn_app(&[]).await;
    New::regist("ben", PHONE).make(&app).await;
    New::sso("ann").make(&app).await;
    let taken = refused(400, 10006, "手机号码已被其他人使用", TOKEN);
    assert_eq!(by_name(&app, PHONE, &code(&app, PHONE).await, "ann", PASSWORD).await, taken);
    New { mobile: Some(OTHER), kind: PasswordKind::Md5Hex, ..New::sso("cleo") }.make(&app).await;
    let told = by_name(&app, "13800000003", &code(&app, "13800000003").await, "cleo", PASSWORD).await;
    assert_eq!(told, refused(403, 10001, "权限不够", TOKEN), "a name and a password do not change a phone");
    assert_eq!(count(&app, SESSIONS).await, 0);
    assert_eq!(count(&app, CODES).await, 2, "neither code is used up");
}

#[actix_web::test]
async fn one_code_makes_one_session_and_one_phone_has_one_account() {
    let app = spawn_app(&[]).await;
    New::regist("ben", PHONE).make(&app).await;
    let right = code(&app, PHONE).await;
    let (one, two) = futures_util::join!(by_phone(&app, PHONE, &right), by_phone(&app, PHONE, &right));
    let mut answers = [one.0, two.0];
    answers.sort_unstable();
    assert_eq!((answers, count(&app, SESSIONS).await), ([200, 400], 1));

    // Two accounts, one phone.
    New::sso("ann").make(&app).await;
    New::sso("cleo").make(&app).await;
    let right = code(&app, OTHER).await;
    let (one, two) = futures_util::join!(
        by_name(&app, OTHER, &right, "ann", PASSWORD),
        by_name(&app, OTHER, &right, "cleo", PASSWORD)
    );
    let mut answers = [one.0, two.0];
    answers.sort_unstable();
    assert_eq!((answers, count(&app, SESSIONS).await), ([200, 400], 2), "{one:?} {two:?}");

    // Two phones, one account.
    New::sso("dan").make(&app).await;
    let (first, second) = (code(&app, "13800000003").await, code(&app, "13800000004").await);
    let (one, two) = futures_util::join!(
        by_name(&app, "13800000003", &first, "dan", PASSWORD),
        by_name(&app, "13800000004", &second, "dan", PASSWORD)
    );
    let mut answers = [one.0, two.0];
    answers.sort_unstable();
    assert_eq!((answers, count(&app, SESSIONS).await), ([200, 403], 3), "{one:?} {two:?}");
    assert_eq!(count(&app, "SELECT COUNT(*) AS n FROM accounts WHERE mobile_key IS NOT NULL").await, 3);
}

#[actix_web::test]
async fn strangers_learn_nothing_and_have_a_share_of_their_own() {
    let settings =
        [("limits.enabled", "true"), ("sms.strangers_per_address_per_day", "2"), ("sms.per_address_per_day", "4")];
    let app = spawn_app(&settings).await;
    New::regist("ben", PHONE).make(&app).await;
    let ask = async |phone: &str| {
        let answer = app.client.post(app.at(CODE)).json(&json!({"phone": phone})).send().await.unwrap();
        (answer.headers().contains_key("retry-after"), told(answer).await)
    };
    let fine = (false, (200, envelope(CODE, "success", 0)));
    let (known, unknown) = (ask(PHONE).await, ask(OTHER).await);
    assert_eq!((&known, &unknown), (&fine, &fine), "whether a phone has an account is not told");
    let limited = (true, refused(400, 10010, "用户重复发送验证码", CODE));
    assert_eq!(ask("13800000003").await, limited, "two a day for this address");
    app.context.db.advance_clock(Duration::from_secs(61));
    assert_eq!(ask(PHONE).await, limited);
    let alice = person(&app, "alice").await;
    for (phone, status) in [("13800000003", 200), ("13800000004", 200), ("13800000005", 400)] {
        let asked = post(&app, &alice, "/api/v1/identify/code", json!({"phone": phone})).await;
        assert_eq!(asked.0, status, "who is signed in has what is left of the address: {phone}");
    }
    app.context.db.advance_clock(Duration::from_secs(86_400));
    assert_eq!(ask(OTHER).await, fine, "the next day");
    assert_eq!(ask(OTHER).await, limited, "not twice in a minute");
}

#[actix_web::test]
async fn what_is_missing_or_malformed_is_named() {
    let app = spawn_app(&[]).await;
    for (path, body, member) in [
        (CODE, json!({}), "phone"),
        (CODE, json!({"phone": "12800000001"}), "phone"),
        (TOKEN, json!({"code": "123456"}), "phone"),
        (TOKEN, json!({"phone": PHONE}), "code"),
        (TOKEN, json!({"phone": "1380000000x", "code": "123456"}), "phone"),
        (TOKEN, json!({"phone": PHONE, "code": "12345"}), "code"),
        (TOKEN, json!({"phone": PHONE, "code": "12345x"}), "code"),
        (TOKEN, json!({"phone": PHONE, "code": "123456", "user_name": "ann"}), "user_pass"),
        (TOKEN, json!({"phone": PHONE, "code": "123456", "user_pass": PASSWORD}), "user_name"),
        (TOKEN, json!({"phone": PHONE, "code": "123456", "user_name": "a b", "user_pass": PASSWORD}), "user_name"),
        (TOKEN, json!({"phone": PHONE, "code": "123456", "user_name": "ann", "user_pass": "secret"}), "user_pass"),
    ] {
        let (status, answer) = call(&app, path, body.clone()).await;
        assert_eq!((status, &answer["error_code"]), (400, &json!(99999)), "{body}");
        assert!(answer["msg"].as_str().unwrap().starts_with(&format!("参数错误：{member} ")), "{answer}");
    }
    assert_eq!(count(&app, CODES).await, 0);
    let off = spawn_app(&[("sms.provider", "none")]).await;
    assert_eq!(call(&off, CODE, json!({"phone": PHONE})).await, refused(500, 70000, "发送短信失败", CODE));
}
