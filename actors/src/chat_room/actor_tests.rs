use std::sync::Mutex;

use actix::{Actor, Arbiter};
use tokio::sync::broadcast;

use super::super::messages::Subscription;
use super::super::test_support::{MemoryLog, publish, read, subscription, wire};
use super::super::wire::Greeting;
use super::*;
use crate::directory::Directory;
use crate::ports::BusMessage;

const ROOM: LiveId = LiveId(1);
const PATIENCE: Duration = Duration::from_secs(10);

struct TestBus {
    alone: bool,
    told: Mutex<Vec<(Topic, Bytes)>>,
    news: broadcast::Sender<BusMessage>,
}

impl Bus for TestBus {
    fn publish(&self, topic: Topic, payload: Bytes) {
        self.told.lock().unwrap().push((topic, payload));
    }
    fn subscribe(&self) -> broadcast::Receiver<BusMessage> {
        self.news.subscribe()
    }
    fn is_single_node(&self) -> bool {
        self.alone
    }
}

fn parts(alone: bool) -> (RoomParts, Arc<MemoryLog>, Arc<TestBus>) {
    let log = Arc::new(MemoryLog::default());
    let bus = Arc::new(TestBus { alone, told: Mutex::default(), news: broadcast::channel(1).0 });
    let parts = RoomParts {
        log: Arc::clone(&log) as _,
        wire: wire(),
        bus: Arc::clone(&bus) as _,
        board: Arc::default(),
        closed: Arc::default(),
        node: 1,
    };
    (parts, log, bus)
}

fn join(member: &Arc<Subscription>, greeting: Greeting) -> Join {
    Join { subscription: Arc::clone(member), resume: None, greeting }
}

/// Reads until `count` frames have come.
async fn frames(member: &Subscription, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    let reading = async {
        while all.len() < count {
            all.extend(read(&member.outbox));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("frames never came");
    all
}

fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

#[test]
fn a_room_that_panics_is_replaced_and_goes_on_where_each_member_stands() {
    run(async {
        let (parts, log, _) = parts(true);
        let rooms = Directory::new(vec![Arbiter::new().handle()], 64, move |room| ChatRoom::new(*room, parts.clone()));
        let (speaker, viewer) = (subscription(1, 1 << 20), subscription(2, 1 << 20));
        let room = rooms.get_or_start(ROOM);
        for member in [&speaker, &viewer] {
            room.try_send(join(member, Greeting::Welcome)).unwrap();
        }
        room.try_send(publish(&speaker, "one")).unwrap();
        assert_eq!(frames(&speaker, 2).await, ["W0-", "E1"]);
        room.try_send(publish(&speaker, "/die")).unwrap();
        assert_eq!(frames(&speaker, 1).await, ["X"], "the caller gets a retryable error");
        let gone = async {
            while room.connected() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the room survived its panic");

        // Without the directory the next call would find nobody.
        assert!(room.try_send(publish(&speaker, "lost")).is_err());
        assert_eq!(frames(&speaker, 1).await, ["X"]);
        let room = rooms.get_or_start(ROOM);
        for member in [&speaker, &viewer] {
            room.try_send(join(member, Greeting::Quiet)).unwrap();
        }
        room.try_send(publish(&speaker, "two")).unwrap();
        assert_eq!(frames(&speaker, 1).await, ["E2"]);
        assert_eq!(frames(&viewer, 3).await, ["W0-", "L1", "L2"]);
        assert_eq!(log.0.lock().unwrap().len(), 2);
    });
}

#[test]
fn a_batch_that_fails_is_refused_and_the_next_one_works() {
    run(async {
        let (parts, _, _) = parts(true);
        let room = ChatRoom::new(ROOM, parts).start();
        let speaker = subscription(1, 1 << 20);
        room.try_send(join(&speaker, Greeting::Quiet)).unwrap();
        room.try_send(publish(&speaker, "/fail")).unwrap();
        assert_eq!(frames(&speaker, 1).await, ["X"]);
        room.try_send(publish(&speaker, "one")).unwrap();
        assert_eq!(frames(&speaker, 1).await, ["E1"]);
    });
}

#[test]
fn many_lines_share_few_batches_and_other_nodes_are_told_each() {
    run(async {
        let (parts, _, bus) = parts(false);
        let room = ChatRoom::new(ROOM, parts).start();
        let speaker = subscription(1, 1 << 20);
        // All 501 are to lie in the mailbox before the first is looked at, whatever its bound: that is what is tested.
        room.do_send(join(&speaker, Greeting::Quiet));
        for _ in 0..500 {
            room.do_send(publish(&speaker, "x"));
        }
        frames(&speaker, 500).await;
        let told = bus.told.lock().unwrap();
        let batches = told.iter().filter(|(topic, _)| *topic == Topic::Room(1)).count();
        assert!((1..=20).contains(&batches), "{batches} batches for 500 lines");
    });
}

#[test]
fn a_lost_message_of_another_node_is_found_in_the_log() {
    run(async {
        let (parts, log, _) = parts(false);
        let room = ChatRoom::new(ROOM, parts).start();
        let (viewer, elsewhere) = (subscription(1, 1 << 20), subscription(2, 1));
        room.try_send(join(&viewer, Greeting::Quiet)).unwrap();
        let joined = async {
            while viewer.seen().is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, joined).await.expect("joined");
        for number in 0..3 {
            let line = publish(&elsewhere, &number.to_string()).line;
            log.append(ROOM, vec![line]).await.unwrap();
        }
        // Nobody told of any of them: the room looks by itself.
        assert_eq!(frames(&viewer, 3).await, ["L1", "L2", "L3"]);
        let newest =
            log.append(ROOM, vec![publish(&elsewhere, "4").line, publish(&elsewhere, "5").line]).await.unwrap();
        let Verdict::Saved(fifth) = newest[1].clone() else { panic!() };
        let news = RoomNews::Lines { epoch: "e".to_owned(), lines: vec![fifth] };
        room.try_send(BusNews(serde_json::to_vec(&news).unwrap().into())).unwrap();
        assert_eq!(frames(&viewer, 2).await, ["L4", "L5"]);
    });
}
