//! Every errcode, the code's tries, and what happens when two want one name or phone.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use matchday::args;

use super::client::{Call, JSON, Told, blob, code, members, register};
use crate::support::fixtures::{person, row};
use crate::support::{TestApp, spawn_app};

const PHONE: &str = "13900000001";

async fn send(app: &TestApp, username: &str, mobile: &str, code: &str) -> Told {
    Call::new(app, JSON, members(username, mobile, code)).send(app).await
}

fn another(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

async fn registered(app: &TestApp) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM accounts WHERE password_kind = 2";
    row(&app.context.db, sql, args![]).await.int("n").unwrap()
}

#[actix_web::test]
async fn a_code_is_used_up_by_the_account_alone() {
    let app = spawn_app(&[]).await;
    assert_eq!(register(&app, "taken", "13900000002").await.errcode(), 0);
    assert_eq!(send(&app, "runner", PHONE, "123456").await.errcode(), 2, "none was sent");
    let code = code(&app, PHONE).await;
    for wrong in [another(&code), "12345".to_owned(), "12345x".to_owned(), "１２３４５６".to_owned()] {
        let told = send(&app, "runner", PHONE, &wrong).await;
        assert_eq!(told.errcode(), 2, "{wrong}");
        assert_eq!(told.json()["errmsg"], "验证码错误或已失效");
        assert_eq!(told.json()["memberid"], 0);
        assert!(told.json()["memberusername"].is_null());
    }
    let told = send(&app, "TAKEN", PHONE, &code).await;
    assert_eq!((told.errcode(), told.json()["errmsg"].as_str()), (3, Some("用户名已被使用")));
    assert_eq!(send(&app, "runner", PHONE, &code).await.errcode(), 0, "the code is still good");
    assert_eq!(send(&app, "runner2", PHONE, &code).await.errcode(), 2, "and now used up");
    assert_eq!(registered(&app).await, 2);
}

#[actix_web::test]
async fn a_code_takes_five_tries_and_five_minutes() {
    let app = spawn_app(&[]).await;
    let first = code(&app, PHONE).await;
    for _ in 0..5 {
        assert_eq!(send(&app, "runner", PHONE, &another(&first)).await.errcode(), 2);
    }
    assert_eq!(send(&app, "runner", PHONE, &first).await.errcode(), 2, "the right one comes too late");
    app.context.db.advance_clock(Duration::from_secs(61));
    let second = code(&app, PHONE).await;
    app.context.db.advance_clock(Duration::from_secs(301));
    assert_eq!(send(&app, "runner", PHONE, &second).await.errcode(), 2);
    let third = code(&app, PHONE).await;
    assert_eq!(send(&app, "runner", PHONE, &third).await.errcode(), 0);
}

#[actix_web::test]
async fn names_and_phones_belong_to_one_account_of_any_dialect() {
    let app = spawn_app(&[]).await;
    let wechat = person(&app, "alice").await;
    crate::support::fixtures::bind_phone(&app, wechat.account, PHONE).await;
    let told = register(&app, "runner", PHONE).await;
    assert_eq!((told.errcode(), told.json()["errmsg"].as_str()), (4, Some("手机号已被使用")));
    assert_eq!(register(&app, "Runner", "13900000002").await.errcode(), 0);
    for (name, phone) in [("runner", "13900000003"), ("ＲＵＮＮＥＲ", "13900000004")] {
        assert_eq!(register(&app, name, phone).await.errcode(), 3, "{name}");
    }
    assert_eq!(registered(&app).await, 1);
}

#[actix_web::test]
async fn what_is_malformed_or_forbidden_is_told_without_a_code() {
    let app = spawn_app(&[("regist.bad_names", "admin*,*客服*")]).await;
    for name in ["admin", "ADMINISTRATOR", "ａｄｍｉｎ1", "跑步客服1", "a b", "a\u{202e}b", "a\u{200d}b", "a\u{0}b"]
    {
        let told = send(&app, name, PHONE, "123456").await;
        assert_eq!((told.errcode(), told.json()["errmsg"].as_str()), (7, Some("用户名不允许使用")), "{name:?}");
    }
    for phone in ["1390000000", "12900000001", "x", "23900000001", "1390000000x"] {
        let told = send(&app, "runner", phone, "123456").await;
        assert_eq!((told.errcode(), told.json()["errmsg"].as_str()), (6, Some("手机号格式不正确")), "{phone}");
    }
    for password in ["123456", &blob()[1..], &STANDARD.encode([7; 24]), &blob().replace('B', "-")] {
        let body = members("runner", PHONE, "123456").replace(&blob(), password);
        let told = Call::new(&app, JSON, body).send(&app).await;
        assert_eq!((told.errcode(), told.json()["errmsg"].as_str()), (5, Some("密码密文格式不正确")), "{password}");
    }
    let bare = members("runner", PHONE, "123456").replace(&blob(), &STANDARD.encode([7; 32]));
    assert_eq!(Call::new(&app, JSON, bare).send(&app).await.errcode(), 2, "32 bytes need no padding");
    let unpadded = spawn_app(&[("regist.wrap_padding", "none")]).await;
    assert_eq!(send(&unpadded, "runner", PHONE, "123456").await.errcode(), 5, "40 bytes are padded");
}

#[actix_web::test]
async fn tries_for_a_phone_are_limited() {
    let settings = [("limits.enabled", "true"), ("regist.tries_per_minute_per_phone", "3")];
    let app = spawn_app(&settings).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(send(&app, "runner", PHONE, "123456").await.errcode());
    }
    // A minute may have passed in the middle.
    assert!(seen.contains(&8) || seen == [2, 2, 2, 2], "{seen:?}");
    for _ in 0..4 {
        seen.push(send(&app, "runner", PHONE, "123456").await.errcode());
    }
    assert!(seen.contains(&8), "{seen:?}");
    assert_eq!(send(&app, "runner", "13900000002", "123456").await.errcode(), 2, "another phone");
    app.context.db.advance_clock(Duration::from_secs(61));
    assert_eq!(send(&app, "runner", PHONE, "123456").await.errcode(), 2);
    let free = spawn_app(&[("regist.tries_per_minute_per_phone", "1")]).await;
    for _ in 0..3 {
        assert_eq!(send(&free, "runner", PHONE, "123456").await.errcode(), 2, "limits are switched off here");
    }
}

#[actix_web::test]
async fn all_visitors_of_one_site_may_register() {
    let settings = [
        ("limits.enabled", "true"),
        ("regist.tries_per_minute_per_phone", "1"),
        ("regist.tries_per_minute_per_address", "40"),
    ];
    let app = spawn_app(&settings).await;
    let mut seen = Vec::new();
    // Half a minute of one window at least.
    for visitor in 0..81 {
        seen.push(send(&app, "runner", &format!("139000001{visitor:02}"), "123456").await.errcode());
    }
    assert_eq!(seen[..31], [2; 31], "31 persons by one address");
    assert!(seen.contains(&8), "the site as a whole is bounded: {seen:?}");
    assert!(seen.iter().all(|code| [2, 8].contains(code)), "{seen:?}");
}

#[actix_web::test]
async fn many_want_one_name() {
    let app = spawn_app(&[]).await;
    let mut calls = Vec::new();
    for at in 0..6 {
        let phone = format!("1390000002{at}");
        let code = code(&app, &phone).await;
        calls.push(Call::new(&app, JSON, members(["one", "ONE"][at % 2], &phone, &code)));
    }
    let told = futures_util::future::join_all(calls.iter().map(|call| call.send(&app))).await;
    let mut codes: Vec<i64> = told.iter().map(Told::errcode).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 3, 3, 3, 3, 3]);
    assert_eq!(registered(&app).await, 1);
}

#[actix_web::test]
async fn many_want_one_phone() {
    let app = spawn_app(&[]).await;
    let code = code(&app, PHONE).await;
    let calls: Vec<Call> =
        (0..6).map(|at| Call::new(&app, JSON, members(&format!("runner{at}"), PHONE, &code))).collect();
    let told = futures_util::future::join_all(calls.iter().map(|call| call.send(&app))).await;
    let mut codes: Vec<i64> = told.iter().map(Told::errcode).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 2, 2, 2, 2, 2], "the winner used the code up");
    assert_eq!(registered(&app).await, 1);
}
