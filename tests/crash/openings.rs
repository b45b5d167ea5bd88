//! Openings of videos and lives: an orderly stop loses none, a crash those of one interval at most.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::database::Database;
use super::server::Home;

const INTERVAL: Duration = Duration::from_secs(1);
/// What a batch itself may take on a busy machine; openings of this time, too, may be missing after a crash.
const BATCH: Duration = Duration::from_secs(2);
const ROUNDS: u32 = 3;

struct Viewer {
    http: reqwest::Client,
    url: String,
    session: String,
}

impl Viewer {
    async fn sign_in(home: &Home) -> Self {
        let viewer = Self { http: reqwest::Client::new(), url: home.url(), session: String::new() };
        let answer = viewer.post("token/user", json!({"code": "sandbox:viewer"})).await;
        Self { session: answer["token"].as_str().unwrap().to_owned(), ..viewer }
    }

    async fn post(&self, item: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}/api/v1/{item}", self.url)).header("token", &self.session).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{item}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// Opens the live again and again for so long; when each opening was acknowledged.
    async fn open_for(&self, time: Duration) -> Vec<Instant> {
        let (started, mut acknowledged) = (Instant::now(), Vec::new());
        while acknowledged.is_empty() || started.elapsed() < time {
            self.post("competition/play_notify", json!({"id": 1, "type": 2})).await;
            acknowledged.push(Instant::now());
        }
        acknowledged
    }

    async fn shown(&self) -> i64 {
        let request = self.http.get(format!("{}/api/v1/competitionlive/1", self.url)).header("token", &self.session);
        request.send().await.unwrap().json::<Value>().await.unwrap()["browse_num"].as_i64().unwrap()
    }
}

async fn stored(home: &Home) -> usize {
    let database = Database::open(&home.database_url()).await;
    let openings = database.openings().await;
    database.close().await;
    usize::try_from(openings).unwrap()
}

async fn home(flush_seconds: &'static str) -> Home {
    matchday::clients::tls::use_ring();
    let mut home = Home::new("");
    home.settings.push(("MATCHDAY__H5__BROWSE_FLUSH_SECONDS", flush_seconds));
    let database = Database::open(&home.database_url()).await;
    database.write_event().await;
    database.close().await;
    home
}

#[tokio::test]
async fn a_crash_loses_the_openings_of_one_interval_at_most_and_a_stop_none() {
    let mut home = home("1").await;
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut server = home.start().await;
        let viewer = Viewer::sign_in(&home).await;
        assert_eq!(viewer.shown().await, i64::try_from(before).unwrap(), "round {round}");
        let openings = viewer.open_for(BATCH + INTERVAL * 2 + INTERVAL * round / ROUNDS).await;
        let killed = Instant::now();
        server.kill();
        let kept = stored(&home).await - before;
        let safe = openings.iter().filter(|at| killed - **at > INTERVAL + BATCH).count();
        assert!(safe > 0 && (safe..=openings.len()).contains(&kept), "{safe} <= {kept} <= {}", openings.len());
        before += kept;
    }
    let mut server = home.start().await;
    let openings = Viewer::sign_in(&home).await.open_for(INTERVAL / 10).await;
    server.stop().await;
    assert_eq!(stored(&home).await, before + openings.len());
}

/// The same without a batch: were a crash not to lose what only memory has, the test above would prove nothing.
#[tokio::test]
async fn without_a_batch_a_crash_loses_every_opening_and_a_stop_none() {
    let mut home = home("3600").await;
    let mut server = home.start().await;
    let viewer = Viewer::sign_in(&home).await;
    // The first batch is added at the start.
    let openings = viewer.open_for(INTERVAL / 10).await.len();
    assert_eq!(viewer.shown().await, i64::try_from(openings).unwrap());
    server.kill();
    assert_eq!(stored(&home).await, 0);
    let mut server = home.start().await;
    let openings = Viewer::sign_in(&home).await.open_for(INTERVAL / 10).await.len();
    server.stop().await;
    assert_eq!(stored(&home).await, openings);
}
