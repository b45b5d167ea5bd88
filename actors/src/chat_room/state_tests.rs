use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::messages::Resume;
use super::super::test_support::{publish, read, saved, subscription, wire};
use super::*;

const ROOM: LiveId = LiveId(1);
const PLENTY: usize = 1 << 24;

fn empty() -> RoomState {
    let snapshot = RoomSnapshot { epoch: "e".to_owned(), tail: 0, recent: Vec::new() };
    RoomState::new(ROOM, wire(), snapshot)
}

fn join(subscription: &Arc<Subscription>, resume: Option<Resume>) -> Join {
    Join { subscription: Arc::clone(subscription), resume, greeting: Greeting::Welcome }
}

fn resume(offset: i64) -> Option<Resume> {
    Some(Resume { offset, epoch: "e".to_owned() })
}

/// Saves the batch that waits as the log would, after `others` lines of other nodes.
fn save(state: &mut RoomState, log: &mut Vec<Publication>, others: usize, now: Instant) {
    let Some(batch) = state.next_batch() else { return };
    for _ in 0..others {
        let elsewhere = subscription(9000, 1);
        log.push(saved(log.len() as i64 + 1, publish(&elsewhere, "other").line));
    }
    let verdicts = batch
        .into_iter()
        .map(|line| {
            log.push(saved(log.len() as i64 + 1, line));
            Verdict::Saved(log[log.len() - 1].clone())
        })
        .collect();
    let (_, fitted) = state.batch_saved(verdicts, now);
    assert_eq!(fitted.is_err(), others > 0);
    if fitted.is_err() {
        catch_up(state, log, now);
    }
}

fn catch_up(state: &mut RoomState, log: &[Publication], now: Instant) {
    // What a slow read brings overlaps with what the bus has told since.
    let missing = log[(state.tail() as usize).saturating_sub(3)..].to_vec();
    assert_eq!(state.apply(missing, now), Ok(()));
}

/// Say one line and save it.
fn line(state: &mut RoomState, log: &mut Vec<Publication>, from: &Arc<Subscription>, now: Instant) {
    state.submit(publish(from, "x"));
    save(state, log, 0, now);
}

#[test]
fn old_lines_are_given_as_far_as_memory_reaches() {
    let (mut state, mut log, now) = (empty(), Vec::new(), Instant::now());
    let offsets = |state: &RoomState, before, limit| {
        let lines = state.lines_before(before, limit);
        lines.map(|lines| lines.iter().map(|line| line.offset).collect::<Vec<_>>())
    };
    assert_eq!(offsets(&state, None, 5), Some(vec![]), "nobody said anything");
    let one = subscription(1, PLENTY);
    state.join(join(&one, None));
    for _ in 0..KEPT_LINES {
        line(&mut state, &mut log, &one, now);
    }
    assert_eq!(offsets(&state, Some(3), 5), Some(vec![1, 2]), "the whole history is in memory");
    line(&mut state, &mut log, &one, now);
    state.recent[997].deleted = true;
    assert_eq!(offsets(&state, None, 3), Some(vec![998, 1000, 1001]), "999 was deleted");
    assert_eq!(offsets(&state, Some(4), 2), Some(vec![2, 3]));
    assert_eq!(offsets(&state, Some(4), 3), None, "1 is not in memory any more");
}

#[test]
fn the_sender_is_answered_at_once_and_the_others_within_the_window() {
    let (mut state, mut log, now) = (empty(), Vec::new(), Instant::now());
    let (one, two) = (subscription(1, PLENTY), subscription(2, PLENTY));
    state.join(join(&one, None));
    state.join(join(&two, None));
    line(&mut state, &mut log, &one, now);
    assert_eq!(state.due_in(now), Some(Duration::ZERO), "the first line leaves at once");
    state.fan_out(now);
    line(&mut state, &mut log, &one, now);
    line(&mut state, &mut log, &two, now);
    assert_eq!(state.due_in(now), Some(SHORTEST_WINDOW));
    assert_eq!(read(&one.outbox), ["W0-", "E1", "E2"]);
    assert_eq!(read(&two.outbox), ["W0-", "L1", "L2", "E3"], "an echo never overtakes an earlier line");
    assert_eq!(state.due_in(now + SHORTEST_WINDOW), Some(Duration::ZERO));
    state.fan_out(now + SHORTEST_WINDOW);
    assert_eq!(read(&one.outbox), ["L3"]);
    assert!(read(&two.outbox).is_empty());
    assert_eq!(state.due_in(now), None);
}

#[test]
fn the_window_grows_with_the_room_and_has_an_end() {
    let (mut state, mut log, now) = (empty(), Vec::new(), Instant::now());
    let speaker = subscription(1, PLENTY);
    state.join(join(&speaker, None));
    state.last_fan_out = Some(now);
    line(&mut state, &mut log, &speaker, now);
    for (members, window) in [(100, 10), (5_000, 100), (50_000, 200)] {
        while state.members.len() < members {
            let next = state.members.len() as u64 + 1;
            state.members.insert(ConnectionId(next), Arc::clone(&speaker));
        }
        assert_eq!(state.due_in(now), Some(Duration::from_millis(window)));
    }
}

#[test]
fn all_readers_share_the_bytes_of_a_batch() {
    let (mut state, mut log, now) = (empty(), Vec::new(), Instant::now());
    let speaker = subscription(1, PLENTY);
    let readers: Vec<_> = [2, 4, 5].map(|id| subscription(id, PLENTY)).into();
    for member in readers.iter().chain([&speaker]) {
        state.join(join(member, None));
    }
    for member in &readers {
        read(&member.outbox);
    }
    state.submit(publish(&speaker, "x"));
    state.submit(publish(&speaker, "y"));
    save(&mut state, &mut log, 0, now);
    state.fan_out(now);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let pieces: Vec<Bytes> = readers
        .iter()
        .map(|reader| match reader.outbox.poll_next(&mut context) {
            std::task::Poll::Ready(Some(piece)) => piece,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(&pieces[0][..], b"L1;L2;");
    assert!(pieces.iter().all(|piece| piece.as_ptr() == pieces[0].as_ptr()));
}

#[test]
fn what_waits_is_bounded_and_the_rest_is_told() {
    let mut state = empty();
    let speaker = subscription(1, PLENTY);
    for _ in 0..PENDING_LINES + 5 {
        state.submit(publish(&speaker, "x"));
    }
    assert_eq!(read(&speaker.outbox), ["X"; 5]);
    assert_eq!(state.next_batch().map(|batch| batch.len()), Some(BATCH_LINES));
    assert_eq!(state.next_batch(), None, "one batch is on its way");
    state.batch_failed(&DomainError::BUSY);
    assert_eq!(read(&speaker.outbox).len(), BATCH_LINES);
    drop(state);
    assert_eq!(read(&speaker.outbox).len(), PENDING_LINES - BATCH_LINES, "what is dropped is told as well");
}

#[test]
fn a_reader_over_its_limit_is_closed_and_the_others_go_on() {
    let (mut state, mut log, mut now) = (empty(), Vec::new(), Instant::now());
    let (speaker, slow, good) = (subscription(1, PLENTY), subscription(2, 20), subscription(4, PLENTY));
    for member in [&speaker, &slow, &good] {
        state.join(join(member, None));
    }
    for _ in 0..20 {
        line(&mut state, &mut log, &speaker, now);
        now += LONGEST_WINDOW;
        state.fan_out(now);
    }
    assert_eq!(read(&slow.outbox), ["C4001"]);
    assert_eq!(read(&good.outbox).len(), 21);
    state.tick();
    assert_eq!(state.total().connections, 2, "the closed one is forgotten");
}

#[test]
fn a_gap_that_would_fill_the_outbox_is_not_recovered() {
    let (mut state, mut log, now) = (empty(), Vec::new(), Instant::now());
    let speaker = subscription(1, PLENTY);
    state.join(join(&speaker, None));
    for _ in 0..50 {
        line(&mut state, &mut log, &speaker, now);
    }
    let small = subscription(2, 120);
    state.join(join(&small, resume(0)));
    let told = read(&small.outbox);
    assert_eq!(told[0], "W50-");
    assert_eq!(told.last().map(String::as_str), Some("L50"));
    assert!(small.outbox.is_open());
}

#[test]
fn deleted_lines_are_told_as_such() {
    let (mut log, now) = (Vec::new(), Instant::now());
    let mut state = empty();
    let speaker = subscription(1, PLENTY);
    for _ in 0..3 {
        line(&mut state, &mut log, &speaker, now);
    }
    log[1].deleted = true;
    let snapshot = RoomSnapshot { epoch: "e".to_owned(), tail: 3, recent: log };
    let mut state = RoomState::new(ROOM, wire(), snapshot);
    let reader = subscription(2, PLENTY);
    state.join(join(&reader, resume(0)));
    assert_eq!(read(&reader.outbox), ["W3+", "L1", "D2", "L3"]);
}

#[test]
fn an_erased_accounts_lines_are_emptied_and_told_as_deleted() {
    let (mut log, now) = (Vec::new(), Instant::now());
    let mut state = empty();
    let (erased, other) = (subscription(1, PLENTY), subscription(2, PLENTY));
    for member in [&erased, &other] {
        state.join(join(member, None));
    }
    for speaker in [&erased, &other, &erased] {
        line(&mut state, &mut log, speaker, now);
    }
    read(&other.outbox);
    state.forget_account(erased.profile.as_ref().unwrap().account, now);
    let told = read(&other.outbox);
    assert_eq!(told[told.len() - 2..], ["D1", "D3"], "{told:?}");
    let late = subscription(4, PLENTY);
    state.join(join(&late, resume(0)));
    assert_eq!(read(&late.outbox)[1..], ["D1", "L2", "D3"]);
    state.forget_account(erased.profile.as_ref().unwrap().account, now);
    assert!(read(&late.outbox).is_empty(), "nothing is told twice");
}

#[derive(Debug, Clone)]
enum Step {
    Join(u64),
    Resume(u64, i64),
    Leave(u64),
    Say(u64),
    Save { others: usize },
    Fail,
    News(usize),
    FanOut,
    Pass(u64),
    Die,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0u64..8).prop_map(Step::Join),
        2 => (0u64..8, 0i64..40).prop_map(|(id, back)| Step::Resume(id, back)),
        2 => (0u64..8).prop_map(Step::Leave),
        8 => (0u64..8).prop_map(Step::Say),
        8 => (0usize..3).prop_map(|others| Step::Save { others }),
        1 => Just(Step::Fail),
        2 => (1usize..4).prop_map(Step::News),
        6 => Just(Step::FanOut),
        4 => (0u64..300).prop_map(Step::Pass),
        1 => Just(Step::Die),
    ]
}

/// One connection as its client sees it: the offset it stands at, and what it is owed.
struct Client {
    member: Arc<Subscription>,
    /// The last offset, once it has been welcomed.
    at: Option<i64>,
    lines: BTreeMap<i64, char>,
    said: usize,
    answered: usize,
}

impl Client {
    /// Reads everything and checks that it follows what was read before.
    fn read(&mut self) {
        for frame in read(&self.member.outbox) {
            let (kind, rest) = frame.split_at(1);
            match kind {
                "W" => {
                    let recovered = rest.ends_with('+');
                    let offset: i64 = rest[..rest.len() - 1].parse().unwrap();
                    if !recovered {
                        // Told: the lines that follow, if any, end at `offset`.
                        self.at = None;
                        self.lines.clear();
                    }
                    let _ = offset;
                }
                "X" => self.answered += 1,
                _ => {
                    let offset: i64 = rest.parse().unwrap();
                    if let Some(at) = self.at {
                        assert_eq!(offset, at + 1, "a gap or a repetition");
                    }
                    self.at = Some(offset);
                    assert!(self.lines.insert(offset, kind.chars().next().unwrap()).is_none());
                    if kind == "E" {
                        self.answered += 1;
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn everybody_sees_every_line_once_and_in_order(steps in proptest::collection::vec(step(), 1..200)) {
        let mut now = Instant::now();
        let mut log: Vec<Publication> = Vec::new();
        let mut state = empty();
        let mut clients: BTreeMap<u64, Client> = BTreeMap::new();
        let mut next = 0;
        for step in steps {
            match step {
                Step::Join(slot) | Step::Resume(slot, _) => {
                    if let Some(mut gone) = clients.remove(&slot) {
                        gone.member.leave();
                        state.leave(&gone.member);
                        gone.read();
                    }
                    next += 1;
                    let member = subscription(next, PLENTY);
                    let from = match step {
                        Step::Resume(_, back) => Some((state.tail() - back).max(0)),
                        _ => None,
                    };
                    state.join(join(&member, from.and_then(resume)));
                    let at = Some(from.unwrap_or(state.tail()));
                    let mut client = Client { member, at, lines: BTreeMap::new(), said: 0, answered: 0 };
                    if from.is_none() {
                        let told = read(&client.member.outbox);
                        prop_assert_eq!(told.len(), 1);
                    }
                    client.read();
                    clients.insert(slot, client);
                }
                Step::Leave(slot) => {
                    if let Some(gone) = clients.remove(&slot) {
                        state.leave(&gone.member);
                    }
                }
                Step::Say(slot) => {
                    if let Some(client) = clients.get_mut(&slot) {
                        client.said += 1;
                        state.submit(publish(&client.member, "x"));
                    }
                }
                Step::Save { others } => save(&mut state, &mut log, others, now),
                Step::Fail => {
                    if state.next_batch().is_some() {
                        state.batch_failed(&DomainError::BUSY);
                    }
                }
                Step::News(count) => {
                    let elsewhere = subscription(9000, 1);
                    for _ in 0..count {
                        log.push(saved(log.len() as i64 + 1, publish(&elsewhere, "other").line));
                    }
                    // The bus lost the first message: the rest does not fit and is read from the log.
                    if count > 1 {
                        prop_assert_eq!(state.apply(log[log.len() - 1..].to_vec(), now), Err(Gap));
                    }
                    catch_up(&mut state, &log, now);
                }
                Step::FanOut => {
                    if state.due_in(now) == Some(Duration::ZERO) {
                        state.fan_out(now);
                    }
                }
                Step::Pass(milliseconds) => now += Duration::from_millis(milliseconds),
                Step::Die => {
                    // The room is replaced, and the sessions come back to the new one.
                    let skip = log.len().saturating_sub(KEPT_LINES);
                    let recent = log[skip..].to_vec();
                    let snapshot = RoomSnapshot { epoch: "e".to_owned(), tail: log.len() as i64, recent };
                    state = RoomState::new(ROOM, wire(), snapshot);
                    for client in clients.values() {
                        let back = Join { greeting: Greeting::Quiet, ..join(&client.member, None) };
                        state.join(back);
                    }
                }
            }
            for client in clients.values_mut() {
                client.read();
            }
            for (index, line) in log.iter().enumerate() {
                prop_assert_eq!(line.offset, index as i64 + 1);
            }
            prop_assert!(state.recent.len() <= KEPT_LINES);
            prop_assert_eq!(state.total().connections as usize, clients.len());
            prop_assert_eq!(state.total().users as usize, clients.len());
        }
        while state.in_flight.is_some() || !state.pending.is_empty() {
            save(&mut state, &mut log, 0, now);
        }
        state.fan_out(now);
        for client in clients.values_mut() {
            client.read();
            prop_assert_eq!(client.at, Some(log.len() as i64), "something never came");
            prop_assert_eq!(client.said, client.answered, "each line is answered exactly once");
            for (offset, kind) in &client.lines {
                let own = log[*offset as usize - 1].uuid == client.member.uuid;
                prop_assert_eq!(own, *kind == 'E', "echo and broadcast are mixed up");
            }
        }
    }
}
