//! What holds for every item alike: who may call, what an unknown method or a broken body is told, and the headers that
//! a page of another origin needs. What each item answers is in the files named after the items.

use reqwest::Method;
use serde_json::{Value, json};

use super::{nobody_gets_in, refused, told};
use crate::support::fixtures::{execute, person};
use crate::support::{TestApp, spawn_app};
use matchday::args;

/// Every item that needs a token; item 26 is the chat, and items 1 and 15 are open.
const CLOSED: [(&str, &str); 32] = [
    ("GET", "user/info"),
    ("POST", "user/save"),
    ("POST", "identify/code"),
    ("POST", "user/bind"),
    ("GET", "member/info"),
    ("GET", "competition/by_member"),
    ("GET", "business/joinus"),
    ("POST", "order/commit"),
    ("POST", "order/cancel"),
    ("GET", "order/1"),
    ("POST", "order/close"),
    ("GET", "order/by_user"),
    ("POST", "pay/pre_order"),
    ("POST", "feeds"),
    ("GET", "competition/1"),
    ("GET", "competition/begins"),
    ("POST", "competition/apply/commit"),
    ("POST", "competition/apply/cancel"),
    ("POST", "competition/video"),
    ("GET", "banner/1"),
    ("POST", "banner/by_position"),
    ("POST", "competition/live"),
    ("POST", "competition/play_notify"),
    ("GET", "competition/online/1"),
    ("GET", "competitionvideo/1"),
    ("GET", "competitionlive/1"),
    ("GET", "team/by_user"),
    ("GET", "team/1/competitions"),
    ("POST", "wxconfig"),
    ("POST", "competition/play"),
    ("POST", "config/value"),
    ("GET", "guest/1"),
];
const OPEN: [(&str, &str); 3] = [("POST", "token/user"), ("POST", "pay/notify"), ("POST", "pay/refund_notify")];

fn items() -> impl Iterator<Item = (Method, String)> {
    CLOSED.into_iter().chain(OPEN).map(|(method, item)| (method.parse().unwrap(), format!("/api/v1/{item}")))
}

fn closed_items() -> impl Iterator<Item = (Method, String)> {
    items().take(CLOSED.len())
}

async fn ask(app: &TestApp, method: &Method, path: &str, token: &str, body: Vec<u8>) -> (u16, Value) {
    told(app.client.request(method.clone(), app.at(path)).header("Token", token).body(body).send().await.unwrap()).await
}

#[actix_web::test]
async fn every_item_is_closed_to_strangers_before_it_looks_at_the_body() {
    let app = spawn_app(&[]).await;
    let (alice, gone) = (person(&app, "alice").await, person(&app, "gone").await);
    execute(&app.context.db, "UPDATE accounts SET status = 0 WHERE id = $1", args![gone.account.0]).await;
    app.context.sessions.clear();
    for (method, path) in closed_items() {
        nobody_gets_in(&app, method.clone(), &path).await;
        let closed = refused(401, 10003, "Token已过期或无效Token", &path);
        assert_eq!(ask(&app, &method, &path, "", b"{".to_vec()).await, closed, "{method} {path}");
        let disabled = refused(404, 10004, "用户不存在或被禁用", &path);
        assert_eq!(ask(&app, &method, &path, &gone.token, b"{".to_vec()).await, disabled, "{method} {path}");
    }
    app.context.db.advance_clock(std::time::Duration::from_secs(7201));
    for (method, path) in closed_items() {
        let closed = refused(401, 10003, "Token已过期或无效Token", &path);
        assert_eq!(ask(&app, &method, &path, &alice.token, Vec::new()).await, closed, "{method} {path}");
    }
}

#[actix_web::test]
async fn a_body_that_cannot_be_read_is_told_so_by_every_item_that_takes_one() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let bodies: [(Vec<u8>, &str); 8] = [
        (b"{".to_vec(), "：请求主体不是JSON对象"),
        (b"[1]".to_vec(), "：请求主体不是JSON对象"),
        (b"\"text\"".to_vec(), "：请求主体不是JSON对象"),
        (b"a=1&a[]=2".to_vec(), "：请求参数重复"),
        (b"a=\xff".to_vec(), "：请求主体不是UTF-8"),
        (b"{\"uid\": 1}".to_vec(), "：参数中包含有非法的参数名"),
        (b"user_id=1".to_vec(), "：参数中包含有非法的参数名"),
        (vec![b'x'; 1024 * 1024 + 1], ""),
    ];
    for (method, path) in items().filter(|(method, path)| *method == Method::POST && !path.ends_with("notify")) {
        for (body, reason) in &bodies {
            let wrong = refused(400, 99999, &format!("参数错误{reason}"), &path);
            assert_eq!(ask(&app, &method, &path, &alice.token, body.clone()).await, wrong, "{path} {reason}");
        }
    }
}

#[actix_web::test]
async fn unknown_paths_and_methods_are_told_so() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let unknown = |path: &str| refused(404, 10001, "global:your required resource are not found", path);
    for (right, path) in items() {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if method == right {
                continue;
            }
            // With GET the last part of some paths is an id, and none that could be one.
            let names_an_id = method == Method::GET
                && ["competition/", "banner/", "order/"]
                    .iter()
                    .filter_map(|list| path.strip_prefix(&format!("/api/v1/{list}")))
                    .any(|rest| !rest.contains('/'));
            let expected = if names_an_id {
                refused(400, 99999, "参数错误：id 必须是正整数", &path)
            } else {
                unknown(&path)
            };
            let body = if method == Method::GET { Vec::new() } else { b"{}".to_vec() };
            assert_eq!(ask(&app, &method, &path, &alice.token, body).await, expected, "{method} {path}");
        }
    }
    for path in [
        "/api/v1/nothing?a=1",
        "/api/v1/",
        "/api/v1",
        "/api/v1/user",
        "/api/v1/user/info/",
        "/api/v1/USER/INFO",
        "/api/v1//user/info",
        "/api/v1/order/1/2",
        "/api/v1/team/1/nothing",
    ] {
        for method in [Method::GET, Method::POST] {
            assert_eq!(ask(&app, &method, path, &alice.token, Vec::new()).await, unknown(path), "{method} {path}");
        }
    }
}

const CROSS_ORIGIN: [(&str, &str); 3] = [
    ("access-control-allow-origin", "*"),
    ("access-control-allow-headers", "token,Origin,X-Requested-With,Content-Type,Accept"),
    ("access-control-allow-methods", "POST,GET"),
];

fn assert_open_to_pages(answer: &reqwest::Response, what: &str) {
    for (name, value) in CROSS_ORIGIN {
        assert_eq!(answer.headers().get(name).map(|it| it.to_str().unwrap()), Some(value), "{what}: {name}");
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_may_ask_everything() {
    let app = spawn_app(&[]).await;
    let unknown = (Method::GET, "/api/v1/nothing".to_owned());
    let picture = (Method::GET, "/uploads/ab/none.jpg".to_owned());
    for (method, path) in items().chain([unknown, picture]) {
        let preflight = app
            .client
            .request(Method::OPTIONS, app.at(&path))
            .header("Origin", "https://h5.example.org")
            .header("Access-Control-Request-Method", method.as_str())
            .header("Access-Control-Request-Headers", "token,content-type");
        let answer = preflight.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_open_to_pages(&answer, &path);
        assert_eq!(answer.text().await.unwrap(), "", "{path}");
    }
}

#[actix_web::test]
async fn answers_of_every_status_may_be_read_by_a_page_of_another_origin() {
    let settings = [("limits.enabled", "true"), ("sms.provider", "none")];
    let app = spawn_app(&settings).await;
    let alice = person(&app, "alice").await;
    let (get, post) = (Method::GET, Method::POST);
    // A table that is away is the server's own fault.
    execute(&app.context.db, "ALTER TABLE site_configs RENAME TO away", args![]).await;
    for (method, path, body, status, code) in [
        (&get, "/api/v1/user/info", json!({}), 200, None),
        (&post, "/api/v1/feeds", json!({"content": "一句话"}), 201, Some(0)),
        (&post, "/api/v1/feeds", json!({}), 400, Some(99999)),
        (&get, "/api/v1/order/999", json!({}), 404, Some(60000)),
        (&get, "/api/v1/nothing", json!({}), 404, Some(10001)),
        (&post, "/api/v1/identify/code", json!({"phone": "13800000001"}), 500, Some(70000)),
        (&post, "/api/v1/config/value", json!({"code": "ICP", "tags": 1}), 500, Some(999)),
    ] {
        let request = app.client.request(method.clone(), app.at(path)).header("token", &alice.token);
        let answer = request.json(&body).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{path}");
        assert_open_to_pages(&answer, path);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error_code"].as_u64(), code, "{path}: {body}");
        if code == Some(999) {
            assert_eq!((500, body), refused(500, 999, "sorry，we make a mistake. (^o^)Y", path));
        }
    }
    let answer = app.client.get(app.at("/api/v1/user/info")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_open_to_pages(&answer, "nobody");
}

/// `{"code":"sandbox:oAlice"}`, compressed.
const GZIP: &str = "1f8b08000000000002ffab564ace4f4955b2522a4ecc4b49caafb0ca77ccc94c4e55aa0500e33149e419000000";

#[actix_web::test]
async fn compressed_bodies_are_not_unpacked() {
    let app = spawn_app(&[]).await;
    let packed = hex::decode(GZIP).unwrap();
    let post = |path| app.client.post(app.at(path)).header("content-encoding", "gzip").body(packed.clone());
    let (status, body) = told(post("/api/v1/token/user").send().await.unwrap()).await;
    assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{body}");
    let answer: Value = post("/api/reg").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"], json!(-1002), "{answer}");
    // The red twin: unpacked it would be good.
    let plain = app.client.post(app.at("/api/v1/token/user")).body(r#"{"code":"sandbox:oAlice"}"#);
    assert_eq!(plain.send().await.unwrap().status(), 200);
}
