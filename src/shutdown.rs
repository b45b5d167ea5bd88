//! The order in which a node stops. `begin` turns readiness red; then the hooks of each phase run, phase by phase, each
//! phase bounded in time. `startup` drives it; whoever owns work to finish registers a hook.

use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What happens when, first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Queues and rooms refuse new work with a retryable error and finish the batch they are in.
    Queues,
    /// Sockets are told to come back (1012) and end their bodies, or HTTP would wait for them.
    Sockets,
    /// After HTTP has drained: loops in the background end.
    Background,
}

type Hook = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

#[derive(Default)]
pub struct Shutdown {
    draining: AtomicBool,
    hooks: Mutex<Vec<(Phase, &'static str, Hook)>>,
    stop: CancellationToken,
    background: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Whether the node is on its way out: not ready, and nothing new is begun.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Asks the node to stop; the same as SIGTERM.
    pub fn request(&self) {
        self.stop.cancel();
    }

    /// Resolves when somebody has asked the node to stop.
    pub async fn requested(&self) {
        self.stop.cancelled().await;
    }

    /// Registers what `phase` has to do. Hooks of a phase run at the same time.
    pub fn on<F, W>(&self, phase: Phase, name: &'static str, hook: F)
    where
        F: FnOnce() -> W + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let mut hooks = self.hooks.lock().unwrap_or_else(|poison| poison.into_inner());
        hooks.push((phase, name, Box::new(move || Box::pin(hook()))));
    }

    /// Runs a loop of the node's own until the background phase. The future is dropped at its next await after that,
    /// so a step that must not be cut belongs into `Db::write`, which is never cut.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stopped = self.background.clone();
        self.tasks.spawn(async move {
            stopped.run_until_cancelled(work).await;
        });
    }

    /// Readiness turns red.
    pub fn begin(&self) {
        self.draining.store(true, Ordering::Release);
        self.stop.cancel();
    }

    /// Runs the hooks of one phase, for at most `limit`.
    pub async fn run(&self, phase: Phase, limit: Duration) {
        let due: Vec<_> = {
            let mut hooks = self.hooks.lock().unwrap_or_else(|poison| poison.into_inner());
            hooks.extract_if(.., |(when, _, _)| *when == phase).collect()
        };
        let work = due.into_iter().map(|(_, name, hook)| async move {
            if tokio::time::timeout(limit, hook()).await.is_err() {
                tracing::warn!(name, ?phase, "did not finish in time");
            }
        });
        futures_util::future::join_all(work).await;
        if phase == Phase::Background {
            self.background.cancel();
            self.tasks.close();
            if tokio::time::timeout(limit, self.tasks.wait()).await.is_err() {
                tracing::warn!("background loops did not end in time");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[actix_web::test]
    async fn phases_run_their_own_hooks_once() {
        let shutdown = Shutdown::default();
        let seen = Arc::new(Mutex::new(Vec::new()));
        for (phase, name) in [(Phase::Sockets, "sockets"), (Phase::Queues, "queues"), (Phase::Queues, "rooms")] {
            let seen = seen.clone();
            shutdown.on(phase, name, move || async move {
                seen.lock().unwrap().push(name);
            });
        }
        let limit = Duration::from_secs(5);
        shutdown.begin();
        assert!(shutdown.is_draining());
        shutdown.run(Phase::Queues, limit).await;
        assert_eq!(*seen.lock().unwrap(), ["queues", "rooms"]);
        shutdown.run(Phase::Sockets, limit).await;
        shutdown.run(Phase::Queues, limit).await;
        assert_eq!(*seen.lock().unwrap(), ["queues", "rooms", "sockets"]);
    }

    #[actix_web::test]
    async fn a_hook_that_hangs_does_not_hold_the_stop_and_loops_end() {
        let shutdown = Shutdown::default();
        shutdown.on(Phase::Queues, "hangs", std::future::pending);
        shutdown.spawn(std::future::pending());
        let limit = Duration::from_millis(20);
        shutdown.run(Phase::Queues, limit).await;
        shutdown.run(Phase::Background, Duration::from_secs(30)).await;
        assert!(shutdown.tasks.is_empty());
    }
}
