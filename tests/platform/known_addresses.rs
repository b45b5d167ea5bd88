//! A name that others lock out is not locked out where its owner signed in before.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use actors::domain::caller_address::CallerAddress;
use actors::error::DomainError;
use matchday::args;
use matchday::service::known_addresses::{self, Subject};
use matchday::service::limits::Realm;
use matchday::service::{admins, password_tries, people, sweeps};

use crate::support::fixtures::row;
use crate::support::registered::New;
use crate::support::{ADMIN, TestApp, spawn_app, spawn_app_in};

fn address(text: &str) -> CallerAddress {
    CallerAddress::known(text.parse().unwrap())
}

/// Wrong passwords for a name from everywhere, until the name is refused.
async fn lock_out(app: &TestApp, realm: Realm, name: &str) {
    for stranger in 0..1_000_u32 {
        let from = CallerAddress::known(IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + stranger)));
        match password_tries::begin(&app.context, realm, from, name).await {
            Ok(tried) => {
                tried.failed(&app.context, &DomainError::BadCredentials).await;
            }
            Err(error) => {
                assert!(matches!(error, DomainError::RateLimited { .. }), "{error}");
                return;
            }
        }
    }
    panic!("the name is never refused");
}

#[actix_web::test]
async fn a_lock_out_spares_where_the_administrator_signed_in_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (home, street) = (address("2001:db8:1:2::3"), address("198.51.100.7"));
    let app = spawn_app_in(folder.path(), &[]).await;
    admins::sign_in(&app.context, home, ADMIN.0, ADMIN.1).await.unwrap();
    app.stop().await;
    let app = spawn_app_in(folder.path(), &[]).await;
    lock_out(&app, Realm::Admins, ADMIN.0).await;
    let refused = admins::sign_in(&app.context, street, ADMIN.0, ADMIN.1).await.err();
    assert!(matches!(refused, Some(DomainError::RateLimited { .. })), "{refused:?}");
    let next_door = address("2001:db8:1:2::4");
    admins::sign_in(&app.context, next_door, ADMIN.0, ADMIN.1).await.expect("the same household");
    // Ten wrong ones from there, and it is an address like any other.
    for _ in 0..10 {
        let wrong = admins::sign_in(&app.context, home, ADMIN.0, "wrong").await.err();
        assert_eq!(wrong, Some(DomainError::BadCredentials));
    }
    let refused = admins::sign_in(&app.context, home, ADMIN.0, ADMIN.1).await.err();
    assert!(matches!(refused, Some(DomainError::RateLimited { .. })), "{refused:?}");
}

#[actix_web::test]
async fn another_name_and_a_visit_weeks_ago_do_not_help() {
    let app = spawn_app(&[]).await;
    let home = address("203.0.113.9");
    known_addresses::remember(&app.context, Subject::LoginName("ann"), home).await;
    lock_out(&app, Realm::LoginNames, "ann").await;
    lock_out(&app, Realm::LoginNames, "ben").await;
    assert!(password_tries::begin(&app.context, Realm::LoginNames, home, "ben").await.is_err());
    assert!(password_tries::begin(&app.context, Realm::LoginNames, home, "ann").await.is_ok());
    app.context.db.advance_clock(Duration::from_secs(29 * 86_400));
    lock_out(&app, Realm::LoginNames, "ann").await;
    assert!(password_tries::begin(&app.context, Realm::LoginNames, home, "ann").await.is_err());
    sweeps::step(&app.context).await.unwrap();
    assert_eq!(rows(&app).await, 0);
}

#[actix_web::test]
async fn a_person_has_a_bounded_number_of_known_addresses() {
    let app = spawn_app(&[]).await;
    let before = rows(&app).await;
    for at in 0..40 {
        app.context.db.advance_clock(Duration::from_millis(10));
        let from = address(&format!("203.0.113.{at}"));
        known_addresses::remember(&app.context, Subject::LoginName("ann"), from).await;
    }
    assert_eq!(rows(&app).await, before + 16);
    let is_known = async |text: &str| {
        known_addresses::is_known(&app.context, Subject::LoginName("ann"), address(text)).await.unwrap()
    };
    assert!(is_known("203.0.113.39").await && is_known("203.0.113.24").await, "the newest");
    assert!(!is_known("203.0.113.0").await);
}

async fn rows(app: &TestApp) -> i64 {
    row(&app.context.db, "SELECT COUNT(*) AS n FROM known_addresses", args![]).await.int("n").unwrap()
}

#[actix_web::test]
async fn erasing_a_person_forgets_their_addresses() {
    let app = spawn_app(&[]).await;
    let account = New { mobile: Some("13800000001"), ..New::sso("ann") }.make(&app).await;
    let before = rows(&app).await;
    let (home, phone_key) = (address("203.0.113.9"), app.context.vault.mobile_key("13800000001"));
    known_addresses::remember(&app.context, Subject::LoginName("ann"), home).await;
    known_addresses::remember(&app.context, Subject::Phone(&phone_key), home).await;
    known_addresses::remember(&app.context, Subject::LoginName("ben"), home).await;
    assert_eq!(rows(&app).await, before + 3);
    people::erase_from_command_line(&app.context.db, &app.context.vault, account).await.unwrap();
    assert_eq!(rows(&app).await, before + 1, "and nobody else's");
}
