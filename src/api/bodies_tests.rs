use actix_web::test::TestRequest;
use futures_util::stream;

use super::*;
use crate::service::body_budget::BodyLimits;

const LONG: Duration = Duration::from_secs(3600);

fn allowance(stranger: Duration, bytes: usize) -> Rc<Allowance> {
    Rc::new(Allowance {
        times: Times { known: LONG, stranger },
        known: Cell::new(false),
        discarded: Cell::new(false),
        refused: Cell::new(false),
        budget: BodyBudget::new(BodyLimits { bytes, per_address: usize::MAX }),
        address: CallerAddress::known([10, 0, 0, 1].into()),
        part: RefCell::new(None),
    })
}

fn bounded(chunks: Vec<Bytes>, stalls: bool, allowance: &Rc<Allowance>) -> Bounded {
    let start = stream::iter(chunks.into_iter().map(Ok));
    let payload: Payload = match stalls {
        true => Payload::Stream { payload: Box::pin(start.chain(stream::pending())) },
        false => Payload::Stream { payload: Box::pin(start) },
    };
    Bounded::new(payload, Rc::clone(allowance))
}

async fn poll(body: &mut Bounded) -> Poll<Option<std::result::Result<Bytes, PayloadError>>> {
    futures_util::poll!(body.next())
}

#[actix_web::test]
async fn a_body_that_stops_in_the_middle_ends_with_a_fault() {
    let allowance = allowance(Duration::from_millis(50), 1 << 20);
    let mut stalled = bounded(vec![Bytes::from_static(b"{")], true, &allowance);
    assert_eq!(stalled.next().await.unwrap().unwrap(), "{");
    let late = stalled.next().await.unwrap().unwrap_err();
    assert!(matches!(fault(&late), DomainError::Malformed(_)), "{late}");
    let mut whole = bounded(vec![Bytes::from_static(b"{}")], false, &allowance);
    assert_eq!(whole.next().await.unwrap().unwrap(), "{}");
    assert!(whole.next().await.is_none());
}

#[actix_web::test]
async fn who_became_known_has_more_time() {
    let allowance = allowance(Duration::from_millis(1), 1 << 20);
    let mut body = bounded(vec![], true, &allowance);
    allowance.known.set(true);
    // What wakes is set for a stranger's time.
    body.waiting = Some((Instant::now(), Box::pin(sleep(Duration::ZERO))));
    for _ in 0..10 {
        tokio::task::yield_now().await;
        assert!(poll(&mut body).await.is_pending());
    }
}

#[actix_web::test]
async fn what_waits_is_counted_until_the_request_is_over() {
    let allowance = allowance(LONG, 400);
    let budget = Arc::clone(&allowance.budget);
    let chunk = |bytes: usize| vec![Bytes::from(vec![b'x'; bytes])];
    // There at once: not counted.
    let mut quick = bounded(chunk(300), false, &allowance);
    assert!(quick.next().await.unwrap().is_ok() && quick.next().await.is_none());
    assert_eq!(budget.bytes(), 0);
    let mut slow = bounded(chunk(100), true, &allowance);
    assert!(slow.next().await.unwrap().is_ok());
    assert!(poll(&mut slow).await.is_pending());
    assert_eq!(budget.bytes(), 100);
    let second = Rc::new(Allowance {
        known: Cell::new(false),
        discarded: Cell::new(false),
        refused: Cell::new(false),
        part: RefCell::new(None),
        budget: Arc::clone(&budget),
        ..*allowance
    });
    let mut one_too_many = bounded(chunk(1), true, &second);
    assert!(one_too_many.next().await.unwrap().is_ok());
    let full = one_too_many.next().await.unwrap().unwrap_err();
    assert_eq!(fault(&full), FULL);
    assert!(second.refused.get());
    drop(slow);
    assert_eq!(budget.bytes(), 100, "the handler has it still");
    drop(allowance);
    assert_eq!(budget.bytes(), 100, "as the other body that shares the allowance");
    drop(quick);
    assert_eq!(budget.bytes(), 0);
}

#[actix_web::test]
async fn what_nobody_keeps_takes_no_room() {
    let allowance = allowance(LONG, 4);
    allowance.discarded.set(true);
    let mut body = bounded(vec![Bytes::from(vec![b'x'; 100_000])], true, &allowance);
    assert!(body.next().await.unwrap().is_ok());
    assert!(poll(&mut body).await.is_pending());
    assert_eq!(allowance.budget.bytes(), 0);
}

#[actix_web::test]
async fn a_body_over_the_size_is_refused_before_it_is_read() {
    let request = TestRequest::post().insert_header((CONTENT_LENGTH, "11")).to_http_request();
    let silent = || -> Payload { Payload::Stream { payload: Box::pin(stream::pending()) } };
    assert_eq!(read(&request, silent(), 10).await, Err(DomainError::TooLarge));
    let chunked = TestRequest::post().to_http_request();
    let chunks = stream::iter((0..3).map(|_| Ok(Bytes::from_static(b"12345"))));
    let body: Payload = Payload::Stream { payload: Box::pin(chunks) };
    assert_eq!(read(&chunked, body, 14).await, Err(DomainError::TooLarge));
    let chunks = stream::iter((0..3).map(|_| Ok(Bytes::from_static(b"12345"))));
    let body: Payload = Payload::Stream { payload: Box::pin(chunks) };
    assert_eq!(read(&chunked, body, 15).await.unwrap().len(), 15);
}
