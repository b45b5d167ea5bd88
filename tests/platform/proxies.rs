//! Callers behind a trusted proxy: what the proxy says of them counts, and nobody becomes the proxy.

use matchday::args;
use matchday::store::sql::chat;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::reg::client::Registrant;
use crate::support::{ADMIN, TestApp, spawn_app};

const FORWARDED_FOR: &str = "x-forwarded-for";

async fn orders_of(app: &TestApp, account: i64, forwarded: Option<&[u8]>) -> i64 {
    let mut request = app.client.post(app.at("/api/reg"));
    if let Some(forwarded) = forwarded {
        request = request.header(FORWARDED_FOR, HeaderValue::from_bytes(forwarded).unwrap());
    }
    let body = json!({"cmd": "RegQueryUserOrders", "user_id": account});
    let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
    answer["result"].as_i64().unwrap()
}

#[actix_web::test]
async fn only_the_hop_of_the_proxy_makes_a_caller_trusted() {
    let app = spawn_app(&[
        ("server.trusted_proxies", "127.0.0.0/8,10.0.0.0/8"),
        ("reg.identity", "trusting"),
        ("reg.trusting_networks", "203.0.113.0/24"),
    ])
    .await;
    Registrant::sign_in(&app, "runner").await;
    let row = app.context.db.fetch_one("SELECT id FROM accounts WHERE openid = 'runner'", args![]).await.unwrap();
    let account = row.int("id").unwrap();
    for trusted in [&b"203.0.113.9"[..], b"\xff, 203.0.113.9", b"198.51.100.7, 203.0.113.9, 10.0.0.7"] {
        assert_eq!(orders_of(&app, account, Some(trusted)).await, 0, "{trusted:?}");
    }
    let strangers: &[&[u8]] = &[
        b"203.0.113.9, 198.51.100.7",
        b"\xff, 198.51.100.7",
        b"203.0.113.9, \xff",
        b"203.0.113.9,",
        b"127.0.0.1",
        b"",
    ];
    for stranger in strangers {
        assert_eq!(orders_of(&app, account, Some(stranger)).await, -1, "{stranger:?}");
    }
    assert_eq!(orders_of(&app, account, None).await, -1, "a proxy that says nothing");
}

#[actix_web::test]
async fn callers_without_an_address_share_one_limit() {
    let app = spawn_app(&[
        ("server.trusted_proxies", "127.0.0.0/8"),
        ("limits.enabled", "true"),
        ("limits.logins_per_minute_per_address", "2"),
    ])
    .await;
    let sign_in = async |forwarded: &[u8]| {
        let request = app.client.post(app.at("/admin/api/v1/login"));
        let request = request.header(FORWARDED_FOR, HeaderValue::from_bytes(forwarded).unwrap());
        let body = json!({"username": ADMIN.0, "password": ADMIN.1});
        request.json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(sign_in(b"\xff").await, 200);
    assert_eq!(sign_in(b"198.51.100.7, \x80").await, 200);
    assert_eq!(sign_in(b"unknown").await, 429, "one bucket");
    assert_eq!(sign_in(b"\xff, 198.51.100.7").await, 200, "the proxy named somebody");
}

#[actix_web::test]
async fn a_caller_without_an_address_evades_no_ban() {
    let app = spawn_app(&[("demo", "false")]).await;
    let db = &app.context.db;
    let banned = async |address: Option<&str>| {
        chat::standing(db, None, address.map(|text| text.parse().unwrap()), None).await.unwrap().0.is_some()
    };
    assert!(!banned(None).await, "nobody is banned");
    db.write(|tx| {
        Box::pin(async move {
            let sql = "INSERT INTO bans (address, reason, created_at) VALUES ('198.51.100.7', 'spam', 0)";
            Ok(tx.execute(sql, args![]).await?)
        })
    })
    .await
    .unwrap();
    for (address, expected) in [(Some("198.51.100.7"), true), (Some("198.51.100.8"), false), (None, true)] {
        assert_eq!(banned(address).await, expected, "{address:?}");
    }
}

#[actix_web::test]
async fn links_have_the_name_that_a_trusted_proxy_tells() {
    let link = async |app: &TestApp| {
        let token = Registrant::sign_in(app, "runner").await.token;
        let request = app.client.get(app.at("/api/v1/banner/1")).header("token", token);
        let request = request.header("x-forwarded-host", "Race.example").header("x-forwarded-proto", "https");
        request.send().await.unwrap().text().await.unwrap()
    };
    let trusting = spawn_app(&[("server.trusted_proxies", "127.0.0.0/8")]).await;
    let told = link(&trusting).await;
    assert!(told.contains("\"https://Race.example/"), "{told}");
    let strict = spawn_app(&[]).await;
    let own = link(&strict).await;
    assert!(own.contains(&format!("{}/", strict.url)) && !own.contains("Race.example"), "{own}");
}
