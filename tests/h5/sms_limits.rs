//! What bounds the codes that are sent, and how long a code is good.

use std::time::Duration;

use actors::domain::caller_address::CallerAddress;
use actors::error::{DomainError, Result};
use matchday::service::known_addresses::{self, Subject};
use matchday::service::phones::{self, Asker};
use matchday::service::sms_budget::Budget;
use serde_json::{Value, json};

use super::{envelope, post, told};
use crate::support::fixtures::{Person, bind_phone, person};
use crate::support::{TestApp, spawn_app};

const BIND: &str = "/api/v1/user/bind";
const PHONE: &str = "13800000001";

async fn send(app: &TestApp, from: &str, phone: &str) -> Result<()> {
    let address = CallerAddress::known(from.parse().unwrap());
    phones::send_code(&app.context, address, phone, Asker::Stranger).await
}

async fn send_as(app: &TestApp, caller: &Person, phone: &str) -> Result<()> {
    let address = CallerAddress::known("203.0.113.1".parse().unwrap());
    phones::send_code(&app.context, address, phone, Asker::SignedIn(caller.account)).await
}

fn minute_passes(app: &TestApp) {
    app.context.db.advance_clock(Duration::from_secs(61));
}

/// Has a code sent and reads it in the sandbox.
async fn code(app: &TestApp, phone: &str) -> String {
    send(app, "203.0.113.2", phone).await.unwrap();
    let shown: Value = app.get(&format!("/sandbox/sms/{phone}")).await.json().await.unwrap();
    shown["code"].as_str().unwrap().to_owned()
}

async fn bind(app: &TestApp, caller: &Person, code: &str) -> (u16, i64) {
    let (status, body) = post(app, caller, BIND, json!({"phone": PHONE, "code": code})).await;
    (status, body["error_code"].as_i64().unwrap())
}

const FINE: (u16, i64) = (200, 0);
const WRONG: (u16, i64) = (400, 10007);
const NONE: (u16, i64) = (400, 10009);

/// No code of these.
fn wrong(codes: &[&str]) -> String {
    (0..).map(|number| format!("{number:06}")).find(|code| !codes.contains(&code.as_str())).unwrap()
}

#[actix_web::test]
async fn the_code_before_the_last_is_good_until_its_own_end() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let first = code(&app, PHONE).await;
    minute_passes(&app);
    // A stranger has another one sent.
    let second = code(&app, PHONE).await;
    assert_eq!(bind(&app, &alice, &first).await, FINE, "the owner still gets in with the first");
    assert_eq!(bind(&app, &alice, &second).await, NONE, "one use ends both");

    minute_passes(&app);
    let first = code(&app, PHONE).await;
    minute_passes(&app);
    let second = code(&app, PHONE).await;
    app.context.db.advance_clock(Duration::from_secs(240));
    if first != second {
        assert_eq!(bind(&app, &alice, &first).await, WRONG, "its five minutes are over");
    }
    assert_eq!(bind(&app, &alice, &second).await, FINE);
}

#[actix_web::test]
async fn two_codes_at_most_are_good_and_share_five_tries() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let mut sent = Vec::new();
    for _ in 0..3 {
        sent.push(code(&app, PHONE).await);
        minute_passes(&app);
    }
    let [first, second, third] = [&*sent[0], &*sent[1], &*sent[2]];
    if first != second && first != third {
        assert_eq!(bind(&app, &alice, first).await, WRONG, "the third pushed it out");
    }
    let wrong = wrong(&[first, second, third]);
    for _ in 0..5 {
        bind(&app, &alice, &wrong).await;
    }
    for code in [second, third] {
        assert_eq!(bind(&app, &alice, code).await, NONE, "five tries for both together");
    }
    // A code that is out of tries does not come back with the next one.
    minute_passes(&app);
    let fourth = code(&app, PHONE).await;
    if third != fourth {
        assert_eq!(bind(&app, &alice, third).await, WRONG);
    }
    assert_eq!(bind(&app, &alice, &fourth).await, FINE);
}

#[actix_web::test]
async fn strangers_have_three_of_a_phones_codes() {
    let app = spawn_app(&[("limits.enabled", "true")]).await;
    let alice = person(&app, "alice").await;
    for stranger in 1..=3 {
        assert_eq!(send(&app, &format!("198.51.100.{stranger}"), PHONE).await, Ok(()));
        minute_passes(&app);
    }
    let refused = send(&app, "198.51.100.4", PHONE).await;
    assert!(matches!(refused, Err(DomainError::RateLimited { .. })), "{refused:?}");
    let bob = person(&app, "bob").await;
    for caller in [&alice, &bob, &alice] {
        assert_eq!(send_as(&app, caller, PHONE).await, Ok(()), "as many are for signed-in callers");
        minute_passes(&app);
    }
    let refused = send_as(&app, &bob, PHONE).await;
    assert!(matches!(refused, Err(DomainError::RateLimited { .. })), "accounts do not use up the owner's: {refused:?}");
    let phone_key = app.context.vault.mobile_key(PHONE);
    let home = CallerAddress::known("203.0.113.1".parse().unwrap());
    known_addresses::remember(&app.context, Subject::Phone(&phone_key), home).await;
    for _ in 0..4 {
        assert_eq!(send_as(&app, &alice, PHONE).await, Ok(()), "the others are the owner's");
        minute_passes(&app);
    }
    let refused = send_as(&app, &alice, PHONE).await;
    assert!(matches!(refused, Err(DomainError::RateLimited { .. })), "ten in all: {refused:?}");
}

#[actix_web::test]
async fn a_phone_that_signed_in_before_is_not_kept_out_by_strangers() {
    let app = spawn_app(&[("limits.enabled", "true")]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, PHONE).await;
    let ask = async || {
        let asked = app.client.post(app.at("/api/v1/token/code")).json(&json!({"phone": PHONE}));
        told(asked.send().await.unwrap()).await
    };
    let fine = (200, envelope("/api/v1/token/code", "success", 0));
    assert_eq!(ask().await, fine);
    let shown: Value = app.get(&format!("/sandbox/sms/{PHONE}")).await.json().await.unwrap();
    let body = json!({"phone": PHONE, "code": shown["code"]});
    let signed_in = app.client.post(app.at("/api/v1/token/phone")).json(&body).send().await.unwrap();
    assert_eq!(signed_in.status(), 200);
    for stranger in 1..=2 {
        minute_passes(&app);
        assert_eq!(send(&app, &format!("198.51.100.{stranger}"), PHONE).await, Ok(()));
    }
    minute_passes(&app);
    assert!(send(&app, "198.51.100.4", PHONE).await.is_err(), "strangers have had their three");
    assert_eq!(ask().await, fine, "the owner's address is no stranger");
}

#[actix_web::test]
async fn one_customers_ipv6_networks_count_together() {
    let settings = [
        ("limits.enabled", "true"),
        ("sms.strangers_per_address_per_day", "2"),
        ("sms.strangers_per_network_per_day", "5"),
    ];
    let app = spawn_app(&settings).await;
    let mut sent = 0;
    for at in 0..20 {
        // Another /64 of one /48 for each message.
        let from = format!("2001:db8:1:{at:x}::1");
        sent += usize::from(send(&app, &from, &format!("138000001{at:02}")).await.is_ok());
    }
    assert_eq!(sent, 5);
    assert_eq!(send(&app, "2001:db8:2::1", "13800000200").await, Ok(()), "another customer");
    for at in 0..3 {
        let from = format!("2001:db8:3::{at}");
        assert_eq!(send(&app, &from, &format!("138000003{at:02}")).await.is_ok(), at < 2, "one household");
    }
    for at in 0..9 {
        let from = format!("203.0.113.{at}");
        assert_eq!(send(&app, &from, &format!("138000004{at:02}")).await, Ok(()), "IPv4 has no wider count");
    }
}

#[actix_web::test]
async fn one_account_cannot_send_to_everybody() {
    let app = spawn_app(&[("limits.enabled", "true"), ("sms.per_account_per_day", "3")]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    for at in 0..5 {
        assert_eq!(send_as(&app, &alice, &format!("138000005{at:02}")).await.is_ok(), at < 3, "{at}");
    }
    assert_eq!(send_as(&app, &bob, "13800000600").await, Ok(()));
}

#[actix_web::test]
async fn all_codes_together_have_a_budget_and_an_alarm() {
    let app = spawn_app(&[("limits.enabled", "true"), ("sms.per_minute", "2"), ("sms.per_day", "3")]).await;
    // Noon in Beijing: a whole minute and half a day are ahead.
    let left = 86_400_000 - (app.context.db.now_ms() - 4 * 3_600_000) % 86_400_000;
    app.context.db.advance_clock(Duration::from_millis(left.unsigned_abs()));
    let try_at = async |at: u32| send(&app, &format!("198.51.100.{at}"), &format!("138000007{at:02}")).await;
    let busy = |told: Result<()>, most: u32| match told {
        Err(DomainError::Busy { retry_after_seconds }) => assert!((1..=most).contains(&retry_after_seconds)),
        other => panic!("{other:?}"),
    };
    assert_eq!((try_at(1).await, try_at(2).await), (Ok(()), Ok(())));
    busy(try_at(3).await, 61);
    busy(try_at(4).await, 61);
    let budget = &app.context.sms_budget;
    assert_eq!(Budget::ALL.map(|each| budget.refused(each)), [2, 0]);
    minute_passes(&app);
    assert_eq!(try_at(3).await, Ok(()), "a refused message counts nowhere, and leaves no code that blocks the next");
    busy(try_at(4).await, 86_401);
    assert_eq!(Budget::ALL.map(|each| budget.refused(each)), [2, 1]);
    let figures = app.client.get(format!("{}/metrics", app.internal_url)).send().await.unwrap().text().await.unwrap();
    assert!(figures.contains("matchday_sms_refused_total{budget=\"minute\"} 2"), "{figures}");
}
