//! A name, a phone and a mail address belong to one account, whoever asks for them at the same time and in which dialect.

use std::future::Future;

use actors::domain::ids::AccountId;
use actors::domain::login_name::LoginName;
use actors::error::DomainError;
use futures_util::future::join_all;
use matchday::args;
use matchday::store::sql::db::Db;
use matchday::store::sql::{phones, registrations_file};
use matchday::vault::Vault;

use super::databases::{count, on_each};
use crate::support::fixtures::execute;
use crate::support::registered::{New, insert};

const PHONE: &str = "13812340001";
const MAIL: &str = "Ann@example.org";
const ASKING: usize = 24;

fn vault() -> Vault {
    Vault::new(&[1; 32], &[2; 32])
}

/// Runs all at once on two nodes; what each was told.
async fn at_once<T, F: Future<Output = T>>(one: &Db, other: &Db, ask: impl Fn(Db, usize) -> F) -> Vec<T> {
    join_all((0..ASKING).map(|number| ask(if number % 2 == 0 { one.clone() } else { other.clone() }, number))).await
}

fn conflict(field: &str) -> Result<AccountId, DomainError> {
    Err(DomainError::Conflict { field: field.to_owned().into() })
}

/// How many won; all others were told that `field` is taken.
fn winners(told: &[Result<AccountId, DomainError>], field: &str) -> usize {
    let won = told.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = told.iter().filter(|outcome| **outcome == conflict(field)).count();
    assert_eq!(won + refused, told.len(), "{told:?}");
    won
}

/// One spelling of many of the same name.
fn spelt(number: usize) -> &'static str {
    ["Runner-1", "runner-1", "RUNNER-1", "ｒｕｎｎｅｒ－１"][number % 4]
}

#[actix_web::test]
async fn of_many_who_ask_for_one_name_phone_or_address_one_gets_it() {
    on_each(5, async |fixture| {
        let (db, other, vault) = (&fixture.db, fixture.another_node().await, vault());
        let named = at_once(db, &other, async |db, number| insert(&db, New::sso(spelt(number)).row(&vault, "h")).await);
        assert_eq!(winners(&named.await, "login_name"), 1);

        let phoned = at_once(db, &other, async |db, number| {
            let (name, phone) = (format!("phone-{number}"), ["13812340001", "+86 138 1234 0001"][number % 2]);
            insert(&db, New::regist(&name, phone).row(&vault, "h")).await
        });
        assert_eq!(winners(&phoned.await, "mobile"), 1);

        let mailed = at_once(db, &other, async |db, number| {
            let (name, mail) = (format!("mail-{number}"), [MAIL, "ann@EXAMPLE.org"][number % 2]);
            insert(&db, New { mail: Some(mail), ..New::sso(&name) }.row(&vault, "h")).await
        });
        assert_eq!(winners(&mailed.await, "email"), 1);
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM accounts").await, 5 + 3, "who lost left nothing");
        other.close().await;
    })
    .await;
}

/// Half of them register with a phone, half bind it to an account that they have.
#[actix_web::test]
async fn a_phone_is_bound_or_registered_but_once() {
    on_each(5, async |fixture| {
        let (db, other, vault) = (&fixture.db, fixture.another_node().await, vault());
        let told = at_once(db, &other, async |db, number| {
            if number % 2 == 0 {
                let name = format!("phone-{number}");
                return insert(&db, New::regist(&name, PHONE).row(&vault, "h")).await;
            }
            let (account, key, sealed) = (AccountId(1 + number as i64 % 5), vault.mobile_key(PHONE), vault.seal(PHONE));
            let bound = db.write(move |tx| {
                Box::pin(async move { phones::bind(tx, account, &key, &sealed).await.map(|()| account) })
            });
            bound.await
        })
        .await;
        // An account may be given the phone that it has.
        let owners: std::collections::BTreeSet<i64> = told.iter().flatten().map(|account| account.0).collect();
        assert_eq!(owners.len(), 1, "{told:?}");
        assert!(told.iter().all(|outcome| outcome.is_ok() || *outcome == conflict("mobile")), "{told:?}");
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM accounts WHERE mobile_key IS NOT NULL").await, 1);
        other.close().await;
    })
    .await;
}

#[actix_web::test]
async fn the_first_thing_that_is_taken_is_told() {
    on_each(5, async |fixture| {
        let (db, vault) = (&fixture.db, vault());
        let first = New { mail: Some(MAIL), ..New::regist("ann", PHONE) };
        insert(db, first.row(&vault, "h")).await.unwrap();
        let free = New { name: "ben", mobile: Some("13812340002"), mail: Some("ben@example.org"), ..first };
        for (new, field) in [
            (first, "login_name"),
            (New { name: "ANN", ..free }, "login_name"),
            (New { mobile: Some(PHONE), ..free }, "mobile"),
            (New { mobile: Some(PHONE), mail: Some(MAIL), ..free }, "mobile"),
            (New { mail: Some("ann@example.ORG "), ..free }, "email"),
        ] {
            assert_eq!(insert(db, new.row(&vault, "h")).await, conflict(field));
        }
        insert(db, free.row(&vault, "h")).await.unwrap();
        // Neither phone nor address is no conflict.
        insert(db, New::sso("cleo").row(&vault, "h")).await.unwrap();
        insert(db, New::sso("dan").row(&vault, "h")).await.unwrap();
    })
    .await;
}

/// Who waits for somebody's name gets it when that registration comes to nothing.
#[actix_web::test]
async fn a_registration_that_is_taken_back_takes_nothing() {
    on_each(5, async |fixture| {
        let (db, other, vault) = (&fixture.db, fixture.another_node().await, vault());
        let told = at_once(db, &other, async |db, number| {
            let (new, now) = (New::regist("ann", PHONE).row(&vault, "h"), db.now_ms());
            let outcome: Result<AccountId, DomainError> = db
                .write(move |tx| {
                    Box::pin(async move {
                        let account = matchday::store::sql::new_accounts::insert(tx, &new, now).await?;
                        // All but one change their mind.
                        if number == ASKING / 2 { Ok(account) } else { Err(DomainError::NotOwner) }
                    })
                })
                .await;
            outcome
        })
        .await;
        assert!(told[ASKING / 2].is_ok(), "{told:?}");
        assert_eq!(count(db, "SELECT COUNT(*) AS n FROM accounts WHERE login_name = 'ann'").await, 1);
        other.close().await;
    })
    .await;
}

/// The red twins: without the indexes all of them get it.
#[actix_web::test]
async fn without_the_indexes_a_phone_and_an_address_have_many_owners() {
    on_each(5, async |fixture| {
        let (db, vault) = (&fixture.db, vault());
        for sql in ["DROP INDEX accounts_by_mobile", "DROP INDEX accounts_by_email"] {
            execute(db, sql, args![]).await;
        }
        for name in ["ann", "ben", "cleo"] {
            insert(db, New { mail: Some(MAIL), ..New::regist(name, PHONE) }.row(&vault, "h")).await.unwrap();
        }
        assert_eq!(insert(db, New::sso("ann").row(&vault, "h")).await, conflict("login_name"), "names still are");
    })
    .await;
}

/// The account that owns offline registrations is not to be had by registering its name before it is made.
#[actix_web::test]
async fn the_name_of_the_house_is_nobodys() {
    assert_eq!(LoginName::new(registrations_file::HOUSE), None);
    on_each(5, async |fixture| {
        let (db, vault) = (&fixture.db, vault());
        for name in ["matchday-offline-registrations", "matchdayofflineregistrations"] {
            insert(db, New::sso(name).row(&vault, "h")).await.unwrap();
        }
        let now = db.now_ms();
        let house = db.write(move |tx| Box::pin(async move { Ok(registrations_file::house_account(tx, now).await?) }));
        let house = house.await.unwrap();
        let sql = "SELECT COUNT(*) AS n FROM accounts WHERE password_hash IS NULL AND status = 0";
        assert_eq!((house, count(db, sql).await), (5 + 3, 1), "an account of its own, which nobody signs in to");
    })
    .await;
}
