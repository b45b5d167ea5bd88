use matchday::args;
use serde_json::json;

use super::told;
use crate::support::fixtures::{bind_phone, execute, person};
use crate::support::spawn_app;

#[actix_web::test]
async fn a_new_account_has_every_field() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let times = "UPDATE accounts SET register_time = 1700000000000, last_login_time = 1700000001000 WHERE id = $1";
    execute(&app.context.db, times, args![alice.account.0]).await;
    let request = app.client.get(app.at("/api/v1/user/info?_=17")).header("token", &alice.token);
    let (status, body) = told(request.send().await.unwrap()).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "city": "",
      "country": "",
      "head_img": "",
      "is_member": false,
      "last_login_time": "2023-11-15 06:13:21",
      "member_expire_time": "",
      "member_status": 0,
      "mobile": "",
      "province": "",
      "register_time": "2023-11-15 06:13:20",
      "sex": "保密",
      "username": "alice"
    }
    "#);
}

#[actix_web::test]
async fn a_member_with_a_picture_of_ours() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13800000009").await;
    let now = app.context.db.now_ms();
    let sql = "UPDATE accounts SET head_img = '/uploads/a.jpg', sex = 2, member_status = 1,
               member_expire_time = $2 WHERE id = $1";
    let ask = || async {
        let request = app.client.get(app.at("/api/v1/user/info")).header("token", &alice.token);
        told(request.send().await.unwrap()).await.1
    };
    execute(&app.context.db, sql, args![alice.account.0, now + 60_000]).await;
    let body = ask().await;
    assert_eq!(body["head_img"], format!("{}/uploads/a.jpg", app.url));
    assert_eq!((&body["sex"], &body["mobile"]), (&json!("女"), &json!("13800000009")));
    assert_eq!((&body["is_member"], &body["member_status"]), (&json!(true), &json!(1)));
    execute(&app.context.db, sql, args![alice.account.0, now - 1]).await;
    let body = ask().await;
    assert_eq!((&body["is_member"], &body["member_status"]), (&json!(false), &json!(3)));
}

#[actix_web::test]
async fn a_nickname_that_hides_something_is_shown_without_it() {
    let app = spawn_app(&[]).await;
    for (openid, nickname, shown) in [
        ("turned", "跑\u{202e}者\u{202c}", "跑者"),
        ("invisible", "\u{3164}\u{200b}", "微信用户"),
        ("family", "\u{1f468}\u{200d}\u{1f469} 跑者", "\u{1f468}\u{200d}\u{1f469} 跑者"),
    ] {
        let person = person(&app, &format!("{openid}:{nickname}")).await;
        let request = app.client.get(app.at("/api/v1/user/info")).header("token", &person.token);
        assert_eq!(told(request.send().await.unwrap()).await.1["username"], shown, "{openid}");
    }
    let person = person(&app, "alice").await;
    for (name, code) in
        [("跑\u{202e}者跑者", 99999), ("\u{3164}\u{3164}\u{3164}\u{3164}", 99999), ("می\u{200c}خواهم", 0)]
    {
        let body = json!({"username": name});
        let request = app.client.post(app.at("/api/v1/user/save")).header("token", &person.token).json(&body);
        let answer = told(request.send().await.unwrap()).await.1;
        assert_eq!(answer["error_code"], code, "{name:?}: {answer}");
    }
}
