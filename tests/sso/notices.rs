//! Other applications are told of a registration: signed, again when they do not take it, for a day.

use std::time::Duration;

use matchday::args;
use matchday::service::{accounts, outbox, refunds};
use serde_json::{Value, json};

use super::admin::create;
use super::client::{Keys, demo, now, person, reg, with};
use super::on_both;
use crate::support::fixtures::{self, execute, game, notice_fields, race_order, row, sealed, send_notice};
use crate::support::provider::{Asked, Provider};
use crate::support::{TestApp, eventually, spawn_app};

const SUCCESS: &str = r#"{"msg":"success"}"#;

/// The notices that are `state`.
async fn count(app: &TestApp, state: i64) -> i64 {
    let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'sso_notice' AND state = $1";
    row(&app.context.db, sql, args![state]).await.int("n").unwrap()
}

async fn told(app: &TestApp) {
    eventually("every notice is told", async || count(app, 0).await == 0).await;
}

async fn listening(app: &TestApp, url: &str) -> Keys {
    create(app, json!({"name": "listener", "notify_url": url})).await
}

/// The text in a notice, its sign and its keys checked.
fn opened(keys: &Keys, asked: &Asked) -> String {
    let form: Value = serde_urlencoded::from_str::<Vec<(String, String)>>(&asked.body).unwrap().into_iter().collect();
    assert_eq!((&form["app_id"], &form["app_key"]), (&json!(keys.id.to_string()), &json!(keys.key)));
    keys.open(&form)
}

async fn register(app: &TestApp, name: &str) -> i64 {
    let answer = reg(app, &demo(), with(person(name), "user_mail", format!("{name}@example.org"))).await;
    let inside: Value = serde_json::from_str(&demo().open(&answer)).unwrap();
    inside["user_id"].as_str().unwrap().parse().unwrap()
}

#[actix_web::test]
async fn every_listening_application_is_told_under_its_own_keys() {
    on_both(&[], async |app| {
        let (one, other) = (Provider::start(SUCCESS), Provider::start(SUCCESS));
        let first = listening(&app, &format!("{}/hook", one.url)).await;
        let body = json!({"name": "other", "notify_url": format!("{}/n.php?x=1", other.url),
                          "notify_params": {"from": "matchday", "a b": "ü&"}});
        let second = create(&app, body).await;
        let quiet = create(&app, json!({"name": "quiet"})).await;
        let off = Provider::start(SUCCESS);
        let disabled = listening(&app, &off.url).await;
        execute(&app.context.db, "UPDATE sso_apps SET status = 0 WHERE id = $1", args![disabled.id]).await;
        let before = now(&app);
        let id = register(&app, "Told").await;
        told(&app).await;
        assert_eq!((count(&app, 1).await, off.asked().len()), (2, 0), "not {quiet:?}");
        for (provider, keys, path) in [(&one, &first, "/hook"), (&other, &second, "/n.php")] {
            let asked = provider.asked();
            let [asked] = &asked[..] else { panic!("told once: {asked:?}") };
            assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", path));
            assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
            let mut query: Vec<String> = asked.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
            query.retain(|pair| pair != "x=1");
            assert_eq!(query, ["a=reg", "c=notify", "m=sso"]);
            let inside = opened(keys, asked);
            let at: Value = serde_json::from_str(&inside).unwrap();
            let at: i64 = at["timestamp"].as_str().unwrap().parse().unwrap();
            assert!((before..=now(&app)).contains(&at));
            assert_eq!(
                inside,
                format!(
                    r#"{{"user_id":"{id}","user_name":"Told","user_mail":"Told@example.org","user_status":"enable","timestamp":"{at}"}}"#
                )
            );
        }
        let form: Vec<(String, String)> = serde_urlencoded::from_str(&other.asked()[0].body).unwrap();
        for more in [("from", "matchday"), ("a b", "ü&")] {
            assert!(form.iter().any(|(name, value)| (name.as_str(), value.as_str()) == more));
        }
    })
    .await;
}

#[actix_web::test]
async fn what_is_not_taken_is_told_again_and_administrators_see_why() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let listener = Provider::start("no JSON");
    let keys = listening(&app, &listener.url).await;
    let id = register(&app, "Again").await;
    for (status, body, reason) in [
        (200, "no JSON", "the application's answer is not JSON with a msg"),
        (200, r#"{"msg":"failed"}"#, "the application's msg is not success"),
        (302, SUCCESS, "the application answers HTTP 302"),
        (404, SUCCESS, "the application answers HTTP 404"),
        (500, SUCCESS, "the application does not answer, or with a fault of its own"),
    ] {
        listener.answers(status, body);
        app.context.db.advance_clock(Duration::from_secs(3_600));
        let listed = "/admin/api/v1/outbox";
        eventually(reason, async || app.get_as(listed, &owner).await["data"][0]["last_error"] == reason).await;
        let shown = app.get_as(listed, &owner).await["data"][0].clone();
        assert_eq!((&shown["kind"], &shown["state"]), (&json!("sso_notice"), &json!("put off")));
        assert_eq!(shown["work_key"], format!("sso_notice:{}:{id}", keys.id));
        assert!(!shown.to_string().contains("gain"), "of no person: {shown}");
    }
    listener.answers(200, SUCCESS);
    app.context.db.advance_clock(Duration::from_secs(3_600));
    told(&app).await;
    assert_eq!(count(&app, 1).await, 1);
    let last = listener.asked().pop().unwrap();
    assert!(opened(&keys, &last).contains(r#""user_name":"Again""#));
}

#[actix_web::test]
async fn after_a_day_a_notice_is_given_up_until_somebody_says_otherwise() {
    let app = spawn_app(&[]).await;
    let listener = Provider::start(r#"{"msg":"failed"}"#);
    listening(&app, &listener.url).await;
    register(&app, "Given").await;
    let start = app.context.db.now_ms();
    let mut last_try = start;
    eventually("it is given up", async || {
        let tries = listener.asked().len();
        outbox::step(&app.context).await.unwrap();
        if listener.asked().len() > tries {
            last_try = app.context.db.now_ms();
        }
        app.context.db.advance_clock(Duration::from_secs(600));
        count(&app, 2).await == 1
    })
    .await;
    let hours = (last_try - start) / 3_600_000;
    assert!((22..=24).contains(&hours), "tried for {hours} hours");
    let tries = listener.asked().len();
    assert!((25..=40).contains(&tries), "{tries} tries");
    app.context.db.advance_clock(Duration::from_secs(7_200));
    outbox::step(&app.context).await.unwrap();
    assert_eq!(listener.asked().len(), tries, "nobody is told any more");

    listener.answers(200, SUCCESS);
    // The first session is over by now.
    let owner = app.admin_token().await;
    let shown = app.get_as("/admin/api/v1/outbox", &owner).await["data"][0].clone();
    assert_eq!(shown["state"], "given up");
    let retry = app.at(&format!("/admin/api/v1/outbox/{}/retry", shown["id"]));
    assert_eq!(app.client.post(retry).bearer_auth(&owner).send().await.unwrap().status(), 200);
    eventually("it is told at last", async || count(&app, 1).await == 1).await;
}

#[actix_web::test]
async fn an_application_that_is_away_holds_up_nobody() {
    let app = spawn_app(&[]).await;
    // A port that was free a moment ago.
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    listening(&app, &format!("http://{gone}/")).await;
    let listener = Provider::start(SUCCESS);
    listening(&app, &listener.url).await;
    for name in ["a1", "a2", "a3", "a4", "a5", "a6", "a7"] {
        register(&app, name).await;
    }
    eventually("the other one is told of all", async || listener.asked().len() == 7).await;
    eventually("and not again", async || count(&app, 1).await == 7).await;
}

#[actix_web::test]
async fn nobody_is_told_of_the_erased_and_the_disabled_hear_nothing() {
    let app = spawn_app(&[]).await;
    let listener = Provider::start(r#"{"msg":"failed"}"#);
    let keys = listening(&app, &listener.url).await;
    let erased = register(&app, "Erased").await;
    eventually("it was tried", async || !listener.asked().is_empty()).await;
    let path = app.at(&format!("/admin/api/v1/accounts/{erased}/erase"));
    let owner = app.admin_token().await;
    assert_eq!(app.client.post(path).bearer_auth(&owner).send().await.unwrap().status(), 200);
    listener.answers(200, SUCCESS);
    let tries = listener.asked().len();
    app.context.db.advance_clock(Duration::from_secs(3_600));
    told(&app).await;
    assert_eq!(listener.asked().len(), tries);

    listener.answers(200, r#"{"msg":"failed"}"#);
    register(&app, "Unheard").await;
    eventually("it was tried", async || listener.asked().len() > tries).await;
    let path = app.at(&format!("/admin/api/v1/sso-apps/{}", keys.id));
    assert_eq!(app.client.delete(path).bearer_auth(&owner).send().await.unwrap().status(), 200);
    let tries = listener.asked().len();
    app.context.db.advance_clock(Duration::from_secs(3_600));
    told(&app).await;
    assert_eq!(listener.asked().len(), tries);
}

/// Takes connections and never says a word.
fn silent_address() -> (String, std::net::TcpListener) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}

#[actix_web::test]
async fn applications_that_say_nothing_keep_no_refund_waiting() {
    let app = spawn_app(&[]).await;
    let (url, _listener) = silent_address();
    // Each has a circuit of its own, and each notice takes as long as it may: far longer than a refund is waited for here.
    for number in 0..40 {
        create(&app, json!({"name": format!("silent {number}"), "notify_url": url})).await;
    }
    register(&app, "Unheard").await;
    assert_eq!(count(&app, 0).await, 40);
    let alice = fixtures::person(&app, "alice").await;
    let game = game(&app.context.db, 1).await;
    let order = race_order(&app.context.db, &alice, game, &["a"]).await;
    send_notice(&app, sealed(&app, notice_fields(&app, &order.order_no, "t1", order.total).await)).await;
    let account = accounts::authenticate(&app.context, &alice.token).await.unwrap();
    refunds::ask(&app.context, &account, &order.order_no).await.unwrap();
    eventually("the refund", async || {
        row(&app.context.db, "SELECT status FROM orders WHERE id = $1", args![order.id]).await.int("status").unwrap()
            == 4
    })
    .await;
    assert_eq!(count(&app, 0).await, 40, "while nobody took a notice");
}
