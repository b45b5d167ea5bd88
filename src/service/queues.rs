//! All lines of this node: the directory of their actors, the views that polls read, and the once-a-second sweep that
//! starts whatever has work, so that nothing waits for a client to call.

use std::sync::Arc;
use std::time::Duration;

use actix::ArbiterHandle;
use actors::ask::ask;
use actors::directory::Directory;
use actors::domain::ids::GameId;
use actors::error::Result;
use actors::ports::{Bus, Topic};
use actors::quota_queue::QuotaQueue;
use actors::quota_queue::messages::{
    Drain, Enqueue, EnqueueRequest, Enqueued, Known, Leave, Leaving, Load, QueueRow, QuotaLedger, Refresh, Sweep,
};
use actors::quota_queue::view::{QueueView, Views};
use bytes::Bytes;
use tokio::sync::broadcast::error::RecvError;

use crate::store::sql::db::Db;
use crate::store::sql::quota;

/// Messages in a line's mailbox; a full one tells the caller `Busy`.
const MAILBOX: usize = 4_096;
const SWEEP_EVERY: Duration = Duration::from_secs(1);

pub struct Queues {
    directory: Directory<GameId, QuotaQueue>,
    views: Arc<Views>,
    ledger: Arc<dyn QuotaLedger>,
}

impl Queues {
    pub fn new(arbiters: Vec<ArbiterHandle>, ledger: Arc<dyn QuotaLedger>, bus: Arc<dyn Bus>) -> Self {
        let views = Arc::new(Views::default());
        let (of_actors, own) = (views.clone(), ledger.clone());
        let committed: Arc<dyn Fn(GameId, QueueRow) + Send + Sync> =
            Arc::new(move |game, _| bus.publish(Topic::Game(game.0), Bytes::new()));
        let directory = Directory::new(arbiters, MAILBOX, move |game: &GameId| {
            QuotaQueue::new(*game, ledger.clone(), of_actors.get_or_create(*game), committed.clone())
        });
        Self { directory, views, ledger: own }
    }

    /// Asks for a token; `game` must exist.
    pub async fn enqueue(&self, game: GameId, request: EnqueueRequest) -> Result<Enqueued> {
        ask(&self.directory.get_or_start(game), |reply| Enqueue { request, reply }).await
    }

    /// Takes a waiting token out of its line; `game` must exist.
    pub async fn leave(&self, game: GameId, sequence: i64) -> Result<Leaving> {
        ask(&self.directory.get_or_start(game), |reply| Leave { sequence, reply }).await
    }

    /// The line's view as the ledger is now.
    pub async fn fresh_view(&self, game: GameId) -> Result<Arc<QueueView>> {
        let view = self.views.get_or_create(game);
        let loaded = self.ledger.load(game, Known { recent: 0, ..view.known(0) }).await?;
        view.publish_loaded(loaded);
        Ok(view)
    }

    /// The line's view if it is in memory and read; polls need nothing else.
    pub fn view(&self, game: GameId) -> Option<Arc<QueueView>> {
        self.views.get(game).filter(|view| view.is_loaded())
    }

    /// The line's view, read from SQL first if need be. `game` must exist.
    pub async fn loaded_view(&self, game: GameId) -> Result<Arc<QueueView>> {
        if let Some(view) = self.view(game) {
            return Ok(view);
        }
        ask(&self.directory.get_or_start(game), |reply| Load { reply }).await?;
        Ok(self.views.get_or_create(game))
    }

    /// Tells the line that its row was changed by somebody else. A full mailbox has a refresh coming anyway: the sweep.
    pub fn refresh(&self, game: GameId) {
        if self.directory.get_or_start(game).try_send(Refresh).is_err() {
            tracing::debug!(game = game.0, "line busy, the sweep will read it");
        }
    }

    /// Starts the actors of all games that have undecided tokens or due holds and lets them work.
    pub async fn sweep(&self, db: &Db) -> Result<()> {
        for game in quota::games_with_work(db).await? {
            let address = self.directory.get_or_start(game);
            if address.try_send(Refresh).is_err() || address.try_send(Sweep).is_err() {
                tracing::debug!(game = game.0, "line busy, swept again in a second");
            }
        }
        Ok(())
    }

    /// Sweeps for as long as it is polled, and keeps the views at most a second old.
    pub async fn run(&self, db: &Db, bus: &dyn Bus) {
        let mut messages = bus.subscribe();
        let mut ticks = tokio::time::interval(SWEEP_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut bus_is_open = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    if let Err(error) = self.sweep(db).await {
                        tracing::warn!(%error, "sweep failed, will be tried again");
                    }
                    for (_, view) in self.views.all() {
                        view.tick();
                    }
                    // What other nodes did, and what a caller that went away did not tell.
                    self.refresh_running();
                }
                message = messages.recv(), if bus_is_open => match message {
                    Ok(message) => {
                        if let Topic::Game(game) = message.topic
                            && let Some(address) = self.directory.get(&GameId(game))
                            && address.try_send(Refresh).is_err()
                        {
                            tracing::debug!(game, "line busy, the next second reads it");
                        }
                    }
                    Err(RecvError::Lagged(_)) => self.refresh_running(),
                    Err(RecvError::Closed) => bus_is_open = false,
                }
            }
        }
    }

    fn refresh_running(&self) {
        for (_, address) in self.directory.all() {
            // A full mailbox is read again in the next second.
            let _ = address.try_send(Refresh);
        }
    }

    /// Refuses new tokens and waits until every batch in flight is committed and answered.
    pub async fn drain(&self) {
        let drains = self.directory.all().into_iter().map(|(game, address)| async move {
            if let Err(error) = ask(&address, |reply| Drain { reply }).await {
                tracing::warn!(game = game.0, %error, "line did not drain");
            }
        });
        futures_util::future::join_all(drains).await;
    }

    pub fn all_views(&self) -> Vec<(GameId, Arc<QueueView>)> {
        self.views.all()
    }
}
