use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{envelope, post};
use crate::support::fixtures::{person, row};
use crate::support::provider::{Asked, Provider};
use crate::support::{TestApp, spawn_app};
use matchday::args;

const CODE: &str = "/api/v1/identify/code";
const PHONE: &str = "13800000001";

async fn ask(app: &TestApp, openid: &str) -> (u16, Value) {
    let caller = person(app, openid).await;
    post(app, &caller, CODE, json!({"phone": PHONE})).await
}

fn aliyun(url: &str) -> [(&'static str, &str); 6] {
    [
        ("sms.provider", "aliyun"),
        ("sms.base_url", url),
        ("sms.key_id", "testid"),
        ("sms.key_secret", "testsecret"),
        ("sms.sign_name", "赛日"),
        ("sms.code_template", "SMS_1"),
    ]
}

fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Aliyun's check, written from its documents.
fn signed(asked: &Asked, secret: &str) -> bool {
    let mut parameters = asked.query.clone();
    let signature = parameters.remove("Signature").unwrap();
    let pairs: Vec<String> = parameters.iter().map(|(k, v)| format!("{}={}", encoded(k), encoded(v))).collect();
    let text = format!("{}&%2F&{}", asked.method, encoded(&pairs.join("&")));
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(format!("{secret}&").as_bytes()).unwrap();
    mac.update(text.as_bytes());
    signature == STANDARD.encode(mac.finalize().into_bytes())
}

#[actix_web::test]
async fn aliyun_is_asked_with_a_signature() {
    let provider = Provider::start(r#"{"Code":"OK","Message":"OK","BizId":"1","RequestId":"r"}"#);
    let app = spawn_app(&aliyun(&provider.url)).await;
    assert_eq!(ask(&app, "alice").await, (200, envelope(CODE, "success", 0)));
    let asked = provider.asked();
    assert_eq!(asked.len(), 1);
    assert!(signed(&asked[0], "testsecret") && !signed(&asked[0], "another"));
    let members = ["Action", "Version", "PhoneNumbers", "SignName", "TemplateCode", "AccessKeyId", "SignatureMethod"];
    let sent = members.map(|name| asked[0].query[name].as_str());
    assert_eq!(sent, ["SendSms", "2017-05-25", PHONE, "赛日", "SMS_1", "testid", "HMAC-SHA1"]);
    let parameters: Value = serde_json::from_str(&asked[0].query["TemplateParam"]).unwrap();
    assert_eq!((parameters["code"].as_str().unwrap().len(), &parameters["minutes"]), (6, &json!("5")));
    assert_eq!(app.get(&format!("/sandbox/sms/{PHONE}")).await.status(), 404, "real messages are not kept");
    // The code that was sent is the one that binds.
    let alice = person(&app, "alice").await;
    let body = json!({"phone": PHONE, "code": parameters["code"]});
    assert_eq!(post(&app, &alice, "/api/v1/user/bind", body).await.0, 200);
}

#[actix_web::test]
async fn a_refusal_is_told_and_a_code_may_be_asked_for_again_at_once() {
    let provider = Provider::start(r#"{"Code":"isv.BUSINESS_LIMIT_CONTROL","Message":"limit"}"#);
    let app = spawn_app(&aliyun(&provider.url)).await;
    let failed = (500, envelope(CODE, "发送短信失败", 70000));
    assert_eq!(ask(&app, "alice").await, failed);
    for (status, body) in [(503, "{}"), (200, "no json"), (404, "{}")] {
        provider.answers(status, body);
        assert_eq!(ask(&app, "alice").await, failed, "{status} {body}");
    }
    let sql = "SELECT COUNT(*) AS n FROM outbox";
    assert_eq!(row(&app.context.db, sql, args![]).await.int("n").unwrap(), 0, "it is not tried again");
    provider.answers(200, r#"{"Code":"OK"}"#);
    assert_eq!(ask(&app, "alice").await.0, 200);
    assert_eq!(ask(&app, "alice").await.1["error_code"], 10010);
}

#[actix_web::test]
async fn a_provider_that_cannot_be_reached() {
    let app = spawn_app(&aliyun("http://127.0.0.1:9")).await;
    assert_eq!(ask(&app, "alice").await.1["error_code"], 70000);
}

#[actix_web::test]
async fn yuntongxun_is_asked_with_its_two_signatures() {
    let provider = Provider::start(r#"{"statusCode":"000000","templateSMS":{"smsMessageSid":"1"}}"#);
    let settings = [
        ("sms.provider", "yuntongxun"),
        ("sms.base_url", provider.url.as_str()),
        ("sms.key_id", "sid"),
        ("sms.key_secret", "token"),
        ("sms.app_id", "app"),
        ("sms.code_template", "17"),
    ];
    let app = spawn_app(&settings).await;
    assert_eq!(ask(&app, "alice").await.0, 200);
    let asked = provider.asked();
    let asked = &asked[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/2013-12-26/Accounts/sid/SMS/TemplateSMS"));
    let authorization = String::from_utf8(STANDARD.decode(&asked.headers["authorization"]).unwrap()).unwrap();
    let (sid, time) = authorization.split_once(':').unwrap();
    assert_eq!((sid, time.len()), ("sid", 14));
    let expected = hex::encode_upper(Md5::digest(format!("sidtoken{time}").as_bytes()));
    assert_eq!(asked.query["sig"], expected);
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&body["to"], &body["appId"], &body["templateId"]), (&json!(PHONE), &json!("app"), &json!("17")));
    assert_eq!((body["datas"][0].as_str().unwrap().len(), &body["datas"][1]), (6, &json!("5")));
    provider.answers(200, r#"{"statusCode":"160040","statusMsg":"limit"}"#);
    app.context.db.advance_clock(std::time::Duration::from_secs(61));
    assert_eq!(ask(&app, "alice").await.1["error_code"], 70000);
}
