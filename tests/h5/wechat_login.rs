//! Sign-in through WeChat itself, played by our gateway.

use matchday::args;
use serde_json::{Value, json};

use super::told;
use crate::support::fixtures::row;
use crate::support::gateway::open_api::APP_SECRET;
use crate::support::gateway::{APP_ID, Gateway, Play, Version, start};
use crate::support::{TestApp, spawn_app};

pub(super) fn settings(gateway: &Gateway) -> [(&'static str, &str); 4] {
    [
        ("wechat.provider", "real"),
        ("wechat.base_url", gateway.url.as_str()),
        ("wechat.app_id", APP_ID),
        ("wechat.app_secret", APP_SECRET),
    ]
}

pub(super) async fn sign_in(app: &TestApp, code: &str) -> (u16, Value) {
    let request = app.client.post(app.at("/api/v1/token/user")).json(&json!({"code": code}));
    told(request.send().await.unwrap()).await
}

#[actix_web::test]
async fn a_code_signs_in_once_and_the_profile_is_asked_for_the_first_time_only() {
    let (gateway, _stop) = start(Version::V2);
    let app = spawn_app(&settings(&gateway)).await;
    assert_eq!(sign_in(&app, "code:oAlice").await.0, 200);
    let it =
        row(&app.context.db, "SELECT username, sex, city, head_img FROM accounts WHERE openid = 'oAlice'", args![])
            .await;
    let text = |name| it.text(name).unwrap();
    assert_eq!((text("username"), it.int("sex").unwrap(), text("city")), ("老王".to_owned(), 1, "深圳".to_owned()));
    assert_eq!(text("head_img"), "https://thirdwx.qlogo.cn/a/132");
    let refused = |text: &str| {
        let msg = format!("微信服务器异常：{text}");
        (500, json!({"msg": msg, "error_code": 50000, "request_url": "/api/v1/token/user"}))
    };
    assert_eq!(sign_in(&app, "code:oAlice").await, refused("code been used"));
    assert_eq!(sign_in(&app, "nonsense").await, refused("invalid code"));
    // Another code of the same person.
    gateway.state().forget_codes();
    assert_eq!(sign_in(&app, "code:oAlice").await.0, 200);
    assert_eq!((gateway.calls("/sns/userinfo"), gateway.forged()), (1, 0));
}

#[actix_web::test]
async fn a_code_is_not_sent_twice_and_faults_sign_nobody_in() {
    let (gateway, _stop) = start(Version::V2);
    let app = spawn_app(&settings(&gateway)).await;
    for play in [Play::AnswerLost, Play::Fault, Play::Garbage] {
        gateway.play("/sns/oauth2", play, 1);
        let before = gateway.calls("/sns/oauth2");
        assert_eq!(sign_in(&app, "code:oBob").await.0, 500, "{play:?}");
        assert_eq!(gateway.calls("/sns/oauth2"), before + 1, "{play:?}");
        gateway.state().forget_codes();
    }
    let count = row(&app.context.db, "SELECT COUNT(*) AS n FROM accounts WHERE openid = 'oBob'", args![]).await;
    assert_eq!(count.int("n").unwrap(), 0);
    assert_eq!(sign_in(&app, "code:oBob").await.0, 200);
}
