//! Counts that all nodes share, in Redis: one script call per decision, over a pool. Redis may be away or slow: then this
//! process counts alone, without waiting, until a probe in the background finds Redis again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actors::counts::{Act, Count, Counts, Sharing, Verdict};
use async_trait::async_trait;
use bb8::Pool;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::connections::{Connections, Generation};
use super::count_script::{self, decide};
use crate::store::memory::MemoryCounts;

const CONNECTIONS: u32 = 16;
/// Pauses between two probes while Redis is away.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Longest time that one probe takes, however patient decisions are.
const PROBE_TIME: Duration = Duration::from_secs(1);

/// Shared with the probe.
struct Shared {
    pool: Pool<Connections>,
    /// How long a decision waits for a connection and the script together.
    patience: Duration,
    generation: Generation,
    /// Redis is away: decisions do not wait for it.
    away: AtomicBool,
    changes: AtomicU64,
    lost: Notify,
}

pub struct RedisCounts {
    shared: Arc<Shared>,
    /// The counts of this process while Redis is away.
    own: MemoryCounts,
    probe: JoinHandle<()>,
}

impl RedisCounts {
    /// Connects in the background: a Redis that is away delays nothing. All connections live on the runtime of the
    /// caller, which must last as long as the server.
    ///
    /// Errors: an invalid address.
    pub fn start(url: &str, patience: Duration) -> redis::RedisResult<Self> {
        let generation = Generation::default();
        let connections = Connections::new(redis::Client::open(url)?, Handle::current(), generation.clone());
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .connection_timeout(patience)
            // The probe connects again; a second loop behind it would hold places in the pool.
            .retry_connection(false)
            .build_unchecked(connections);
        let shared = Arc::new(Shared {
            pool,
            patience,
            generation,
            away: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            lost: Notify::new(),
        });
        let probe = tokio::spawn(probe(shared.clone()));
        Ok(Self { shared, own: MemoryCounts::default(), probe })
    }
}

impl Drop for RedisCounts {
    fn drop(&mut self) {
        self.probe.abort();
    }
}

#[async_trait]
impl Counts for RedisCounts {
    async fn decide(&self, act: Act, group: &'static str, counts: &[Count], now_ms: i64) -> Verdict {
        if !self.shared.away.load(Ordering::Acquire) {
            match self.shared.decide(act, group, counts).await {
                Ok(verdict) => return verdict,
                Err(reason) => self.shared.lose(&reason),
            }
        }
        self.own.decide_now(act, counts, now_ms)
    }

    fn tidy(&self, now_ms: i64) {
        self.own.tidy(now_ms);
    }

    fn sharing(&self) -> Option<Sharing> {
        Some(Sharing {
            shared: !self.shared.away.load(Ordering::Acquire),
            changes: self.shared.changes.load(Ordering::Relaxed),
        })
    }
}

impl Shared {
    /// Errors: why Redis did not decide in time, without its address.
    async fn decide(&self, act: Act, group: &'static str, counts: &[Count]) -> Result<Verdict, String> {
        let decided = async {
            let mut connection = self.pool.get().await.map_err(|error| match error {
                bb8::RunError::TimedOut => "no connection in time".to_owned(),
                bb8::RunError::User(error) => error.to_string(),
            })?;
            // Without an answer the connection is not used again: an answer that comes late is nobody's.
            connection.broken = true;
            let verdict = decide(&mut connection.link, act, group, counts).await.map_err(|error| error.to_string())?;
            connection.broken = false;
            Ok(verdict)
        };
        let late = || Err(format!("no answer within {} ms", self.patience.as_millis()));
        tokio::time::timeout(self.patience, decided).await.unwrap_or_else(|_| late())
    }

    fn lose(&self, reason: &str) {
        if !self.away.swap(true, Ordering::AcqRel) {
            self.changes.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(reason, "Redis away: this node counts tries alone until it is back");
            self.lost.notify_one();
        }
    }

    fn find(&self) {
        if self.away.swap(false, Ordering::AcqRel) {
            self.changes.fetch_add(1, Ordering::Relaxed);
            tracing::info!("Redis is back: tries are counted over all nodes again");
        }
    }
}

/// Looks for a Redis that is away. It counts a try of its own, because a Redis that answers and cannot write is away, too.
async fn probe(shared: Arc<Shared>) {
    loop {
        shared.lost.notified().await;
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            // Connections from before are not believed.
            shared.generation.end();
            let probed = shared.decide(Act::Take, count_script::PROBE_GROUP, &[count_script::PROBE]);
            match tokio::time::timeout(PROBE_TIME, probed).await {
                Ok(Ok(_)) => break shared.find(),
                Ok(Err(reason)) => tracing::debug!(reason, "Redis is still away"),
                Err(_) => tracing::debug!("Redis is still silent"),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use actors::counts::{CountKey, Rule};

    use super::*;

    /// Windows so long that no try comes back while the test runs.
    const RULES: [Rule; 3] =
        [Rule::new("alike-few", 2, 86_400), Rule::new("alike-some", 7, 86_400), Rule::new("alike-many", 40, 86_400)];

    fn count(run: u64, rule: usize, key: u8) -> Count {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&run.to_le_bytes());
        bytes[8] = key;
        Count { rule: RULES[rule], key: CountKey(bytes), wide_key: CountKey(bytes) }
    }

    fn now_ms() -> i64 {
        std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64
    }

    #[actix_web::test]
    async fn redis_and_memory_decide_alike() {
        let Ok(url) = std::env::var("TEST_REDIS_URL") else { return };
        let redis = RedisCounts::start(&url, Duration::from_secs(20)).unwrap();
        let memory = MemoryCounts::default();
        let (run, mut random): (u64, u64) = (rand::random(), 7);
        let mut draw = |most: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % most
        };
        let (mut admitted, mut refused) = (0, 0);
        for step in 0..500 {
            let act = [Act::Take, Act::Take, Act::Take, Act::Look, Act::GiveBack][draw(5) as usize];
            let counts: Vec<Count> =
                (0..=draw(2)).map(|at| count(run, at as usize + draw(2) as usize, draw(3) as u8)).collect();
            let there = redis.decide(act, "alike", &counts, now_ms()).await;
            let here = memory.decide_now(act, &counts, now_ms());
            match (there, here) {
                (Verdict::Admitted, Verdict::Admitted) => admitted += 1,
                (Verdict::Refused { by, wait_us }, Verdict::Refused { by: also, wait_us: also_us }) if by == also => {
                    assert!((wait_us - also_us).abs() < 60_000_000, "{step}: {wait_us} {also_us}");
                    refused += 1;
                }
                other => panic!("{step}: {act:?} {counts:?} {other:?}"),
            }
        }
        assert!(admitted > 50 && refused > 50, "{admitted} {refused}");
        assert_eq!(redis.sharing(), Some(Sharing { shared: true, changes: 0 }));
    }
}
