use reqwest::Method;
use serde_json::json;

use super::told;
use crate::support::spawn_app;

#[actix_web::test]
async fn unknown_routes_and_methods_leave_in_the_envelope() {
    let app = spawn_app(&[]).await;
    let msg = "global:your required resource are not found";
    for path in ["/api/v1/nothing?a=1", "/api/v1/", "/api/v1", "/api/v1/token/user"] {
        let expected = json!({"msg": msg, "error_code": 10001, "request_url": path});
        assert_eq!(told(app.get(path).await).await, (404, expected));
    }
}

#[actix_web::test]
async fn options_is_an_empty_200_before_routing() {
    let app = spawn_app(&[]).await;
    for path in ["/api/v1/token/user", "/api/v1/nothing"] {
        let answer = app.client.request(Method::OPTIONS, app.at(path)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let headers = answer.headers();
        assert_eq!(headers["access-control-allow-origin"], "*");
        assert_eq!(headers["access-control-allow-headers"], "token,Origin,X-Requested-With,Content-Type,Accept");
        assert_eq!(headers["access-control-allow-methods"], "POST,GET");
        assert_eq!(answer.text().await.unwrap(), "");
    }
}

#[actix_web::test]
async fn unreadable_and_oversized_bodies_leave_in_the_envelope() {
    let app = spawn_app(&[]).await;
    for body in ["{".to_owned(), "[1]".to_owned(), "{\"uid\":1}".to_owned(), "x".repeat(1024 * 1024 + 1)] {
        let answer = app.client.post(app.at("/api/v1/token/user")).body(body).send().await.unwrap();
        let (status, body) = told(answer).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{body}");
        assert_eq!(body["request_url"], "/api/v1/token/user");
    }
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
    let answer: serde_json::Value = post("/api/reg").send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["result"], json!(-1002), "{answer}");
    // The red twin: unpacked it would be good.
    let plain = app.client.post(app.at("/api/v1/token/user")).body(r#"{"code":"sandbox:oAlice"}"#);
    assert_eq!(plain.send().await.unwrap().status(), 200);
}
