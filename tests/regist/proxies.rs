//! Host and port that callers sign, behind proxies and without.

use super::client::{Call, JSON, members};
use crate::support::{TestApp, spawn_app};

fn call(app: &TestApp, host: &str, port: u16) -> Call {
    let mut call = Call::new(app, JSON, members("runner", "13900000001", "123456"));
    call.host = (host.to_owned(), port);
    call
}

#[actix_web::test]
async fn forwarded_headers_count_only_from_a_trusted_proxy() {
    let trusting = spawn_app(&[("server.trusted_proxies", "127.0.0.0/8")]).await;
    let strict = spawn_app(&[]).await;
    let forwarded = |app: &TestApp| {
        call(app, "race.example", 443).header("x-forwarded-host", "Race.example").header("x-forwarded-proto", "https")
    };
    assert_eq!(forwarded(&trusting).send(&trusting).await.errcode(), 2);
    let told = forwarded(&strict).send(&strict).await;
    assert_eq!((told.status, told.challenge.as_deref()), (401, Some("Hawk error=\"Bad mac\"")));
    let port = call(&trusting, "race.example", 8443).header("x-forwarded-host", "race.example:8443");
    assert_eq!(port.send(&trusting).await.errcode(), 2);
    let port = call(&trusting, "127.0.0.1", 8443).header("x-forwarded-port", "8443");
    assert_eq!(port.send(&trusting).await.errcode(), 2);
    let own = Call::new(&trusting, JSON, members("runner", "13900000001", "123456"));
    assert_eq!(own.send(&trusting).await.errcode(), 2, "without headers it is the request's own");
    let bad = own.clone().header("x-forwarded-port", "no port").send(&trusting).await;
    assert_eq!((bad.status, bad.text()), (400, r#"{"Message":"Invalid Host header"}"#));
}

#[actix_web::test]
async fn settings_count_before_everything() {
    let app = spawn_app(&[("regist.public_host", "Race.example"), ("regist.public_port", "8443")]).await;
    let lied = call(&app, "race.example", 8443).header("x-forwarded-host", "other.example");
    assert_eq!(lied.send(&app).await.errcode(), 2);
    let own = Call::new(&app, JSON, members("runner", "13900000001", "123456")).send(&app).await;
    assert_eq!(own.challenge.as_deref(), Some("Hawk error=\"Bad mac\""));
    let app = spawn_app(&[("regist.public_host", "race.example")]).await;
    assert_eq!(call(&app, "race.example", 80).send(&app).await.errcode(), 2);
}
