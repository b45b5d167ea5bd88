//! The actor over a ledger in memory: batches, panics, bad rows, overload.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;

use super::super::messages::SealedPlayer;
use super::super::state::{Holder, Outcome, Quota, Waiting, decide, order_tail};
use super::super::view::{Place, Views};
use super::*;
use crate::ask::ask;
use crate::directory::Directory;
use crate::domain::ids::AccountId;
use crate::domain::order::OrderNo;

#[derive(Default)]
struct Book {
    row: Option<QueueRow>,
    waiting: Vec<Waiting>,
    taken: HashMap<String, Holder>,
    outcomes: Vec<Outcome>,
}

#[derive(Default)]
struct MemoryLedger {
    book: Mutex<Book>,
    panic_once: AtomicBool,
    poisoned: Mutex<Option<i64>>,
    enqueue_batches: AtomicUsize,
}

impl MemoryLedger {
    fn with_places(limitation: i64) -> Arc<Self> {
        let mut quota = Quota::default();
        quota.set(limitation, None);
        let ledger = Self::default();
        ledger.book.lock().unwrap().row =
            Some(QueueRow { version: 1, state: QueueState::Open, tail: 0, head: 0, quota });
        Arc::new(ledger)
    }
}

#[async_trait]
impl QuotaLedger for MemoryLedger {
    async fn load(&self, _: GameId, _: i64) -> Result<Admitted> {
        let book = self.book.lock().unwrap();
        let row = book.row.ok_or(DomainError::NotFound(crate::error::Entity::Game))?;
        Ok(Admitted { row, first: 1, outcomes: book.outcomes.clone() })
    }

    async fn enqueue(&self, _: GameId, requests: Vec<EnqueueRequest>) -> Result<(QueueRow, Vec<Enqueued>)> {
        assert!(!self.panic_once.swap(false, SeqCst), "asked to panic");
        self.enqueue_batches.fetch_add(1, SeqCst);
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        row.version += 1;
        let mut answers = Vec::new();
        for request in requests {
            row.tail += 1;
            let certificates = request.players.into_iter().map(|player| player.certificate_key).collect();
            book.waiting.push(Waiting { sequence: row.tail, account: request.account, certificates });
            answers.push(Enqueued::Waiting { sequence: row.tail });
        }
        book.row = Some(row);
        Ok((row, answers))
    }

    async fn admit(&self, _: GameId, limit: usize) -> Result<Admitted> {
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        let count = limit.min(book.waiting.len());
        let poisoned = *self.poisoned.lock().unwrap();
        if book.waiting[..count].iter().any(|token| Some(token.sequence) == poisoned) {
            return Err(DomainError::Internal);
        }
        let batch: Vec<Waiting> = book.waiting.drain(..count).collect();
        let first = row.head + 1;
        let outcomes =
            decide(&mut row.quota, &mut book.taken, &batch, |sequence| OrderNo::compose(0, order_tail(1, sequence)));
        row.head += count as i64;
        row.version += 1;
        book.outcomes.extend(outcomes.clone());
        book.row = Some(row);
        Ok(Admitted { row, first, outcomes })
    }

    async fn give_up_next(&self, _: GameId) -> Result<Admitted> {
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        book.waiting.remove(0);
        row.head += 1;
        row.version += 1;
        book.outcomes.push(Outcome::Failed);
        book.row = Some(row);
        Ok(Admitted { row, first: row.head, outcomes: vec![Outcome::Failed] })
    }

    async fn release_due(&self, _: GameId, _: usize) -> Result<(QueueRow, u64)> {
        Ok((self.book.lock().unwrap().row.unwrap(), 0))
    }
}

type Queues = Directory<GameId, QuotaQueue>;

fn queues(ledger: Arc<MemoryLedger>) -> (Queues, Arc<Views>) {
    let views = Arc::new(Views::default());
    let of_actors = views.clone();
    let directory = Directory::new(vec![Arbiter::new().handle()], 64, move |game: &GameId| {
        QuotaQueue::new(*game, ledger.clone(), of_actors.get_or_create(*game), Arc::new(|_, _| {}))
    });
    (directory, views)
}

fn request(person: usize) -> EnqueueRequest {
    EnqueueRequest {
        account: AccountId(1),
        request_key: format!("request-{person}"),
        players: vec![SealedPlayer { certificate_key: format!("certificate-{person}"), sealed: String::new() }],
    }
}

async fn enqueue(queues: &Queues, person: usize) -> Result<Enqueued> {
    ask(&queues.get_or_start(GameId(1)), |reply| Enqueue { request: request(person), reply }).await
}

async fn decided(views: &Views, sequence: i64) -> Outcome {
    let view = views.get_or_create(GameId(1));
    loop {
        if let Place::Decided(outcome) = view.place(sequence) {
            return outcome;
        }
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn every_token_gets_one_outcome_in_order() {
    let (queues, views) = queues(MemoryLedger::with_places(2));
    for person in 1..=3 {
        assert_eq!(enqueue(&queues, person).await, Ok(Enqueued::Waiting { sequence: person as i64 }));
    }
    assert!(matches!(decided(&views, 1).await, Outcome::Ordered(_)));
    assert!(matches!(decided(&views, 2).await, Outcome::Ordered(_)));
    assert_eq!(decided(&views, 3).await, Outcome::Full);
}

#[actix::test]
async fn requests_that_wait_together_share_a_batch() {
    let ledger = MemoryLedger::with_places(0);
    let (queues, _) = queues(ledger.clone());
    let all = futures_util::future::join_all((0..50).map(|person| enqueue(&queues, person))).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(ledger.enqueue_batches.load(SeqCst) < 50, "some rode together");
}

#[actix::test]
async fn panic_answers_busy_and_the_next_call_works() {
    let ledger = MemoryLedger::with_places(5);
    let (queues, views) = queues(ledger.clone());
    ledger.panic_once.store(true, SeqCst);
    assert_eq!(enqueue(&queues, 1).await, Err(DomainError::BUSY));
    // The mailbox closes a moment after the reply was dropped.
    let answer = loop {
        match enqueue(&queues, 1).await {
            Err(DomainError::Busy { .. }) => tokio::task::yield_now().await,
            answer => break answer,
        }
    };
    assert_eq!(answer, Ok(Enqueued::Waiting { sequence: 1 }));
    assert!(matches!(decided(&views, 1).await, Outcome::Ordered(_)));
}

#[actix::test]
async fn row_that_cannot_be_decided_fails_alone() {
    let ledger = MemoryLedger::with_places(9);
    *ledger.poisoned.lock().unwrap() = Some(2);
    let (queues, views) = queues(ledger.clone());
    for person in 1..=3 {
        enqueue(&queues, person).await.unwrap();
    }
    assert!(matches!(decided(&views, 1).await, Outcome::Ordered(_)));
    assert_eq!(decided(&views, 2).await, Outcome::Failed);
    assert!(matches!(decided(&views, 3).await, Outcome::Ordered(_)), "the line goes on");
}

#[actix::test]
async fn unknown_game_is_not_found_and_draining_is_busy() {
    let (missing, _) = queues(Arc::new(MemoryLedger::default()));
    assert_eq!(enqueue(&missing, 1).await, Err(DomainError::NotFound(crate::error::Entity::Game)));

    let (queues, _) = queues(MemoryLedger::with_places(9));
    enqueue(&queues, 1).await.unwrap();
    let address = queues.get_or_start(GameId(1));
    assert_eq!(ask(&address, |reply| Drain { reply }).await, Ok(()));
    assert_eq!(enqueue(&queues, 2).await, Err(DomainError::Busy { retry_after_seconds: 5 }));
}
