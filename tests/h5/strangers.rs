//! Every content item is closed to who is not signed in, and says so before it looks at the body.

use reqwest::Method;
use serde_json::json;

use super::{refused, told};
use crate::support::fixtures::person;
use crate::support::spawn_app;

const ITEMS: [(&str, &str); 18] = [
    ("GET", "member/info"),
    ("GET", "competition/by_member"),
    ("GET", "business/joinus"),
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
    ("GET", "competitionvideo/1"),
    ("GET", "team/by_user"),
    ("GET", "team/1/competitions"),
    ("POST", "competition/play"),
    ("POST", "config/value"),
];

#[actix_web::test]
async fn no_token_a_strangers_and_a_stale_one() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let ask = async |method: &str, path: &str, token: Option<&str>| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = app.client.request(method, app.at(path)).body("{");
        let request = match token {
            Some(token) => request.header("Token", token),
            None => request,
        };
        told(request.send().await.unwrap()).await
    };
    for (method, item) in ITEMS {
        let path = format!("/api/v1/{item}");
        let closed = refused(401, 10003, "Token已过期或无效Token", &path);
        for token in [None, Some(""), Some("633e83d9303e40cbff6ea81d468379dd"), Some("x")] {
            assert_eq!(ask(method, &path, token).await, closed, "{method} {item} {token:?}");
        }
        let other = if method == "GET" { "POST" } else { "GET" };
        // With GET the last part of some paths is an id, and none that could be one.
        let names_an_id = ["competition/", "banner/"]
            .iter()
            .filter_map(|list| item.strip_prefix(list))
            .any(|rest| method == "POST" && !rest.contains('/'));
        let unknown = match names_an_id {
            true => refused(400, 99999, "参数错误：id 必须是正整数", &path),
            false => refused(404, 10001, "global:your required resource are not found", &path),
        };
        assert_eq!(ask(other, &path, Some(&alice.token)).await, unknown, "{other} {item}");
        if method == "POST" {
            let (status, body) = ask(method, &path, Some(&alice.token)).await;
            assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "a body that cannot be read: {item}");
        }
    }
    app.context.db.advance_clock(std::time::Duration::from_secs(7201));
    for (method, item) in ITEMS {
        let path = format!("/api/v1/{item}");
        assert_eq!(ask(method, &path, Some(&alice.token)).await.0, 401, "{method} {item}");
    }
}
