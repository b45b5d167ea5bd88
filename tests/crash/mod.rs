//! A crash at any moment loses nothing that was acknowledged: the real program under load, killed again and again, or
//! made to die between two steps of a change; at the end the clients' ledger against what the server still knows.
//!
//! `MATCHDAY_CRASH_ROUNDS` (20) says how often it is killed, `MATCHDAY_CRASH_SEED` when.

mod clients;
mod database;
mod draws;
mod enrol;
mod ledger;
mod openings;
mod server;
mod sso;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use matchday::failpoints::Failpoint;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::task::{JoinHandle, LocalSet};

use self::clients::Shared;
use self::database::Database;
use self::ledger::Ledger;
use self::server::{Home, Server};
use crate::sso::client::Keys;
use crate::support::{eventually, postgres};

const REGISTRANTS: i64 = 6;
const CHATTERS: i64 = 3;
const SITES: i64 = 2;
/// Acknowledgements between two kills, drawn anew for each.
const BETWEEN_KILLS: std::ops::Range<usize> = 30..300;
/// Clients that take longer to finish have lost something.
const FINISH_WITHIN: Duration = Duration::from_secs(60);
/// A failpoint that the load does not reach in this time is not reached by it.
const REACH_WITHIN: Duration = Duration::from_secs(60);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

fn seed() -> u64 {
    setting("MATCHDAY_CRASH_SEED", 20_261_122)
}

/// A home with clients that come back to it whatever happens there.
struct Drill {
    home: Home,
    shared: Rc<Shared>,
    /// The application that registers people.
    sso: Keys,
    load: Vec<JoinHandle<()>>,
}

impl Drill {
    async fn new(postgres_url: &str) -> Self {
        matchday::clients::tls::use_ring();
        let home = Home::new(postgres_url);
        let sso = sso::application(&home);
        let database = Database::open(&home.database_url()).await;
        database.write_event().await;
        database.close().await;
        let shared = Rc::new(Shared {
            url: home.url(),
            ws_url: home.ws_url(),
            http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap(),
            ledger: RefCell::new(Ledger::default()),
            session_key: home.make_credential(enrol::SITE),
            taken: RefCell::new(None),
            finishing: Cell::new(false),
        });
        Self { home, shared, sso, load: Vec::new() }
    }

    fn start_load(&mut self) {
        let registrants =
            (1..=REGISTRANTS).map(|account| tokio::task::spawn_local(clients::register(self.shared.clone(), account)));
        self.load.extend(registrants);
        let chatters =
            (1..=CHATTERS).map(|account| tokio::task::spawn_local(clients::chat(self.shared.clone(), account)));
        self.load.extend(chatters);
        let sites = (1..=SITES).map(|site| tokio::task::spawn_local(enrol::enrol(self.shared.clone(), site)));
        self.load.extend(sites);
        self.load.push(tokio::task::spawn_local(sso::register(self.shared.clone(), self.sso.clone())));
    }

    fn assert_alive(&self, when: &str) {
        assert!(!self.load.iter().any(JoinHandle::is_finished), "a client failed, {when}");
    }

    /// Ends the load, crashes once more, and judges what is left.
    async fn judge(mut self, mut server: Server, what: &str) {
        eventually("the load reaches everything that is judged", async || {
            self.assert_alive(what);
            self.shared.ledger.borrow().has_everything()
        })
        .await;
        self.shared.finishing.set(true);
        for client in std::mem::take(&mut self.load) {
            tokio::time::timeout(FINISH_WITHIN, client).await.expect("a client never finished").unwrap();
        }
        // Once more: what is at rest must survive as well, and be told as before.
        server.kill();
        let database = Database::open(&self.home.database_url()).await;
        database.let_work_be_due().await;
        server = self.home.start().await;
        clients::poll_all(&self.shared).await;
        enrol::send_again(&self.shared).await;
        eventually("every refund is made", async || database.refunds_not_made().await == 0).await;
        eventually("every order that ended is closed at the provider", async || database.not_closed().await == 0).await;
        server.kill();

        let state = database.state().await;
        database.close().await;
        let ledger = self.shared.ledger.borrow();
        let faults = ledger::faults(&ledger, &state);
        assert!(faults.is_empty(), "{what}: {faults:#?}");
        let ordered = ledger.tokens.iter().filter(|token| matches!(token.outcome, Some((1, _)))).count();
        let returned = state.orders.iter().filter(|order| order.returned_payments > 0).count();
        assert!(ordered > 0 && returned > 0, "{what}: the load did not reach everything");
        println!(
            "{what}: {} tokens, {ordered} orders, {} payments, {returned} of them returned, {} lines kept, {} enrolled",
            ledger.tokens.len(),
            ledger.paid.len(),
            ledger.lines.len(),
            ledger.enrolled.len()
        );
    }
}

async fn kill_under_load(postgres_url: &str, rounds: u64) {
    let mut random = StdRng::seed_from_u64(seed());
    let mut drill = Drill::new(postgres_url).await;
    let mut server = drill.home.start().await;
    drill.start_load();
    for round in 0..rounds {
        let wanted = drill.shared.ledger.borrow().acknowledgements() + random.random_range(BETWEEN_KILLS);
        eventually("clients make progress", async || {
            drill.assert_alive(&format!("round {round}"));
            drill.shared.ledger.borrow().acknowledgements() >= wanted
        })
        .await;
        server.kill();
        server = drill.home.start().await;
    }
    drill.judge(server, &format!("{rounds} kills, seed {}", seed())).await;
}

/// How often a point is passed before the process dies at it. What is rare must not be waited for.
fn passes_survived(point: Failpoint, random: &mut StdRng) -> u32 {
    let name = point.name();
    let rare = ["outbox", "refund", "inquiries", "sso", "taken_back", "wait_list", "leave", "hawk", "regist"]
        .iter()
        .any(|part| name.contains(part));
    random.random_range(if rare { 0..3 } else { 0..40 })
}

async fn die_at_each(points: &[Failpoint], postgres_url: &str) {
    let mut random = StdRng::seed_from_u64(seed());
    let mut drill = Drill::new(postgres_url).await;
    drill.start_load();
    for point in points {
        let name = point.name();
        let survived = passes_survived(*point, &mut random);
        let mut server = drill.home.start_doomed(&format!("{name}={survived}*off->return"));
        let started = Instant::now();
        while !server.died_at(name) {
            drill.assert_alive(name);
            assert!(started.elapsed() < REACH_WITHIN, "the load never reached {name}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let server = drill.home.start().await;
    drill.judge(server, &format!("{} failpoints, seed {}", points.len(), seed())).await;
}

fn points(keep: impl Fn(&str) -> bool) -> Vec<Failpoint> {
    Failpoint::ALL.iter().copied().filter(|point| keep(point.name())).collect()
}

#[tokio::test]
async fn killed_under_load_loses_nothing_acknowledged() {
    let rounds = setting("MATCHDAY_CRASH_ROUNDS", 20);
    LocalSet::new().run_until(kill_under_load("", rounds)).await;
}

#[tokio::test]
async fn killed_under_load_on_postgres_loses_nothing_acknowledged() {
    let Some(database) = postgres::Database::create().await else { return };
    let rounds = setting("MATCHDAY_CRASH_ROUNDS", 20).div_ceil(4);
    LocalSet::new().run_until(kill_under_load(&database.url, rounds)).await;
    database.drop().await;
}

#[tokio::test]
async fn death_between_any_two_steps_loses_nothing_acknowledged() {
    let points = points(|name| !name.starts_with("postgres") && !name.starts_with("draws"));
    LocalSet::new().run_until(die_at_each(&points, "")).await;
}

#[tokio::test]
async fn death_around_a_commit_of_postgres_loses_nothing_acknowledged() {
    let Some(database) = postgres::Database::create().await else { return };
    let points = points(|name| name.starts_with("postgres"));
    LocalSet::new().run_until(die_at_each(&points, &database.url)).await;
    database.drop().await;
}
