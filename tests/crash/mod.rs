//! SIGKILL at any moment loses nothing that was acknowledged: the real program under load, killed again and again, and
//! at the end the clients' ledger against what the server still knows.
//!
//! `MATCHDAY_CRASH_ROUNDS` (5) says how often, `MATCHDAY_CRASH_SEED` when.

mod clients;
mod fixture;
mod ledger;
mod observed;
mod server;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::LocalSet;

use self::clients::Shared;
use self::ledger::Ledger;
use self::server::{Server, free_port};
use crate::support::eventually;

const REGISTRANTS: i64 = 6;
const CHATTERS: i64 = 3;
/// Acknowledgements between two kills, drawn anew for each.
const BETWEEN_KILLS: std::ops::Range<usize> = 30..300;
/// Clients that take longer to finish have lost something.
const FINISH_WITHIN: Duration = Duration::from_secs(30);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

#[tokio::test]
async fn killed_under_load_loses_nothing_acknowledged() {
    LocalSet::new().run_until(crash_loop()).await;
}

async fn crash_loop() {
    let rounds = setting("MATCHDAY_CRASH_ROUNDS", 5);
    let seed = setting("MATCHDAY_CRASH_SEED", 20_261_122);
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    server::migrate(folder.path());
    fixture::write(folder.path()).await;
    let mut life = 0;
    let mut server = Server::start(folder.path(), port, life).await;
    let shared = Rc::new(Shared {
        url: server.url.clone(),
        ws_url: server.ws_url.clone(),
        http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap(),
        ledger: RefCell::new(Ledger::default()),
        finishing: Cell::new(false),
    });
    let registrants =
        (1..=REGISTRANTS).map(|account| tokio::task::spawn_local(clients::register(shared.clone(), account)));
    let mut load: Vec<_> = registrants.collect();
    load.extend((1..=CHATTERS).map(|account| tokio::task::spawn_local(clients::chat(shared.clone(), account))));

    for round in 0..rounds {
        let wanted = shared.ledger.borrow().acknowledgements() + random.random_range(BETWEEN_KILLS);
        eventually("clients make progress", async || {
            assert!(!load.iter().any(|client| client.is_finished()), "a client failed in round {round}, seed {seed}");
            shared.ledger.borrow().acknowledgements() >= wanted
        })
        .await;
        server.kill();
        life += 1;
        server = Server::start(folder.path(), port, life).await;
    }
    shared.finishing.set(true);
    for client in load {
        tokio::time::timeout(FINISH_WITHIN, client).await.expect("a client never finished").unwrap();
    }
    // Once more: what is at rest must survive as well, and be told as before.
    server.kill();
    life += 1;
    server = Server::start(folder.path(), port, life).await;
    clients::poll_all(&shared).await;
    server.kill();

    let state = observed::read(folder.path()).await;
    let ledger = shared.ledger.borrow();
    let faults = ledger::faults(&ledger, &state);
    assert!(faults.is_empty(), "seed {seed}, {rounds} rounds: {faults:#?}");
    // The load must have touched everything that is judged.
    let ordered = ledger.tokens.iter().filter(|token| matches!(token.outcome, Some((1, _)))).count();
    assert!(ordered > 0 && !ledger.paid.is_empty() && !ledger.lines.is_empty(), "the load did not reach everything");
    println!(
        "{rounds} kills: {} tokens, {ordered} orders, {} payments, {} lines kept",
        ledger.tokens.len(),
        ledger.paid.len(),
        ledger.lines.len()
    );
}
