//! Agents: kept by owners, bound by a proven phone, their secrets wrapped for the official network.

use matchday::args;
use matchday::service::regist::wrap::{Wrapping, upper_md5};
use matchday::service::sweeps;
use reqwest::Method;
use serde_json::{Value, json};

use super::admin::Desk;
use super::client::{OFFICIAL, register};
use crate::support::fixtures::{execute, row};
use crate::support::{TestApp, spawn_app};

const PHONE: &str = "13900000031";
const PASSWORD: &str = "跑步2026";

fn agent(username: &str, mobile: Option<&str>) -> Value {
    json!({"name": "江城旅行社", "username": username, "type_code": "A1", "type_name": "一级代理", "password": PASSWORD,
           "mobile": mobile})
}

/// An agent with a credential; answers its id and session key.
async fn agent_with_key(desk: &Desk<'_>) -> (i64, String) {
    let (status, made) = desk.send(Method::POST, "agents", agent("travel", Some(PHONE))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_i64().unwrap();
    let new = json!({"hawk_id": "travel-1", "class": "agent", "agent_id": id});
    let (status, credential) = desk.send(Method::POST, "hawk-credentials", new).await;
    assert_eq!(status, 201, "{credential}");
    (id, credential["hawk_key"].as_str().unwrap().to_owned())
}

async fn bound(app: &TestApp, agent: i64) -> Option<i64> {
    let sql = "SELECT account_id FROM agents WHERE id = $1";
    row(&app.context.db, sql, args![agent]).await.opt_int("account_id").unwrap()
}

#[actix_web::test]
async fn who_has_the_agent_s_phone_acts_for_it() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let (id, session_key) = agent_with_key(&desk).await;
    let told = register(&app, "clerk", PHONE).await;
    assert_eq!(told.errcode(), 0);
    let told = told.json();
    let wrapping = Wrapping::parse("ecb", "", "pkcs7").unwrap();
    let hash = upper_md5(PASSWORD);
    let expected = json!({
        "errcode": 0, "errmsg": "注册成功", "memberid": told["memberid"], "memberusername": "clerk", "name": "clerk",
        "bindingtoagent": "1", "agentid": id.to_string(), "agenttypecode": "A1", "agenttypename": "一级代理",
        "agentpassword": wrapping.wrap(OFFICIAL.1, &hash, &hash).unwrap(),
        "agentkey": wrapping.wrap(OFFICIAL.1, &hash, &session_key).unwrap(),
        "agentname": "江城旅行社", "agentusername": "travel", "openid": null,
    });
    assert_eq!(told, expected);
    assert_eq!(bound(&app, id).await, told["memberid"].as_i64());
    let shown = desk.get(&format!("agents/{id}")).await.1;
    assert_eq!((&shown["account_id"], &shown["mobile"]), (&told["memberid"], &json!(PHONE)));
    let other = register(&app, "other", "13900000032").await.json();
    assert_eq!((&other["bindingtoagent"], &other["agentid"]), (&json!("0"), &Value::Null));
}

#[actix_web::test]
async fn an_agent_that_cannot_be_acted_for_is_not_told() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let mut no_password = agent("silent", Some("13900000033"));
    no_password["password"] = json!("");
    let silent = desk.send(Method::POST, "agents", no_password).await.1["id"].as_i64().unwrap();
    let disabled = desk.send(Method::POST, "agents", agent("off", Some("13900000034"))).await.1["id"].as_i64().unwrap();
    assert_eq!(desk.send(Method::PATCH, &format!("agents/{disabled}"), json!({"status": 0})).await.0, 200);
    let keyless = desk.send(Method::POST, "agents", agent("keyless", Some("13900000035"))).await.1["id"].clone();
    for (name, phone) in [("one", "13900000033"), ("two", "13900000034")] {
        let told = register(&app, name, phone).await.json();
        assert_eq!((&told["errcode"], &told["bindingtoagent"]), (&json!(0), &json!("0")), "{name}");
        for member in ["agentid", "agentname", "agentusername", "agenttypecode", "agentpassword", "agentkey"] {
            assert_eq!(told[member], Value::Null, "{name} {member}");
        }
    }
    assert!(bound(&app, silent).await.is_some() && bound(&app, disabled).await.is_none());
    let told = register(&app, "three", "13900000035").await.json();
    assert_eq!((&told["bindingtoagent"], &told["agentid"]), (&json!("1"), &json!(keyless.to_string())));
    assert!(told["agentpassword"].is_string() && told["agentkey"].is_null(), "{told}");
}

#[actix_web::test]
async fn an_agent_that_has_an_account_gets_no_second_one() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let (id, _) = agent_with_key(&desk).await;
    let first = register(&app, "clerk", PHONE).await.json()["memberid"].as_i64();
    // The clerk has a new phone now.
    crate::support::fixtures::bind_phone(&app, actors::domain::ids::AccountId(first.unwrap()), "13900000036").await;
    app.context.db.advance_clock(std::time::Duration::from_secs(61));
    let told = register(&app, "second", PHONE).await.json();
    assert_eq!((&told["errcode"], &told["bindingtoagent"]), (&json!(0), &json!("0")));
    assert_eq!(bound(&app, id).await, first);
    assert_eq!(desk.send(Method::PATCH, &format!("agents/{id}"), json!({"account_id": null})).await.0, 200);
    assert_eq!(bound(&app, id).await, None);
    let erased = desk.send(Method::PATCH, &format!("agents/{id}"), json!({"account_id": 7})).await;
    assert_eq!(erased.0, 422, "only null");
}

#[actix_web::test]
async fn an_erased_account_acts_for_nobody() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let (id, _) = agent_with_key(&desk).await;
    let member = register(&app, "clerk", PHONE).await.json()["memberid"].as_i64().unwrap();
    assert_eq!(bound(&app, id).await, Some(member));
    let (status, body) = desk.send(Method::POST, &format!("accounts/{member}/erase"), Value::Null).await;
    assert!(status < 300, "{status} {body}");
    assert_eq!(bound(&app, id).await, None);
}

#[actix_web::test]
async fn other_constructions_wrap_as_they_are_set() {
    let settings = [("regist.wrap_mode", "cbc"), ("regist.wrap_iv", "0102030405060708")];
    let app = spawn_app(&settings).await;
    let desk = Desk::open(&app).await;
    let (_, session_key) = agent_with_key(&desk).await;
    let told = register(&app, "clerk", PHONE).await.json();
    let wrapping = Wrapping::parse("cbc", "0102030405060708", "pkcs7").unwrap();
    let hash = upper_md5(PASSWORD);
    assert_eq!(told["agentpassword"], wrapping.wrap(OFFICIAL.1, &hash, &hash).unwrap());
    assert_eq!(told["agentkey"], wrapping.wrap(OFFICIAL.1, &hash, &session_key).unwrap());
}

async fn kept_answers(app: &TestApp) -> Vec<String> {
    let rows = app.context.db.fetch_all("SELECT body FROM idempotency_keys ORDER BY created_at", args![]).await;
    rows.unwrap().iter().map(|row| row.text("body").unwrap()).collect()
}

#[actix_web::test]
async fn no_kept_answer_has_an_agent_s_phone() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let make = || desk.send_with_key(Method::POST, "agents", agent("travel", Some(PHONE)), Some("make"));
    let (first, again) = (make().await, make().await);
    assert_eq!((first.0, first.1["mobile"].as_str()), (201, Some(PHONE)));
    assert_eq!(again, first, "the same is told again");
    let path = format!("agents/{}", first.1["id"]);
    let name = json!({"name": "武昌旅行社"});
    let changed = desk.send_with_key(Method::PATCH, &path, name, Some("change")).await;
    assert_eq!((changed.0, changed.1["mobile"].as_str()), (200, Some(PHONE)));
    let kept = kept_answers(&app).await;
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|body| body.contains("travel") && !body.contains(PHONE)), "{kept:?}");
    assert_eq!(desk.send(Method::PATCH, &path, json!({"mobile": null})).await.0, 200);
    assert_eq!(make().await.1["mobile"], Value::Null, "as it is now");
}

#[actix_web::test]
async fn erasing_a_person_empties_the_answers_with_the_phone() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let member = register(&app, "clerk", PHONE).await.json()["memberid"].as_i64().unwrap();
    let sql = "INSERT INTO idempotency_keys (admin_id, idempotency_key, request_hash, status, body, created_at)
               VALUES (1, $1, '', 200, $2, $3)";
    for (key, phone) in [("hers", PHONE), ("another's", "13900000039")] {
        let body = json!({"id": 99, "mobile": phone}).to_string();
        execute(&app.context.db, sql, args![key, body, app.context.db.now_ms()]).await;
    }
    let (status, body) = desk.send(Method::POST, &format!("accounts/{member}/erase"), Value::Null).await;
    assert!(status < 300, "{status} {body}");
    let kept = kept_answers(&app).await.concat();
    assert!(!kept.contains(PHONE) && kept.contains("13900000039"), "{kept}");
}

#[actix_web::test]
async fn kept_answers_end_after_a_day_whoever_s_they_are() {
    let app = spawn_app(&[]).await;
    let desk = Desk::open(&app).await;
    let (day, now) = (86_400_000, app.context.db.now_ms());
    let sql = "INSERT INTO idempotency_keys (admin_id, idempotency_key, request_hash, status, body, created_at)
               VALUES ($1, $2, '', 200, 'x', $3)";
    // More than one step removes, of administrators who never write again.
    for at in 0..1_003_i64 {
        execute(&app.context.db, sql, args![1_000 + at, "old", now - day - 1]).await;
    }
    assert_eq!(desk.send_with_key(Method::POST, "agents", agent("travel", None), Some("new")).await.0, 201);
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(kept_answers(&app).await.len(), 4, "a bounded number at once");
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(kept_answers(&app).await.len(), 1);
    app.context.db.advance_clock(std::time::Duration::from_millis(day as u64));
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(kept_answers(&app).await, Vec::<String>::new());
}
