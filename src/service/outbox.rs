//! The outbox's work: growing delays, each piece idempotent by its key. Any node may
//! run it; a claim puts a piece out of the others' reach for as long as its next try is away.

use std::sync::Arc;
use std::time::Duration;

use actors::error::{DomainError, Result};
use futures_util::StreamExt;
use futures_util::stream;

use super::{accounts, inquiries, mails, outbox_lane, pictures, reconciliation, refund_work, sms, sso};
use crate::context::Context;
use crate::failpoints::{Failpoint, pass};
use crate::store::sql::files::FORGET;
use crate::store::sql::mails::MAIL;
use crate::store::sql::outbox::{self as store, Lane};
use crate::store::sql::sso::NOTICE;

/// Giving money back. The payload is written and read by `refund_work`.
pub const REFUND: &str = "refund";

/// A short message. The payload is written and read by `sms`.
pub const SMS: &str = "sms";
/// Asking the payment provider for an order; written and read by `inquiries`.
pub const INQUIRY: &str = "inquiry";
/// Comparing a day's bill with the journal; written and read by `reconciliation`.
pub const BILL: &str = "bill";

const BATCH: i64 = 32;
/// Pieces that `step` does at the same time.
const AT_ONCE: usize = 8;
/// About two days of tries, the later ones an hour apart.
const MOST_ATTEMPTS: i64 = 50;
/// A notice whose next try would be later than this after the registration is given up.
const NOTICE_LIFE_MS: i64 = 86_400_000;
const FIRST_DELAY_MS: i64 = 15_000;
const LONGEST_DELAY_MS: i64 = 3_600_000;
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Why a try came to nothing, as administrators read it: without a word of a person.
#[derive(Debug)]
pub(super) struct Setback(String);

impl Setback {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl From<DomainError> for Setback {
    fn from(error: DomainError) -> Self {
        Self(error.to_string())
    }
}

/// Runs until it is dropped. A refund that is cut between the provider and the database is tried again.
pub async fn run(context: Arc<Context>) {
    let lanes = futures_util::future::join_all(Lane::ALL.map(|lane| outbox_lane::run(context.clone(), lane)));
    tokio::join!(lanes, tidy(&context));
}

async fn tidy(context: &Context) {
    loop {
        if let Err(error) = accounts::sweep_sessions(context).await {
            tracing::warn!(%error, "stale sessions");
        }
        if let Err(error) = reconciliation::schedule(context).await {
            tracing::warn!(%error, "the bill of the day before");
        }
        tokio::time::sleep(TIDY_EVERY).await;
    }
}

/// Tries what is due, at most a batch of each lane. Answers how many pieces were done; one that failed is due again later.
pub async fn step(context: &Context) -> Result<usize> {
    let mut done = 0;
    for lane in Lane::ALL {
        let due = store::due(&context.db, lane, context.db.now_ms(), BATCH).await?;
        let outcomes: Vec<Result<bool>> =
            stream::iter(due).map(|work| attempt(context, work)).buffer_unordered(AT_ONCE).collect().await;
        for outcome in outcomes {
            done += usize::from(outcome?);
        }
    }
    Ok(done)
}

/// Whether the piece was done here and now.
pub(super) async fn attempt(context: &Context, work: store::Work) -> Result<bool> {
    let (id, attempts) = (work.id, work.attempts);
    let next_at = context.db.now_ms() + delay_ms(attempts).max(longest_ms(&work.kind));
    let claimed =
        context.db.write(move |tx| Box::pin(async move { Ok(store::claim(tx, id, attempts, next_at).await?) })).await?;
    if !claimed {
        return Ok(false);
    }
    pass(Failpoint::OutboxClaimed);
    match act(context, &work).await {
        Ok(()) => Ok(true),
        Err(Setback(reason)) => put_off(context, &work, next_at, reason).await.map(|()| false),
    }
}

async fn act(context: &Context, work: &store::Work) -> std::result::Result<(), Setback> {
    let (id, payload) = (work.id, work.payload.as_str());
    match work.kind.as_str() {
        REFUND => refund_work::perform(context, id, payload).await?,
        INQUIRY => inquiries::perform(context, id, payload).await?,
        BILL => reconciliation::perform(context, id, payload).await?,
        SMS => sms::perform(context, id, payload).await?,
        FORGET => pictures::forget(context, id, payload).await?,
        MAIL => mails::perform(context, id, payload).await?,
        NOTICE => sso::notices::perform(context, id, payload).await?,
        other => {
            tracing::error!(work_id = id, kind = other, "outbox work of unknown kind");
            return Err(DomainError::Internal.into());
        }
    }
    Ok(())
}

async fn put_off(context: &Context, work: &store::Work, next_at: i64, reason: String) -> Result<()> {
    let id = work.id;
    let too_old = work.kind == NOTICE && next_at > work.created_at + NOTICE_LIFE_MS;
    let most_attempts = if too_old { 0 } else { MOST_ATTEMPTS };
    if work.attempts + 1 >= most_attempts {
        tracing::error!(work_id = id, kind = work.kind, reason, "outbox work given up");
    } else {
        tracing::warn!(work_id = id, kind = work.kind, attempts = work.attempts + 1, reason, "outbox work put off");
    }
    context.db.write(move |tx| Box::pin(async move { Ok(store::failed(tx, id, &reason, most_attempts).await?) })).await
}

/// How long a piece may take; its claim keeps other nodes away for as long at least.
fn longest_ms(kind: &str) -> i64 {
    match kind {
        // One request that may take a minute, and the comparison.
        BILL => 90_000,
        // A mail server may take its time over each step.
        MAIL => 45_000,
        _ => FIRST_DELAY_MS,
    }
}

/// Doubles with every try.
fn delay_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(16);
    (FIRST_DELAY_MS << doublings).min(LONGEST_DELAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_an_hour() {
        let delays: Vec<i64> = [0, 1, 2, 9, 10, 49].map(delay_ms).into();
        assert_eq!(delays, [15_000, 30_000, 60_000, 3_600_000, 3_600_000, 3_600_000]);
    }
}
