//! Threads of the load generator: each has a single-threaded runtime of its own, so that nothing is shared on the paths
//! that are measured.

use std::future::Future;

use anyhow::{Context as _, anyhow};

/// Runs `work(thread)` on each of `threads` threads and returns the results in the threads' order.
pub async fn on_threads<W, F, R>(threads: u32, work: W) -> anyhow::Result<Vec<R>>
where
    W: Fn(u32) -> F + Clone + Send + 'static,
    F: Future<Output = R>,
    R: Send + 'static,
{
    let mut started = Vec::new();
    for thread in 0..threads {
        let work = work.clone();
        let spawned = std::thread::Builder::new().name(format!("load-{thread}")).spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
            let local = tokio::task::LocalSet::new();
            Ok(local.block_on(&runtime, work(thread)))
        });
        started.push(spawned.context("cannot start a thread")?);
    }
    let join = move || -> anyhow::Result<Vec<R>> {
        let join_one = |handle: std::thread::JoinHandle<anyhow::Result<R>>| {
            handle.join().map_err(|_| anyhow!("a load thread panicked"))?
        };
        started.into_iter().map(join_one).collect()
    };
    tokio::task::spawn_blocking(join).await.context("cannot join the load threads")?
}

/// How many of `total` things fall to `part` of `parts` when they are dealt out in turn.
pub fn share(total: u32, part: u32, parts: u32) -> u32 {
    total / parts + u32::from(part < total % parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_come_back_in_order() {
        let results = on_threads(3, |thread| async move { thread * 10 }).await.unwrap();
        assert_eq!(results, [0, 10, 20]);
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let result = on_threads(2, |thread| async move { assert_eq!(thread, 0) }).await;
        assert!(result.is_err());
    }

    #[test]
    fn shares_add_up() {
        for (total, parts) in [(10, 3), (2, 5), (64, 64), (0, 2)] {
            let sum: u32 = (0..parts).map(|part| share(total, part, parts)).sum();
            assert_eq!(sum, total);
        }
    }
}
