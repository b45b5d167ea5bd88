//! The actor over a ledger in memory: batches, panics, bad rows, overload.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use async_trait::async_trait;

use super::super::messages::{Known, Lists, Loaded, QueueState, SealedPlayer};
use super::super::state::{Admission, Holder, Outcome, Verdict, Waiting, order_tail};
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
    outcomes: Vec<Option<Outcome>>,
}

#[derive(Default)]
struct MemoryLedger {
    book: Mutex<Book>,
    panic_once: AtomicBool,
    poisoned: Mutex<Option<i64>>,
    enqueue_batches: AtomicUsize,
    admissions: AtomicUsize,
}

impl MemoryLedger {
    fn with_places(limitation: i64) -> Arc<Self> {
        let mut row = QueueRow { version: 1, ..QueueRow::default() };
        row.quota.set(limitation, None);
        let ledger = Self::default();
        ledger.book.lock().unwrap().row = Some(row);
        Arc::new(ledger)
    }

    fn change(&self, change: impl FnOnce(&mut QueueRow)) {
        let mut book = self.book.lock().unwrap();
        let row = book.row.as_mut().unwrap();
        row.version += 1;
        row.log.count += 1;
        change(row);
    }
}

fn committed(row: QueueRow) -> Committed {
    Committed { row, order: None }
}

#[async_trait]
impl QuotaLedger for MemoryLedger {
    async fn load(&self, _: GameId, _: Known) -> Result<Loaded> {
        let book = self.book.lock().unwrap();
        let row = book.row.ok_or(DomainError::NotFound(crate::error::Entity::Game))?;
        let left = book.waiting.iter().filter(|token| token.left).map(|token| token.sequence).collect();
        let lists = Some(Lists { wait_listed: Vec::new(), left });
        Ok(Loaded { committed: committed(row), first: 1, outcomes: book.outcomes.clone(), lists, notice: None })
    }

    async fn enqueue(&self, _: GameId, requests: Vec<EnqueueRequest>) -> Result<(Committed, Vec<Enqueued>)> {
        assert!(!self.panic_once.swap(false, SeqCst), "asked to panic");
        self.enqueue_batches.fetch_add(1, SeqCst);
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        row.version += 1;
        row.log.count += 1;
        let mut answers = Vec::new();
        for request in requests {
            row.tail += 1;
            let certificates = request.players.into_iter().map(|player| player.certificate_key).collect();
            let (sequence, account) = (row.tail, request.account);
            book.waiting.push(Waiting { sequence, account, certificates, left: false });
            answers.push(Enqueued::Waiting { sequence });
        }
        book.row = Some(row);
        Ok((committed(row), answers))
    }

    async fn admit(&self, _: GameId, limit: usize) -> Result<Admitted> {
        self.admissions.fetch_add(1, SeqCst);
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        row.version += 1;
        let first = row.head + 1;
        let count = if row.admits() { limit.min(book.waiting.len()) } else { 0 };
        let poisoned = *self.poisoned.lock().unwrap();
        if book.waiting[..count].iter().any(|token| Some(token.sequence) == poisoned) {
            return Err(DomainError::Internal);
        }
        let batch: Vec<Waiting> = book.waiting.drain(..count).collect();
        let mut admission = Admission {
            row: &mut row,
            taken: &mut book.taken,
            orders_left: i64::MAX,
            free_of_charge: false,
            over: false,
            wait_list_over: false,
            order_number: |sequence| OrderNo::compose(0, order_tail(7, 1, sequence)),
        };
        let before = admission.row.head;
        let outcomes: Vec<Option<Outcome>> = admission
            .decide(&batch)
            .into_iter()
            .map(|verdict| match verdict {
                Verdict::Decided(outcome) => Some(outcome),
                Verdict::WaitListed | Verdict::NotNow => None,
            })
            .collect();
        row.log.count += i64::from(row.head > before);
        book.outcomes.extend(outcomes.clone());
        book.row = Some(row);
        let next = if book.waiting.is_empty() { Next::OnChange } else { Next::Now };
        Ok(Admitted { committed: committed(row), first, outcomes, late: Vec::new(), next })
    }

    async fn give_up_next(&self, _: GameId) -> Result<Admitted> {
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        book.waiting.remove(0);
        row.head += 1;
        row.version += 1;
        row.log.count += 1;
        book.outcomes.push(Some(Outcome::Failed));
        book.row = Some(row);
        let outcomes = vec![Some(Outcome::Failed)];
        Ok(Admitted { committed: committed(row), first: row.head, outcomes, late: Vec::new(), next: Next::Now })
    }

    async fn release_due(&self, _: GameId, _: usize) -> Result<(Committed, u64)> {
        Ok((committed(self.book.lock().unwrap().row.unwrap()), 0))
    }

    async fn leave(&self, _: GameId, sequences: Vec<i64>) -> Result<(Committed, Vec<Leaving>)> {
        let mut book = self.book.lock().unwrap();
        let mut row = book.row.unwrap();
        row.version += 1;
        row.log.count += 1;
        row.list_version += 1;
        let mut answers = Vec::new();
        for sequence in sequences {
            match book.waiting.iter_mut().find(|token| token.sequence == sequence) {
                Some(token) => {
                    token.left = true;
                    answers.push(Leaving::Left);
                }
                None => answers.push(Leaving::Unknown),
            }
        }
        book.row = Some(row);
        Ok((committed(row), answers))
    }
}

type Queues = Directory<GameId, QuotaQueue>;

fn queues(ledger: Arc<MemoryLedger>) -> (Queues, Arc<Views>) {
    queues_that_tell(ledger, Arc::new(|_, _| {}))
}

fn queues_that_tell(
    ledger: Arc<MemoryLedger>,
    committed: Arc<dyn Fn(GameId, QueueRow) + Send + Sync>,
) -> (Queues, Arc<Views>) {
    let views = Arc::new(Views::default());
    let of_actors = views.clone();
    let directory = Directory::new(vec![Arbiter::new().handle()], 64, move |game: &GameId| {
        QuotaQueue::new(*game, ledger.clone(), of_actors.get_or_create(*game), committed.clone())
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

#[actix::test]
async fn who_leaves_is_passed_and_the_next_moves_up() {
    let ledger = MemoryLedger::with_places(1);
    ledger.change(|row| row.state = QueueState::Paused);
    let (queues, views) = queues(ledger.clone());
    for person in 1..=2 {
        enqueue(&queues, person).await.unwrap();
    }
    let address = queues.get_or_start(GameId(1));
    assert_eq!(ask(&address, |reply| Leave { sequence: 1, reply }).await, Ok(Leaving::Left));
    assert_eq!(ask(&address, |reply| Leave { sequence: 9, reply }).await, Ok(Leaving::Unknown));
    let view = views.get_or_create(GameId(1));
    assert_eq!(view.place(2), Place::Waiting { place: 1, wait: None });
    ledger.change(|row| row.state = QueueState::Open);
    address.send(Refresh).await.unwrap();
    assert_eq!(decided(&views, 1).await, Outcome::Left);
    assert!(matches!(decided(&views, 2).await, Outcome::Ordered(_)));
}

#[actix::test]
async fn line_that_admits_nobody_is_not_asked_for_each_newcomer() {
    let ledger = MemoryLedger::with_places(9);
    ledger.change(|row| row.rules.opening_at = Some(i64::MAX));
    let (queues, views) = queues(ledger.clone());
    for person in 1..=20 {
        enqueue(&queues, person).await.unwrap();
    }
    assert_eq!(views.get_or_create(GameId(1)).place(20), Place::BeforeOpening);
    assert_eq!(ledger.admissions.load(SeqCst), 0);
    // The sweep looks once, whatever it finds.
    let address = queues.get_or_start(GameId(1));
    address.send(Sweep).await.unwrap();
    address.send(Refresh).await.unwrap();
    enqueue(&queues, 21).await.unwrap();
    assert!(ledger.admissions.load(SeqCst) <= 1);
}

/// Two nodes that tell each other of looks at a row that changed nothing would never stop looking.
#[actix::test]
async fn looks_that_change_nothing_are_not_told() {
    let ledger = MemoryLedger::with_places(9);
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let (queues, views) = queues_that_tell(
        ledger.clone(),
        Arc::new(move |_, _| {
            count.fetch_add(1, SeqCst);
        }),
    );
    enqueue(&queues, 1).await.unwrap();
    decided(&views, 1).await;
    let address = queues.get_or_start(GameId(1));
    let (before, looks) = (told.load(SeqCst), ledger.admissions.load(SeqCst));
    assert!(before > 0);
    for _ in 0..5 {
        // Another node took the lock and changed nothing.
        ledger.book.lock().unwrap().row.as_mut().unwrap().version += 1;
        address.send(Refresh).await.unwrap();
        address.send(Sweep).await.unwrap();
        assert_eq!(ask(&address, |reply| Load { reply }).await, Ok(()));
    }
    assert_eq!(ask(&address, |reply| Drain { reply }).await, Ok(()));
    assert_eq!((told.load(SeqCst), ledger.admissions.load(SeqCst)), (before, looks), "nobody waits, nothing happened");
}
