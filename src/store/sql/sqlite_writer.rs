//! The one writer of a SQLite database. It takes all jobs that are waiting, runs each behind a savepoint and commits
//! them together: one `fdatasync` for many callers. A job that fails is undone alone; nobody is answered before the
//! commit.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actors::error::DomainError;
use futures_util::FutureExt;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

use super::db::{BoxFuture, StoreError, Tx};
use crate::args;
use crate::failpoints::{Failpoint, pass};

/// Jobs that may wait for the writer; a caller that finds the queue full waits `QUEUE_TIMEOUT`, then is told `Busy`.
const QUEUE_LENGTH: usize = 1024;
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// Jobs in one commit. Actors already bring hundreds of rows in one job.
const JOBS_PER_COMMIT: usize = 128;

trait Job: Send {
    /// True when the job's changes are to be kept.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool>;
    /// Tells the caller, after the commit or its failure.
    fn answer(self: Box<Self>, committed: bool);
}

struct WriteJob<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, DomainError>>,
    reply: oneshot::Sender<Result<T, DomainError>>,
}

impl<T, F> Job for WriteJob<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, DomainError>> + Send + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let Some(work) = self.work.take() else {
                return false;
            };
            let outcome = AssertUnwindSafe(work(tx)).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!("a write panicked and was undone");
                Err(DomainError::BUSY)
            });
            let keep = outcome.is_ok();
            self.outcome = Some(outcome);
            keep
        })
    }

    fn answer(self: Box<Self>, committed: bool) {
        let answer = match self.outcome {
            Some(Ok(_)) if !committed => Err(DomainError::BUSY),
            Some(outcome) => outcome,
            None => Err(DomainError::BUSY),
        };
        // The caller may have gone; the write stands all the same.
        let _ = self.reply.send(answer);
    }
}

enum Message {
    Job(Box<dyn Job>),
    Close(oneshot::Sender<()>),
}

#[derive(Clone)]
pub struct SqliteWriter {
    queue: mpsc::Sender<Message>,
}

impl SqliteWriter {
    /// `connection` must be the only one that writes.
    pub fn start(connection: SqliteConnection) -> Self {
        let (queue, inbox) = mpsc::channel(QUEUE_LENGTH);
        tokio::spawn(serve(connection, inbox));
        Self { queue }
    }

    pub async fn write<T, F>(&self, work: F) -> Result<T, DomainError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, DomainError>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Message::Job(Box::new(WriteJob { work: Some(work), outcome: None, reply }));
        self.queue.send_timeout(job, QUEUE_TIMEOUT).await.map_err(|_| DomainError::BUSY)?;
        answer.await.unwrap_or(Err(DomainError::BUSY))
    }

    /// Jobs in the queue.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Ends the writer after the jobs that wait now.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

async fn serve(connection: SqliteConnection, mut inbox: mpsc::Receiver<Message>) {
    let mut tx = Tx::Sqlite(connection);
    let mut jobs: Vec<Box<dyn Job>> = Vec::with_capacity(JOBS_PER_COMMIT);
    let mut closing = None;
    while closing.is_none() {
        match inbox.recv().await {
            Some(Message::Job(job)) => jobs.push(job),
            Some(Message::Close(done)) => closing = Some(done),
            None => break,
        }
        while jobs.len() < JOBS_PER_COMMIT && closing.is_none() {
            match inbox.try_recv() {
                Ok(Message::Job(job)) => jobs.push(job),
                Ok(Message::Close(done)) => closing = Some(done),
                Err(_) => break,
            }
        }
        if jobs.is_empty() {
            continue;
        }
        let committed = match commit_together(&mut tx, &mut jobs).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "commit failed, nothing was written");
                // If the transaction is still open this ends it; if not, it fails without harm.
                let _ = tx.execute("ROLLBACK", args![]).await;
                false
            }
        };
        for job in jobs.drain(..) {
            job.answer(committed);
        }
    }
    if let Tx::Sqlite(connection) = tx
        && let Err(error) = sqlx::Connection::close(connection).await
    {
        tracing::warn!(%error, "closing the database");
    }
    if let Some(done) = closing {
        let _ = done.send(());
    }
}

async fn commit_together(tx: &mut Tx, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    tx.execute("BEGIN IMMEDIATE", args![]).await?;
    pass(Failpoint::WriterBegun);
    if let [only] = jobs {
        if only.run(tx).await {
            pass(Failpoint::WriterBeforeCommit);
            tx.execute("COMMIT", args![]).await?;
            pass(Failpoint::WriterAfterCommitBeforeAnswer);
        } else {
            tx.execute("ROLLBACK", args![]).await?;
        }
        return Ok(());
    }
    for job in jobs.iter_mut() {
        tx.execute("SAVEPOINT job", args![]).await?;
        if !job.run(tx).await {
            tx.execute("ROLLBACK TO job", args![]).await?;
        }
        tx.execute("RELEASE job", args![]).await?;
        pass(Failpoint::WriterJobDone);
    }
    pass(Failpoint::WriterBeforeCommit);
    tx.execute("COMMIT", args![]).await?;
    pass(Failpoint::WriterAfterCommitBeforeAnswer);
    Ok(())
}
