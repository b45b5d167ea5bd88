//! People who are registered by an application of SSO, each with the mail that is to confirm the address: all of it or
//! nothing, and once, whatever happens to the server or to its answer.

use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::clients::Shared;
use super::server::Home;
use crate::sso::client::{Keys, encoded, keys, md5_hex};
use crate::support::PATIENCE;

const RETRY: Duration = Duration::from_millis(20);

/// One account of SSO, as the database has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    pub name: String,
    pub members: i64,
    pub links: i64,
    pub mails: i64,
}

/// Makes an application as an operator does.
pub fn application(home: &Home) -> Keys {
    let output = home.program("sso-app").args(["create", "--name", "crash"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let value = |name: &str| {
        let found = printed.lines().find_map(|line| line.strip_prefix(name));
        found.unwrap_or_else(|| panic!("{printed}{}", String::from_utf8_lossy(&output.stderr))).to_owned()
    };
    keys(value("app_id: ").parse().unwrap(), &value("app_key: "), &value("app_secret: "))
}

/// Registers one after the other; each call is sent again, word for word, until it is answered.
pub async fn register(shared: Rc<Shared>, keys: Keys) {
    let mut number = 0;
    while !shared.finishing.get() {
        number += 1;
        let name = format!("crash-sso-{number}");
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let mail = format!("{name}@mail.example");
        let plain = json!({"user_name": name, "user_pass": md5_hex("x"), "user_mail": mail, "timestamp": now});
        let form = encoded(&keys.form(&plain.to_string()));
        let started = Instant::now();
        loop {
            let request = shared.http.post(format!("{}/index.php/api/reg/reg", shared.url)).body(form.clone());
            if let Ok(answer) = request.send().await
                && let Ok(answer) = answer.json::<Value>().await
                // The server is busy, or has a fault of its own.
                && answer["rcode"] != "x010101"
            {
                let mut ledger = shared.ledger.borrow_mut();
                // The second: it was taken, and its answer lost.
                if answer["rcode"] == "y010101" || answer["rcode"] == "x050403" {
                    ledger.people.push(name);
                } else {
                    ledger.broken.push(format!("{name} cannot be registered: {answer}"));
                }
                break;
            }
            assert!(started.elapsed() < PATIENCE, "{name} was never answered");
            tokio::time::sleep(RETRY).await;
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// What is wrong with the accounts; `calls` were noted as taken.
pub fn faults(people: &[String], accounts: &[Account], calls: i64) -> Vec<String> {
    let mut faults = Vec::new();
    for name in people.iter().filter(|name| !accounts.iter().any(|account| account.name == **name)) {
        faults.push(format!("{name} was registered and is lost"));
    }
    for account in accounts {
        if !people.contains(&account.name) || (account.members, account.links, account.mails) != (1, 1, 1) {
            faults.push(format!("a part of a registration: {account:?}"));
        }
    }
    if calls != accounts.len() as i64 {
        faults.push(format!("{calls} calls were taken for {} accounts", accounts.len()));
    }
    faults
}
