//! Applications as owners make, change and rotate them.

use std::time::Duration;

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Keys, check, demo, keys, person, reg, stamped};
use super::on_both;
use crate::people::dump;
use crate::support::fixtures::execute;
use crate::support::{TestApp, spawn_app};

async fn call(app: &TestApp, method: Method, path: &str, key: Option<&str>, body: Value) -> (u16, Value) {
    let mut request =
        app.client.request(method, app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(app.admin_token().await);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.body(if body.is_null() { String::new() } else { body.to_string() }).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}

fn keys_in(row: &Value) -> Keys {
    keys(row["id"].as_i64().unwrap(), row["app_key"].as_str().unwrap(), row["app_secret"].as_str().unwrap())
}

/// A new application by the administrators' API.
pub(crate) async fn create(app: &TestApp, body: Value) -> Keys {
    let (status, row) = call(app, Method::POST, "sso-apps", None, body).await;
    assert_eq!(status, 201, "{row}");
    keys_in(&row)
}

#[actix_web::test]
async fn keys_are_told_once_and_stand_nowhere() {
    on_both(&[], async |app| {
        let body = json!({"name": "报名站", "ip_allow": "127.*\n::1", "notify_params": {"x": "y"}, "note": "from Ann"});
        let (status, made) = call(&app, Method::POST, "sso-apps", Some("k1"), body.clone()).await;
        assert_eq!(status, 201);
        let own = keys_in(&made);
        assert!(own.key.len() == 32 && own.key.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(reg(&app, &own, person("by-the-new-one")).await["rcode"], "y010101");
        // Sent again it is the same application, and not a second one.
        assert_eq!(call(&app, Method::POST, "sso-apps", Some("k1"), body).await, (201, made.clone()));
        let path = format!("sso-apps/{}", own.id);
        let (_, one) = call(&app, Method::GET, &path, None, Value::Null).await;
        let expected = json!({
            "id": own.id, "name": "报名站", "status": 1, "may_register": 1, "ip_allow": "127.*\n::1", "ip_bad": "",
            "notify_url": "", "notify_params": {"x": "y"}, "note": "from Ann", "previous_until": null,
            "create_time": made["create_time"],
        });
        assert_eq!(one, expected);
        let (_, page) = call(&app, Method::GET, "sso-apps?search=报名", None, Value::Null).await;
        assert_eq!((&page["total"], &page["data"][0]), (&json!(1), &expected));
        let (_, trail) = call(&app, Method::GET, "audit?search=sso-apps", None, Value::Null).await;
        assert_eq!(trail["data"][0]["action"], "create");
        let everything = dump(&app.context.db).await;
        assert!(everything.contains("报名站") && !everything.contains(&own.key) && !everything.contains(&own.secret));
    })
    .await;
}

#[actix_web::test]
async fn rotated_keys_overlap_and_each_is_answered_with_itself() {
    on_both(&[], async |app| {
        let old = create(&app, json!({"name": "rotated"})).await;
        let path = format!("sso-apps/{}/rotate", old.id);
        let (status, row) = call(&app, Method::POST, &path, None, json!({"overlap_seconds": 300})).await;
        let new = keys_in(&row);
        assert_eq!((status, new.id), (200, old.id));
        assert!(new.key != old.key && new.secret != old.secret);
        for (pair, name) in [(&old, "by-old"), (&new, "by-new")] {
            let answer = reg(&app, pair, person(name)).await;
            assert!(pair.open(&answer).contains(name), "{answer}");
        }
        // Halves of both are neither.
        let mixed = keys(old.id, &new.key, &old.secret);
        assert_eq!(check(&app, &mixed, "chkname", json!({"user_name": "x"})).await["rcode"], "x050403");
        app.context.db.advance_clock(Duration::from_secs(301));
        let refused = check(&app, &old, "chkname", json!({"user_name": "x"})).await;
        assert_eq!(refused["msg"], "App Key 通信密钥错误");
        assert_eq!(check(&app, &new, "chkname", json!({"user_name": "x"})).await["rcode"], "y010401");
        // Without an overlap the old ones are over at once.
        let (_, row) = call(&app, Method::POST, &path, Some("k"), Value::Null).await;
        assert_eq!(call(&app, Method::POST, &path, Some("k"), Value::Null).await.1, row, "rotated once");
        assert_eq!(check(&app, &new, "chkname", json!({"user_name": "x"})).await["rcode"], "x050201");
        let newest = keys_in(&row);
        assert_eq!(check(&app, &newest, "chkname", json!({"user_name": "x"})).await["rcode"], "y010401");
        let everything = dump(&app.context.db).await;
        assert!([&old, &new, &newest].iter().all(|pair| !everything.contains(&pair.key)));
    })
    .await;
}

#[actix_web::test]
async fn keys_that_were_promised_survive_another_rotation() {
    on_both(&[], async |app| {
        let first = create(&app, json!({"name": "twice"})).await;
        let path = format!("sso-apps/{}/rotate", first.id);
        let rotate = async |seconds: i64| {
            let (status, row) = call(&app, Method::POST, &path, None, json!({"overlap_seconds": seconds})).await;
            assert_eq!(status, 200, "{row}");
            keys_in(&row)
        };
        let good =
            async |pair: &Keys| check(&app, pair, "chkname", json!({"user_name": "x"})).await["rcode"] == "y010401";
        // The answer is lost, and it is rotated again.
        let lost = rotate(600).await;
        let third = rotate(60).await;
        assert_eq!([good(&first).await, good(&lost).await, good(&third).await], [true, false, true]);
        app.context.db.advance_clock(Duration::from_secs(599));
        assert!(good(&first).await, "for as long as was promised first");
        let fourth = rotate(300).await;
        app.context.db.advance_clock(Duration::from_secs(299));
        assert_eq!([good(&first).await, good(&third).await, good(&fourth).await], [true, false, true]);
        app.context.db.advance_clock(Duration::from_secs(2));
        assert_eq!([good(&first).await, good(&fourth).await], [false, true]);
        // Nothing is promised any more, so the keys at work are kept again; and without an overlap none are.
        let fifth = rotate(60).await;
        assert_eq!([good(&fourth).await, good(&fifth).await], [true, true]);
        let sixth = rotate(0).await;
        assert_eq!([good(&fourth).await, good(&fifth).await, good(&sixth).await], [false, false, true]);
    })
    .await;
}

#[actix_web::test]
async fn lists_of_addresses_take_networks() {
    let app = spawn_app(&[]).await;
    let own = create(&app, json!({"name": "listed", "ip_bad": "::ffff:127.0.0.1\n2001:0DB8:0::7"})).await;
    let path = format!("sso-apps/{}", own.id);
    let (_, row) = call(&app, Method::GET, &path, None, Value::Null).await;
    assert_eq!(row["ip_bad"], "127.0.0.1\n2001:db8::7");
    assert_eq!(check(&app, &own, "chkname", json!({"user_name": "x"})).await["rcode"], "x050408");
    for (list, rcode) in [("127.0.0.0/8", "y010401"), ("10.0.0.0/8\n::/0", "x050407")] {
        assert_eq!(call(&app, Method::PATCH, &path, None, json!({"ip_allow": list})).await.0, 200);
        assert_eq!(check(&app, &own, "chkname", json!({"user_name": "x"})).await["rcode"], rcode, "{list}");
    }
    assert_eq!(call(&app, Method::PATCH, &path, None, json!({"ip_bad": "2001:db8:0:0:*"})).await.0, 422);
}

#[actix_web::test]
async fn applications_are_changed_and_disabled() {
    let app = spawn_app(&[]).await;
    let own = create(&app, json!({"name": "changed", "may_register": 0})).await;
    assert_eq!(reg(&app, &own, person("x")).await["rcode"], "x050307");
    let path = format!("sso-apps/{}", own.id);
    let (status, row) = call(&app, Method::PATCH, &path, None, json!({"may_register": 1, "name": " renamed "})).await;
    assert_eq!((status, &row["name"], &row["app_key"]), (200, &json!("renamed"), &Value::Null));
    // Renaming changes no key.
    assert_eq!(reg(&app, &own, person("x")).await["rcode"], "y010101");
    assert_eq!(call(&app, Method::DELETE, &path, None, Value::Null).await.0, 200);
    assert_eq!(check(&app, &own, "chkname", json!({"user_name": "x"})).await["rcode"], "x050402");
    assert_eq!(call(&app, Method::PATCH, &path, None, json!({"status": 1})).await.0, 200);
    assert_eq!(check(&app, &own, "chkname", json!({"user_name": "x"})).await["rcode"], "y010102");
}

#[actix_web::test]
async fn wrong_members_are_refused_and_only_owners_come_here() {
    let app = spawn_app(&[]).await;
    for body in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "x".repeat(31)}),
        json!({"name": "x", "status": 2}),
        json!({"name": "x", "may_register": -1}),
        json!({"name": "x", "ip_allow": "example.org"}),
        json!({"name": "x", "notify_url": "ftp://example.org/"}),
        json!({"name": "x", "notify_url": "https://u:p@example.org/"}),
        json!({"name": "x", "notify_params": {"sign": "x"}}),
        json!({"name": "x", "notify_params": {"n": 7}}),
        json!({"name": "x", "note": "x".repeat(1_001)}),
        json!({"name": "x", "app_key": "0".repeat(32)}),
    ] {
        let (status, problem) = call(&app, Method::POST, "sso-apps", None, body.clone()).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid_field")), "{body}");
    }
    for body in [json!({"overlap_seconds": -1}), json!({"overlap_seconds": 2_592_001}), json!({"days": 1})] {
        assert_eq!(call(&app, Method::POST, "sso-apps/1/rotate", None, body).await.0, 422);
    }
    for (method, path) in [
        (Method::GET, "sso-apps/99"),
        (Method::PATCH, "sso-apps/99"),
        (Method::DELETE, "sso-apps/99"),
        (Method::POST, "sso-apps/99/rotate"),
    ] {
        assert_eq!(call(&app, method, path, None, Value::Null).await.0, 404, "{path}");
    }
    let (_, page) = call(&app, Method::GET, "sso-apps", None, Value::Null).await;
    assert_eq!(page["total"], 1, "only the demo's");
    let good = stamped(&app, json!({"user_name": "x"}));
    assert_eq!(demo().decrypt(&demo().encrypt(&good)), good);

    execute(&app.context.db, "UPDATE admins SET role = 'editor'", args![]).await;
    for (method, path) in [
        (Method::GET, "sso-apps"),
        (Method::GET, "sso-apps/1"),
        (Method::POST, "sso-apps"),
        (Method::PATCH, "sso-apps/1"),
        (Method::DELETE, "sso-apps/1"),
        (Method::POST, "sso-apps/1/rotate"),
        (Method::GET, "mails"),
    ] {
        assert_eq!(call(&app, method, path, None, Value::Null).await.0, 403, "{path}");
    }
}
