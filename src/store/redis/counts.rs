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
            match shared.decide(Act::Take, count_script::PROBE_GROUP, &[count_script::PROBE]).await {
                Ok(_) => break shared.find(),
                Err(reason) => tracing::debug!(reason, "Redis is still away"),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
