//! Each check of HAWK alone, in its order, and what the server signs.

use std::time::Duration;

use actix_http::BoxedPayloadStream;
use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{App, test};
use actors::domain::caller_address::CallerAddress;
use actors::error::DomainError;
use matchday::args;
use matchday::service::hawk::{self, Standing};

use super::client::{AGENT, Call, JSON, OFFICIAL, PATH, Told, mac, members};
use crate::support::fixtures::{execute, row};
use crate::support::{PATIENCE, TestApp, spawn_app, spawn_app_in};

const DENIED: &str = r#"{"Message":"Authorization has been denied for this request."}"#;

fn right(app: &TestApp) -> Call {
    Call::new(app, JSON, members("runner01", "13900000001", "123456"))
}

fn challenge(told: &Told) -> &str {
    assert_eq!((told.status, told.text()), (401, DENIED));
    told.challenge.as_deref().unwrap()
}

async fn nonces(app: &TestApp) -> i64 {
    row(&app.context.db, "SELECT COUNT(*) AS n FROM hawk_nonces", args![]).await.int("n").unwrap()
}

#[actix_web::test]
async fn a_right_call_gets_to_the_use_case() {
    let app = spawn_app(&[]).await;
    assert_eq!(right(&app).send(&app).await.errcode(), 2, "no code was sent");
    let with_ext = Call { ext: Some("some ext"), ..right(&app) };
    assert_eq!(with_ext.send(&app).await.errcode(), 2);
    let mut escaped = right(&app);
    escaped.path = format!("{PATH}?a=%2F&b=1;c=%E8%B7%91&b=2");
    assert_eq!(escaped.send(&app).await.errcode(), 2, "the query is signed as it was sent");
    for path in ["/API/webinterface/PERSONAL/regist", "/api/webinterface/personal/regist/"] {
        let call = Call { path: path.to_owned(), ..right(&app) };
        assert_eq!(call.send(&app).await.errcode(), 2, "{path}");
    }
}

#[actix_web::test]
async fn without_a_header_the_scheme_is_named() {
    let app = spawn_app(&[]).await;
    for header in [None, Some("Basic dXNlcjpwYXNz".to_owned()), Some("Bearer x".to_owned())] {
        let told = Call { authorization: Some(header), ..right(&app) }.send(&app).await;
        assert_eq!((challenge(&told), told.signed), ("Hawk", None));
    }
}

#[actix_web::test]
async fn a_header_that_cannot_be_read_is_400() {
    let app = spawn_app(&[]).await;
    let call = right(&app);
    let header = call.authorization();
    for (header, message) in [
        ("Hawk".to_owned(), "Invalid header syntax"),
        (header.replace("nonce=", "x="), "Unknown attribute"),
        (format!("{header}, ts=\"1\""), "Duplicate attribute"),
        (header.replace("nonce=\"", "nonce=\"\\"), "Bad attribute value"),
        (header.replace("nonce=\"", "x=\"1\" nonce=\""), "Bad header format"),
        (header.replace("mac=", "ext="), "Missing attributes"),
        (format!("{header}, ext=\"{}\"", "x".repeat(4096)), "Header length too long"),
    ] {
        let told = Call { authorization: Some(Some(header.clone())), ..call.clone() }.send(&app).await;
        let expected = format!("{{\"Message\":\"{message}\"}}");
        assert_eq!((told.status, told.text(), told.signed), (400, expected.as_str(), None), "{header}");
    }
    let two = call.clone().header("authorization", &header).send(&app).await;
    assert_eq!((two.status, two.text()), (400, r#"{"Message":"Invalid header syntax"}"#));
    assert_eq!(nonces(&app).await, 0);
}

#[actix_web::test]
async fn strangers_and_forgers_are_refused_before_anything_is_kept() {
    let app = spawn_app(&[]).await;
    execute(&app.context.db, "UPDATE hawk_credentials SET status = 0 WHERE hawk_id = $1", args![AGENT.0]).await;
    for credential in [("nobody", OFFICIAL.1), AGENT] {
        let told = right(&app).by(credential).send(&app).await;
        assert_eq!((challenge(&told), told.signed), ("Hawk error=\"Unknown credentials\"", None));
    }
    let sent = right(&app);
    let signed_for = |change: fn(&mut Call)| {
        let mut other = sent.clone();
        change(&mut other);
        Call { authorization: Some(Some(other.authorization())), ..sent.clone() }
    };
    for (what, call) in [
        ("key", right(&app).by((OFFICIAL.0, "another key"))),
        ("method", signed_for(|call| call.method = "PUT")),
        ("path", signed_for(|call| call.path.push('/'))),
        ("case of the path", signed_for(|call| call.path.make_ascii_lowercase())),
        ("query", signed_for(|call| call.path.push_str("?a=1"))),
        ("host", signed_for(|call| call.host.0 = "other.example".to_owned())),
        ("port", signed_for(|call| call.host.1 = 80)),
    ] {
        let told = call.send(&app).await;
        assert_eq!((challenge(&told), told.signed), ("Hawk error=\"Bad mac\"", None), "{what}");
    }
    let header = sent.authorization();
    for (from, to) in [("ts=\"1", "ts=\"2"), ("nonce=\"", "nonce=\"0"), ("hash=\"", "hash=\"0"), ("mac=\"", "mac=\"0")]
    {
        let changed = Call { authorization: Some(Some(header.replace(from, to))), ..sent.clone() };
        assert_eq!(challenge(&changed.send(&app).await), "Hawk error=\"Bad mac\"", "{to}");
    }
    let added = Call { authorization: Some(Some(format!("{header}, ext=\"x\""))), ..sent.clone() };
    assert_eq!(challenge(&added.send(&app).await), "Hawk error=\"Bad mac\"");
    assert_eq!(nonces(&app).await, 0);
    assert_eq!(sent.send(&app).await.errcode(), 2, "the call itself was right");
}

#[actix_web::test]
async fn the_body_is_signed() {
    let app = spawn_app(&[]).await;
    let without = Call { hashed: None, ..right(&app) };
    let told = without.send(&app).await;
    assert_eq!((challenge(&told), told.signed), ("Hawk error=\"Missing required payload hash\"", Some(true)));
    let mut changed = right(&app);
    changed.body.push(b' ');
    let told = changed.send(&app).await;
    assert_eq!((challenge(&told), told.signed), ("Hawk error=\"Bad payload hash\"", Some(true)));
    let call = right(&app);
    let header = call.authorization();
    let other_type = Call { content_type: Some("text/json".to_owned()), authorization: Some(Some(header)), ..call };
    assert_eq!(challenge(&other_type.send(&app).await), "Hawk error=\"Bad payload hash\"");
    let parameters = Call::new(&app, "Application/JSON ; charset=utf-8", members("runner01", "13900000001", "1"));
    assert_eq!(parameters.send(&app).await.errcode(), 2);
    assert_eq!(nonces(&app).await, 1, "only the last nonce was spent");
    let lenient = spawn_app(&[("regist.require_payload_hash", "false")]).await;
    assert_eq!(Call { hashed: None, ..right(&lenient) }.send(&lenient).await.errcode(), 2);
    let mut changed = right(&lenient);
    changed.body.push(b' ');
    assert_eq!(
        challenge(&changed.send(&lenient).await),
        "Hawk error=\"Bad payload hash\"",
        "a hash that is there counts"
    );
}

#[actix_web::test]
async fn a_nonce_works_once() {
    let app = spawn_app(&[]).await;
    let call = right(&app);
    assert_eq!(call.send(&app).await.errcode(), 2);
    let told = call.send(&app).await;
    assert_eq!((challenge(&told), told.signed), ("Hawk error=\"Invalid nonce\"", Some(true)));
    let later = Call { ts: call.ts + 1, ..call.clone() };
    assert_eq!(later.send(&app).await.errcode(), 2, "the same nonce at another time is another one");
    let both = Call { nonce: "another".to_owned(), ..call.clone() };
    let mut statuses: Vec<u16> =
        futures_util::future::join_all((0..8).map(|_| both.send(&app))).await.iter().map(|told| told.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401, 401, 401, 401, 401, 401, 401]);
}

#[actix_web::test]
async fn a_wrong_clock_is_told_the_time() {
    let app = spawn_app(&[]).await;
    let now = app.context.db.now_ms() / 1000;
    for off in [-62, 62, -100_000, 100_000, -now, 900_000_000_000_000 - now] {
        let call = Call { ts: now + off, ..right(&app) };
        let told = call.send(&app).await;
        let text = challenge(&told);
        assert_eq!(told.signed, Some(true), "{off}");
        let (ts, rest) = text.strip_prefix("Hawk ts=\"").unwrap().split_once("\", tsm=\"").unwrap();
        assert!((now..=now + 30).contains(&ts.parse().unwrap()), "{text}");
        let tsm = mac(OFFICIAL.1, &format!("hawk.1.ts\n{ts}\n"));
        assert_eq!(rest, format!("{tsm}\", error=\"Stale timestamp\""));
    }
    for off in [-55, 55] {
        assert_eq!(Call { ts: now + off, ..right(&app) }.send(&app).await.errcode(), 2, "{off}");
    }
}

#[actix_web::test]
async fn a_call_from_the_future_does_not_become_good() {
    let app = spawn_app(&[]).await;
    let call = Call { ts: app.context.db.now_ms() / 1000 + 3_600, ..right(&app) };
    assert!(challenge(&call.send(&app).await).ends_with("error=\"Stale timestamp\""));
    app.context.db.advance_clock(Duration::from_secs(3_600));
    assert_eq!(challenge(&call.send(&app).await), "Hawk error=\"Invalid nonce\"");
}

#[actix_web::test]
async fn nonces_are_swept_when_their_time_is_over() {
    let app = spawn_app(&[]).await;
    let call = right(&app);
    assert_eq!(call.send(&app).await.errcode(), 2);
    app.context.db.advance_clock(Duration::from_secs(110));
    matchday::service::hawk::sweep(&app.context).await.unwrap();
    assert_eq!(nonces(&app).await, 1, "twice the skew");
    assert_eq!(challenge(&call.send(&app).await), "Hawk error=\"Invalid nonce\"");
    app.context.db.advance_clock(Duration::from_secs(20));
    matchday::service::hawk::sweep(&app.context).await.unwrap();
    assert_eq!(nonces(&app).await, 0);
    assert!(challenge(&call.send(&app).await).ends_with("error=\"Stale timestamp\""));
    let text = row(&app.context.db, "SELECT COUNT(*) AS n FROM hawk_nonces WHERE nonce_hash = $1", args![call.nonce]);
    assert_eq!(text.await.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn nonces_of_one_caller_are_bounded() {
    let app = spawn_app(&[]).await;
    let before = nonces(&app).await;
    // A try comes back every few milliseconds; it is taken again while the call is on its way.
    let told = {
        let call = right(&app);
        let use_up = async {
            loop {
                let _ = app.context.limits.hawk_call(OFFICIAL.0).await;
                tokio::task::yield_now().await;
            }
        };
        while app.context.limits.hawk_call(OFFICIAL.0).await.is_ok() {}
        tokio::select! {
            told = call.send(&app) => told,
            () = use_up => unreachable!("it never ends"),
        }
    };
    assert_eq!(nonces(&app).await, before, "nothing was kept");
    assert_eq!((told.status, told.signed), (503, Some(true)));
    let seconds: u32 = told.retry_after.as_deref().unwrap().parse().unwrap();
    assert_eq!(right(&app).by(AGENT).send(&app).await.refusal().0, 403, "others are not slowed down");
    assert!((1..=61).contains(&seconds), "{seconds}");
    app.context.db.advance_clock(Duration::from_secs(seconds.into()));
    assert_eq!(right(&app).send(&app).await.errcode(), 2, "this was worth waiting for");
}

/// Sends one call again and again, from an address; answers how often it was looked at.
async fn replay(app: &TestApp, ts: i64, address: [u8; 4], times: usize) -> usize {
    let credential = hawk::credential(&app.context, OFFICIAL.0).await.unwrap().unwrap();
    let mut looked_at = 0;
    for _ in 0..times {
        let call = hawk::Call {
            credential: &credential,
            ts,
            nonce: "captured",
            address: CallerAddress::known(address.into()),
        };
        match hawk::spend(&app.context, call).await {
            Ok(standing) => {
                assert_ne!(standing, Standing::Fresh);
                looked_at += 1;
            }
            Err(error) => assert!(matches!(error, DomainError::Busy { retry_after_seconds: 1..=61 }), "{error}"),
        }
    }
    looked_at
}

#[actix_web::test]
async fn a_captured_call_takes_nothing_from_its_credential() {
    let app = spawn_app(&[]).await;
    let now = app.context.db.now_ms() / 1000;
    let old = replay(&app, now - 10_000_000, [10, 0, 0, 1], 7_000).await;
    assert!((600..=1_800).contains(&old), "{old} were looked at");
    assert_eq!(replay(&app, now - 10_000_000, [10, 0, 0, 2], 1).await, 1, "another address has its own count");
    assert_eq!(right(&app).send(&app).await.errcode(), 2, "an old one");
    let young = Call { nonce: "captured".to_owned(), ..right(&app) };
    assert_eq!(young.send(&app).await.errcode(), 2);
    // From the address of the caller itself.
    replay(&app, young.ts, [127, 0, 0, 1], 6_100).await;
    assert_eq!(right(&app).send(&app).await.errcode(), 2, "a young one");
}

#[actix_web::test]
async fn an_old_call_does_not_wait_for_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), &[]).await;
    let call = right(&app);
    assert_eq!(call.send(&app).await.errcode(), 2);
    let old = Call { ts: call.ts - 10_000_000, ..right(&app) };
    let (let_go, held) = tokio::sync::oneshot::channel::<()>();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let db = app.context.db.clone();
    let writer = actix_web::rt::spawn(async move {
        db.write(move |_| {
            Box::pin(async move {
                begin.send(()).unwrap();
                held.await.unwrap();
                Ok(())
            })
        })
        .await
    });
    begun.await.unwrap();
    let told = tokio::time::timeout(PATIENCE, old.send(&app)).await.expect("it waits for the writer");
    assert!(challenge(&told).ends_with("error=\"Stale timestamp\""));
    let told = tokio::time::timeout(PATIENCE, call.send(&app)).await.expect("it waits for the writer");
    assert_eq!(challenge(&told), "Hawk error=\"Invalid nonce\"");
    let_go.send(()).unwrap();
    writer.await.unwrap().unwrap();
}

#[actix_web::test]
async fn what_is_not_there_is_told_signed_to_who_is_known() {
    let app = spawn_app(&[]).await;
    let elsewhere = format!("{PATH}/x");
    for (call, status) in [
        (Call { method: "GET", ..right(&app) }, 405),
        (Call { method: "DELETE", ..right(&app) }, 405),
        (Call { path: elsewhere.clone(), ..right(&app) }, 404),
        (Call { path: "/api/WebInterface".to_owned(), ..right(&app) }, 404),
    ] {
        let known = call.send(&app).await;
        assert_eq!((known.status, known.signed), (status, Some(true)), "{}", known.text());
        assert_eq!(known.allow.as_deref(), (status == 405).then_some("POST"));
        for (what, stranger) in [
            ("no header", Call { authorization: Some(None), ..call.clone() }),
            ("no Hawk", Call { authorization: Some(Some("Basic eDp5".to_owned())), ..call.clone() }),
            ("another key", call.clone().by((OFFICIAL.0, "x"))),
        ] {
            let told = stranger.send(&app).await;
            assert_eq!((told.status, told.signed), (status, None), "{what}");
            assert_eq!(told.body, known.body, "{what}");
        }
    }
    assert_eq!(nonces(&app).await, 0);
}

/// Sends a call whose body changes the database before its first byte comes.
async fn send_late(app: &TestApp, call: &Call, sql: &'static str) -> u16 {
    let routes = App::new().app_data(Data::from(app.context.clone())).configure(matchday::api::webapi::routes);
    let service = test::init_service(routes).await;
    let host = format!("{}:{}", call.host.0, call.host.1);
    let request = test::TestRequest::post().uri(&call.path).insert_header(("host", host));
    let request = request.insert_header(("content-type", JSON)).insert_header(("authorization", call.authorization()));
    let (db, bytes) = (app.context.db.clone(), call.body.clone());
    let body = futures_util::stream::once(async move {
        execute(&db, sql, args![]).await;
        Ok(bytes.into())
    });
    let body: BoxedPayloadStream = Box::pin(body);
    let (request, _) = request.to_request().replace_payload(Payload::Stream { payload: body });
    test::call_service(&service, request).await.status().as_u16()
}

#[actix_web::test]
async fn the_header_is_judged_before_the_body_is_read() {
    let app = spawn_app(&[]).await;
    let (on, off) = ("UPDATE hawk_credentials SET status = 1", "UPDATE hawk_credentials SET status = 0");
    assert_eq!(send_late(&app, &right(&app), off).await, 200, "it was known when it came");
    assert_eq!(send_late(&app, &right(&app), on).await, 401, "it was not, and the body was drained");
    assert_eq!(send_late(&app, &right(&app), on).await, 200);
}

#[actix_web::test]
async fn agents_are_known_and_refused() {
    let app = spawn_app(&[]).await;
    let call = right(&app).by(AGENT);
    let text = "This resource is for the official network only; agents are refused.";
    assert_eq!(call.send(&app).await.refusal(), (403, text.to_owned()));
    assert_eq!(challenge(&call.send(&app).await), "Hawk error=\"Invalid nonce\"");
    execute(&app.context.db, "UPDATE hawk_credentials SET class = 'official' WHERE hawk_id = $1", args![AGENT.0]).await;
    assert_eq!(right(&app).by(AGENT).send(&app).await.errcode(), 2, "it is the class that is refused");
}

#[actix_web::test]
async fn faults_of_ours_are_signed_too() {
    let app = spawn_app(&[]).await;
    execute(&app.context.db, "ALTER TABLE agents RENAME TO gone_agents", args![]).await;
    let phone = "13900000009";
    let code = super::client::code(&app, phone).await;
    let call = Call::new(&app, JSON, members("runner09", phone, &code));
    assert_eq!(call.send(&app).await.errcode(), 1);
    let (errmsg, accounts) = (
        Call::new(&app, JSON, members("runner09", phone, &code)).send(&app).await.json()["errmsg"].clone(),
        row(&app.context.db, "SELECT COUNT(*) AS n FROM accounts WHERE login_name IS NOT NULL", args![]).await,
    );
    assert_eq!((errmsg.as_str(), accounts.int("n").unwrap()), (Some("系统繁忙，请稍后再试"), 0));
    assert_eq!(challenge(&call.send(&app).await), "Hawk error=\"Invalid nonce\"", "what failed is not taken again");
    execute(&app.context.db, "ALTER TABLE hawk_nonces RENAME TO gone_nonces", args![]).await;
    assert_eq!(right(&app).send(&app).await.refusal(), (500, "An error has occurred.".to_owned()));
    execute(&app.context.db, "UPDATE hawk_credentials SET hawk_key_sealed = 'x'", args![]).await;
    let told = right(&app).send(&app).await;
    assert_eq!((told.status, told.text(), told.signed), (500, r#"{"Message":"An error has occurred."}"#, None));
}
