use md5::{Digest, Md5};
use serde_json::{Value, json};

use super::{envelope, get};
use crate::support::fixtures::{execute, live, person};
use crate::support::provider::Provider;
use crate::support::{TestApp, spawn_app};
use matchday::args;

const SETTINGS: [(&str, &str); 5] = [
    ("live.play_domain", "live.example.com"),
    ("live.push_domain", "push.example.com"),
    ("live.app_name", "task"),
    ("live.play_key", "testplaykey"),
    ("live.push_key", "testpushkey"),
];

/// A live that has a stream and no stored addresses.
async fn stream(app: &TestApp) -> i64 {
    let id = live(&app.context.db).await;
    let sql = "UPDATE lives SET stream_name = 'competition_1_7', play_rtmp = '', play_flv = '', play_m3u8 = '',
                   plug_flow = '' WHERE id = $1";
    execute(&app.context.db, sql, args![id]).await;
    id
}

/// The seconds at which a signed address ends; panics when the key is not the path's.
fn checked(address: &str, start: &str, path: &str, key: &str) -> i64 {
    let (before, auth_key) = address.split_once("?auth_key=").unwrap();
    assert_eq!(before, format!("{start}{path}"));
    let expires = auth_key.split('-').next().unwrap();
    let hash = hex::encode(Md5::digest(format!("{path}-{expires}-0-0-{key}").as_bytes()));
    assert_eq!(auth_key, format!("{expires}-0-0-{hash}"));
    expires.parse().unwrap()
}

#[actix_web::test]
async fn playback_is_signed_until_it_ends() {
    let app = spawn_app(&SETTINGS).await;
    let alice = person(&app, "alice").await;
    let id = stream(&app).await;
    let path = format!("/api/v1/competitionlive/{id}");
    let (_, body) = get(&app, &alice, &path).await;
    let address = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
    let stream_path = "/task/competition_1_7";
    let now = app.context.db.now_ms() / 1000;
    for (name, start, suffix) in [
        ("play_rtmp", "rtmp://live.example.com", ""),
        ("play_flv", "http://live.example.com", ".flv"),
        ("play_m3u8", "http://live.example.com", ".m3u8"),
    ] {
        let ends = checked(&address(&body, name), start, &format!("{stream_path}{suffix}"), "testplaykey");
        assert!((now + 7195..=now + 7200).contains(&ends), "{name} {ends}");
    }
    assert!(!body.to_string().contains("push"), "{body}");
    let over = now + 100;
    execute(&app.context.db, "UPDATE lives SET expire_time = $2 WHERE id = $1", args![id, over * 1000]).await;
    let (_, body) = get(&app, &alice, &path).await;
    assert_eq!(checked(&address(&body, "play_rtmp"), "rtmp://live.example.com", stream_path, "testplaykey"), over);
    execute(&app.context.db, "UPDATE lives SET expire_time = 1 WHERE id = $1", args![id]).await;
    assert_eq!(get(&app, &alice, &path).await.1["play_rtmp"], "");
    execute(&app.context.db, "UPDATE lives SET play_rtmp = 'rtmp://a/b' WHERE id = $1", args![id]).await;
    assert_eq!(get(&app, &alice, &path).await.1["play_rtmp"], "rtmp://a/b", "what is stored counts");
}

#[actix_web::test]
async fn the_push_address_is_for_editors() {
    let app = spawn_app(&SETTINGS).await;
    let id = stream(&app).await;
    let owner = app.admin_token().await;
    let path = format!("/admin/api/v1/lives/{id}/push");
    let body = app.get_as(&path, &owner).await;
    let push_url = body["push_url"].as_str().unwrap();
    checked(push_url, "rtmp://push.example.com", "/task/competition_1_7", "testpushkey");
    assert_eq!(app.get(&path).await.status(), 401);
    let alice = person(&app, "alice").await;
    let answer = app.client.get(app.at(&path)).bearer_auth(&alice.token).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(app.get_as("/admin/api/v1/lives/999999/push", &owner).await["status"], 404);
    execute(&app.context.db, "UPDATE lives SET stream_name = '' WHERE id = $1", args![id]).await;
    assert_eq!(app.get_as(&path, &owner).await["status"], 409);
}

#[actix_web::test]
async fn a_new_live_has_a_stream_of_its_own() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let create = async |body: Value| -> Value {
        let request = app.client.post(app.at("/admin/api/v1/lives")).bearer_auth(&owner).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let with = create(json!({"title": "决赛", "competition_id": 1})).await;
    assert!(with["stream_name"].as_str().unwrap().starts_with("competition_1_"), "{with}");
    let without = create(json!({"title": "花絮"})).await;
    assert!(without["stream_name"].as_str().unwrap().starts_with("notcompetition_"), "{without}");
    assert_eq!(create(json!({"title": "决赛", "stream_name": "a/b"})).await["status"], 422);
    assert_eq!(create(json!({"title": "决赛", "stream_name": "own"})).await["stream_name"], "own");
}

#[actix_web::test]
async fn viewers_are_aliyuns_when_it_counts() {
    let reply = json!({
        "TotalUserNumber": 12,
        "OnlineUserInfo": {"LiveStreamOnlineUserNumInfo": [
            {"Time": "2026-11-22T04:13:27Z", "StreamUrl": "rtmp://live.example.com/task/competition_1_7", "UserNumber": 12},
        ]},
        "RequestId": "954ECDF74EAECAC3B0C9061A61508F77",
    });
    let provider = Provider::start(&reply.to_string());
    let mut settings = SETTINGS.to_vec();
    settings.extend([
        ("live.online", "aliyun"),
        ("live.base_url", provider.url.as_str()),
        ("live.key_id", "testid"),
        ("live.key_secret", "testsecret"),
    ]);
    let app = spawn_app(&settings).await;
    let alice = person(&app, "alice").await;
    let (id, other) = (stream(&app).await, stream(&app).await);
    let path = format!("/api/v1/competition/online/{id}");
    let answers = futures_util::future::join_all((0..5).map(|_| get(&app, &alice, &path))).await;
    assert!(answers.iter().all(|answer| *answer == (200, reply.clone())), "{answers:?}");
    let asked = provider.asked();
    assert_eq!(asked.len(), 1, "asked once in ten seconds");
    let members = ["Action", "Version", "DomainName", "AppName", "StreamName"];
    let sent = members.map(|name| asked[0].query[name].as_str());
    let expected = ["DescribeLiveStreamOnlineUserNum", "2016-11-01", "live.example.com", "task", "competition_1_7"];
    assert_eq!(sent, expected);
    provider.answers(400, r#"{"Code":"InvalidDomain.NotFound","Message":"none"}"#);
    let path = format!("/api/v1/competition/online/{other}");
    for _ in 0..2 {
        assert_eq!(get(&app, &alice, &path).await, (500, envelope(&path, "阿里云服务器异常", 80000)));
    }
    assert_eq!(provider.asked().len(), 2, "a failure is kept as well");
    assert_eq!(get(&app, &alice, "/api/v1/competition/online/999999").await.1["error_code"], 30005);
}
