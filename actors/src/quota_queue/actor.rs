//! The actor of one line: collects requests while a batch is in flight, hands them to the ledger together, publishes
//! what was committed and only then answers. At most one enqueue, one leaving, one admission and one release are in
//! flight.

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;

use super::messages::{
    Admitted, Committed, Drain, Enqueue, EnqueueRequest, Enqueued, Leave, Leaving, Load, Next, QueueRow, QuotaLedger,
    Refresh, Sweep,
};
use super::view::QueueView;
use crate::ask::Reply;
use crate::domain::ids::GameId;
use crate::error::{DomainError, Result};

/// Requests that may wait for the batch in flight; more are told `Busy`.
const PENDING_LIMIT: usize = 8_192;
/// Players in one enqueue batch, whose sealed fields may have some kilobytes each, and in all that waits for it.
const BATCH_PLAYERS: usize = 2_000;
const PENDING_PLAYERS: usize = 40_000;
/// Requests in one enqueue batch, tokens in one admission: a commit of a few hundred rows costs hardly more than one of
/// ten, and a larger one only adds to the wait of the next.
const BATCH: usize = 512;
/// After this many failures in a row at the same token it is decided as failed, so that one bad row cannot stop a line.
const GIVE_UP_AFTER: u32 = 5;
const RETRY_DELAY: Duration = Duration::from_millis(200);
/// Outcomes read when a line starts; the first poll after a restart waits for them.
const OUTCOMES_READ_AT_START: i64 = 50_000;
/// Callers that may wait for the first read.
const LOAD_WAITERS: usize = 1_024;

pub struct QuotaQueue {
    game: GameId,
    ledger: Arc<dyn QuotaLedger>,
    view: Arc<QueueView>,
    /// Called after every commit, to tell other nodes.
    committed: Arc<dyn Fn(GameId, QueueRow) + Send + Sync>,
    loaded: bool,
    draining: bool,
    pending: Vec<(EnqueueRequest, Reply<Enqueued>)>,
    /// Players in all that is pending.
    pending_players: usize,
    leaving: Vec<(i64, Reply<Leaving>)>,
    load_waiters: Vec<Reply<()>>,
    drain_waiters: Vec<Reply<()>>,
    loading: bool,
    refresh_again: bool,
    enqueueing: bool,
    letting_go: bool,
    admitting: bool,
    /// The last admission could decide nothing more while the log had so many events: whatever could change that is one.
    fruitless: Option<i64>,
    /// The sweep has come since the last look at a line that admits nobody.
    swept: bool,
    /// Events in the log when other nodes were told last.
    told: i64,
    releasing: bool,
    admission_limit: usize,
    admission_failures: u32,
}

impl QuotaQueue {
    pub fn new(
        game: GameId,
        ledger: Arc<dyn QuotaLedger>,
        view: Arc<QueueView>,
        committed: Arc<dyn Fn(GameId, QueueRow) + Send + Sync>,
    ) -> Self {
        Self {
            game,
            ledger,
            view,
            committed,
            loaded: false,
            draining: false,
            pending: Vec::new(),
            pending_players: 0,
            leaving: Vec::new(),
            load_waiters: Vec::new(),
            drain_waiters: Vec::new(),
            loading: false,
            refresh_again: false,
            enqueueing: false,
            letting_go: false,
            admitting: false,
            fruitless: None,
            swept: false,
            told: 0,
            releasing: false,
            admission_limit: BATCH,
            admission_failures: 0,
        }
    }

    fn load(&mut self, context: &mut Context<Self>) {
        if self.loading {
            self.refresh_again = true;
            return;
        }
        self.loading = true;
        let (ledger, game) = (self.ledger.clone(), self.game);
        // Outcomes are only read when none are in memory; afterwards the row alone is news.
        let known = self.view.known(if self.loaded { 0 } else { OUTCOMES_READ_AT_START });
        let read = async move { ledger.load(game, known).await };
        context.spawn(read.into_actor(self).map(|loaded, actor, context| {
            actor.loading = false;
            match loaded {
                Ok(loaded) => {
                    actor.view.publish_loaded(loaded);
                    actor.loaded = true;
                    for waiter in actor.load_waiters.drain(..) {
                        let _ = waiter.send(Ok(()));
                    }
                    if std::mem::take(&mut actor.refresh_again) {
                        actor.load(context);
                    }
                    actor.advance(context);
                }
                Err(error) if actor.loaded => {
                    tracing::warn!(game = actor.game.0, %error, "line could not be read again");
                    context.run_later(RETRY_DELAY, |actor, context| actor.load(context));
                }
                Err(error) => {
                    // The next request tries again.
                    tracing::warn!(game = actor.game.0, %error, "line could not be read");
                    actor.fail_waiters(&error);
                }
            }
        }));
    }

    fn load_if_needed(&mut self, context: &mut Context<Self>) {
        if !self.loaded && !self.loading {
            self.load(context);
        }
    }

    fn fail_waiters(&mut self, error: &DomainError) {
        self.pending_players = 0;
        for (_, reply) in self.pending.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
        for (_, reply) in self.leaving.drain(..) {
            let _ = reply.send(Err(error.clone()));
        }
        for waiter in self.load_waiters.drain(..) {
            let _ = waiter.send(Err(error.clone()));
        }
    }

    /// Starts whatever can be started.
    fn advance(&mut self, context: &mut Context<Self>) {
        if !self.loaded {
            return;
        }
        self.enqueue_pending(context);
        self.let_go(context);
        self.admit(context);
        let in_flight = self.enqueueing || self.letting_go || self.admitting || self.releasing;
        if self.pending.is_empty() && self.leaving.is_empty() && !in_flight {
            for waiter in self.drain_waiters.drain(..) {
                let _ = waiter.send(Ok(()));
            }
        }
    }

    fn enqueue_pending(&mut self, context: &mut Context<Self>) {
        if self.enqueueing || self.pending.is_empty() {
            return;
        }
        self.enqueueing = true;
        let batch: Vec<_> = self.pending.drain(..self.batch_length()).collect();
        self.pending_players -= batch.iter().map(|(request, _)| request.players.len()).sum::<usize>();
        let (requests, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let (ledger, game) = (self.ledger.clone(), self.game);
        let write = async move { ledger.enqueue(game, requests).await };
        context.spawn(write.into_actor(self).map(move |outcome, actor, context| {
            actor.enqueueing = false;
            actor.answer_batch(outcome, replies, context);
            actor.advance(context);
        }));
    }

    /// So many of those that wait go together; at least one.
    fn batch_length(&self) -> usize {
        let mut players = 0;
        let fits = self.pending.iter().take(BATCH).take_while(|(request, _)| {
            players += request.players.len();
            players <= BATCH_PLAYERS
        });
        fits.count().max(1)
    }

    fn answer_batch(
        &mut self,
        outcome: Result<(Committed, Vec<Enqueued>)>,
        replies: Vec<Reply<Enqueued>>,
        context: &mut Context<Self>,
    ) {
        match outcome {
            Ok((committed, answers)) => {
                self.published(committed, context);
                for (reply, answer) in replies.into_iter().zip(answers) {
                    // A caller that went away finds its token again by asking the same.
                    let _ = reply.send(Ok(answer));
                }
            }
            Err(error) => {
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    fn let_go(&mut self, context: &mut Context<Self>) {
        if self.letting_go || self.leaving.is_empty() {
            return;
        }
        self.letting_go = true;
        let batch: Vec<_> = self.leaving.drain(..self.leaving.len().min(BATCH)).collect();
        let (sequences, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        let (ledger, game, asked) = (self.ledger.clone(), self.game, sequences.clone());
        let write = async move { ledger.leave(game, sequences).await };
        context.spawn(write.into_actor(self).map(move |outcome, actor, context| {
            actor.letting_go = false;
            match outcome {
                Ok((committed, answers)) => {
                    let left: Vec<i64> =
                        asked.iter().zip(&answers).filter(|(_, it)| **it == Leaving::Left).map(|(it, _)| *it).collect();
                    let row = committed.row;
                    if !actor.view.publish_left(committed, &left) {
                        actor.load(context);
                    }
                    actor.tell(row);
                    for (reply, answer) in replies.into_iter().zip(answers) {
                        let _ = reply.send(Ok(answer));
                    }
                }
                Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
            }
            actor.advance(context);
        }));
    }

    fn admit(&mut self, context: &mut Context<Self>) {
        let Some(row) = self.view.row() else { return };
        if self.draining {
            return;
        }
        if self.admitting || !self.view.has_work() || self.fruitless == Some(row.log.count) {
            return;
        }
        // A line that admits nobody is looked at once a second: its opening may have come.
        if !row.admits() && !std::mem::take(&mut self.swept) {
            return;
        }
        self.admitting = true;
        let (ledger, game, limit) = (self.ledger.clone(), self.game, self.admission_limit);
        let give_up = self.admission_failures >= GIVE_UP_AFTER && limit == 1;
        let write =
            async move { if give_up { ledger.give_up_next(game).await } else { ledger.admit(game, limit).await } };
        context.spawn(write.into_actor(self).map(|outcome, actor, context| match outcome {
            Ok(admitted) => {
                actor.admitting = false;
                actor.admission_failures = 0;
                actor.admission_limit = (actor.admission_limit * 2).min(BATCH);
                actor.admitted(admitted, context);
                actor.advance(context);
            }
            Err(error) => {
                tracing::warn!(game = actor.game.0, %error, "admission failed, will be tried again");
                if !error.is_retryable() {
                    // Halve until the row that cannot be decided stands alone.
                    actor.admission_limit = (actor.admission_limit / 2).max(1);
                    actor.admission_failures += u32::from(actor.admission_limit == 1);
                }
                context.run_later(RETRY_DELAY, |actor, context| {
                    actor.admitting = false;
                    actor.advance(context);
                });
            }
        }));
    }

    fn admitted(&mut self, admitted: Admitted, context: &mut Context<Self>) {
        let (row, next) = (admitted.committed.row, admitted.next);
        if !self.view.publish_admitted(admitted) {
            self.load(context);
        }
        self.tell(row);
        // Without this an admission that can do nothing would be asked for again and again.
        self.fruitless = (next != Next::Now).then_some(row.log.count);
        if let Next::InMs(ms) = next {
            let wait = Duration::from_millis(ms.clamp(1, 60_000).unsigned_abs());
            context.run_later(wait, |actor, context| {
                actor.fruitless = None;
                actor.advance(context);
            });
        }
    }

    fn release_due(&mut self, context: &mut Context<Self>) {
        if self.releasing || !self.loaded {
            return;
        }
        self.releasing = true;
        let (ledger, game) = (self.ledger.clone(), self.game);
        let write = async move { ledger.release_due(game, BATCH).await };
        context.spawn(write.into_actor(self).map(|outcome, actor, context| {
            actor.releasing = false;
            match outcome {
                Ok((committed, released)) => {
                    actor.published(committed, context);
                    if released == BATCH as u64 {
                        actor.release_due(context);
                    }
                }
                Err(error) => {
                    tracing::warn!(game = actor.game.0, %error, "holds could not be released, will be tried again")
                }
            }
            actor.advance(context);
        }));
    }

    fn published(&mut self, committed: Committed, context: &mut Context<Self>) {
        let row = committed.row;
        if !self.view.publish_row(committed) {
            self.load(context);
        }
        self.tell(row);
    }

    /// Tells other nodes what happened, and nothing when nothing did: two nodes that told each other of every look at the
    /// row would keep each other looking.
    fn tell(&mut self, row: QueueRow) {
        if row.log.count > self.told {
            self.told = row.log.count;
            (self.committed)(self.game, row);
        }
    }
}

impl Actor for QuotaQueue {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.load(context);
    }
}

impl Handler<Enqueue> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, message: Enqueue, context: &mut Self::Context) {
        let full = self.pending.len() >= PENDING_LIMIT || self.pending_players >= PENDING_PLAYERS;
        if self.draining || full {
            let retry_after_seconds = if self.draining { 5 } else { 1 };
            let _ = message.reply.send(Err(DomainError::Busy { retry_after_seconds }));
            return;
        }
        self.pending_players += message.request.players.len();
        self.pending.push((message.request, message.reply));
        self.load_if_needed(context);
        self.advance(context);
    }
}

impl Handler<Leave> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, message: Leave, context: &mut Self::Context) {
        if self.draining || self.leaving.len() >= PENDING_LIMIT {
            let _ = message.reply.send(Err(DomainError::BUSY));
            return;
        }
        self.leaving.push((message.sequence, message.reply));
        self.load_if_needed(context);
        self.advance(context);
    }
}

impl Handler<Load> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, message: Load, context: &mut Self::Context) {
        if self.loaded {
            let _ = message.reply.send(Ok(()));
        } else if self.load_waiters.len() < LOAD_WAITERS {
            self.load_waiters.push(message.reply);
            self.load_if_needed(context);
        } else {
            let _ = message.reply.send(Err(DomainError::BUSY));
        }
    }
}

impl Handler<Refresh> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, _: Refresh, context: &mut Self::Context) {
        self.load(context);
    }
}

impl Handler<Sweep> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, _: Sweep, context: &mut Self::Context) {
        // Time alone may have changed what can be decided: an opening, the rate.
        self.fruitless = None;
        self.swept = true;
        self.release_due(context);
    }
}

impl Handler<Drain> for QuotaQueue {
    type Result = ();

    fn handle(&mut self, message: Drain, context: &mut Self::Context) {
        self.draining = true;
        if self.drain_waiters.len() < LOAD_WAITERS {
            self.drain_waiters.push(message.reply);
        }
        if self.loaded {
            self.advance(context);
        } else {
            self.fail_waiters(&DomainError::BUSY);
            self.drain_waiters.clear();
        }
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
