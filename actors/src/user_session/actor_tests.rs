use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Arbiter;
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{broadcast, mpsc};

use super::*;
use crate::chat_room::RoomParts;
use crate::chat_room::test_support::{MemoryLog, outbox, read, wire};
use crate::directory::Directory;
use crate::domain::caller_address::CallerAddress;
use crate::domain::chat::Publication;
use crate::domain::ids::AccountId;
use crate::outbox::Phase;
use crate::ports::{Bus, BusMessage, Topic};

const WAIT: Duration = Duration::from_secs(10);

struct Alone(broadcast::Sender<BusMessage>);

impl Bus for Alone {
    fn publish(&self, _: Topic, _: Bytes) {}
    fn subscribe(&self) -> broadcast::Receiver<BusMessage> {
        self.0.subscribe()
    }
    fn is_single_node(&self) -> bool {
        true
    }
}

/// Knows everybody whose token is a number, and no ban but of account 13.
struct Gate {
    rooms: Directory<LiveId, ChatRoom>,
    broken: AtomicBool,
}

#[async_trait]
impl SessionGate for Gate {
    async fn authenticate(&self, token: &str) -> Result<Arc<Account>> {
        let id = AccountId::parse(token).ok_or(DomainError::Unauthenticated)?;
        Ok(Arc::new(Account {
            id,
            username: String::new(),
            head_img: String::new(),
            has_mobile: false,
            register_time: 0,
            is_member: false,
        }))
    }
    fn generation(&self) -> u64 {
        0
    }
    async fn rights(&self, account: Option<AccountId>, _: CallerAddress, _: Option<LiveId>) -> Result<Rights> {
        if account == Some(AccountId(13)) {
            return Err(DomainError::Muted { reason: "spam".into(), seconds_left: 9 });
        }
        Ok(Rights { moderator: account == Some(AccountId(7)) })
    }
    async fn room(&self, room: LiveId) -> Result<Addr<ChatRoom>> {
        Ok(self.rooms.get_or_start(room))
    }
    async fn in_progress(&self) -> Result<Vec<LiveId>> {
        Ok(vec![LiveId(3), LiveId(4)])
    }
    async fn history(&self, _: LiveId, _: Option<i64>, _: u32) -> Result<Vec<Publication>> {
        Ok(Vec::new())
    }
    async fn watch_queue(&self, _: &str, _: &Arc<Outbox>) -> Result<Box<dyn Watching>> {
        Err(DomainError::InvalidQueueToken)
    }
    fn online(&self, _: Option<LiveId>) -> i64 {
        assert!(!self.broken.load(Ordering::SeqCst), "a test lets the session die");
        0
    }
    fn now_ms(&self) -> i64 {
        0
    }
}

struct Slot;

impl SocketSlot for Slot {
    fn address(&self) -> CallerAddress {
        CallerAddress::known(IpAddr::V4(Ipv4Addr::LOCALHOST))
    }
    fn belongs_to(&mut self, _: AccountId) -> Result<()> {
        Ok(())
    }
    fn take_line(&self, _: AccountId, _: u32, _: Instant) -> Result<()> {
        Ok(())
    }
    fn take_lookup(&self, _: Instant) -> Result<()> {
        Ok(())
    }
}

fn gate() -> Arc<Gate> {
    let parts = RoomParts {
        log: Arc::new(MemoryLog::default()),
        wire: wire(),
        bus: Arc::new(Alone(broadcast::channel(1).0)),
        board: Arc::default(),
        closed: Arc::default(),
        node: 1,
    };
    let rooms = Directory::new(vec![Arbiter::new().handle()], 64, move |room| ChatRoom::new(*room, parts.clone()));
    Arc::new(Gate { rooms, broken: AtomicBool::new(false) })
}

struct Client {
    commands: mpsc::Sender<Inbound>,
    outbox: Arc<Outbox>,
    token: String,
}

impl Client {
    fn open(gate: &Arc<Gate>, connection: u64) -> Self {
        let (commands, inbox) = mpsc::channel(16);
        let outbox = outbox(1 << 20);
        let parts = SessionParts {
            gate: Arc::clone(gate) as _,
            wire: wire(),
            outbox: Arc::clone(&outbox),
            slot: Box::new(Slot),
            connection: ConnectionId(connection),
            uuid: format!("u{connection}").into(),
            // Looks around every 100 ms.
            limits: SessionLimits {
                login_timeout: WAIT * 10,
                ping_every: Duration::from_millis(400),
                pong_timeout: WAIT * 10,
                linger: WAIT,
                messages: None,
                moderator_messages: None,
                frames: None,
                max_characters: 500,
            },
        };
        UserSession::create(|ctx| {
            let inbound = stream::unfold(inbox, |mut inbox| async { inbox.recv().await.map(|next| (next, inbox)) });
            UserSession::add_stream(inbound, ctx);
            UserSession::new(parts)
        });
        Self { commands, outbox, token: connection.to_string() }
    }

    async fn send(&self, command: Command) {
        self.commands.send(Inbound::Command(command)).await.unwrap();
    }

    async fn login(&self) {
        self.send(Command::Login { room: ROOM, token: Some(self.token.clone()), resume: None }).await;
    }

    async fn say(&self, content: &str) {
        self.send(Command::Say { room: ROOM, content: content.to_owned(), token: None, client_id: None }).await;
    }

    /// Reads until `count` frames have come.
    async fn frames(&self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        let reading = async {
            while all.len() < count {
                all.extend(read(&self.outbox));
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WAIT, reading).await.expect("frames never came");
        all
    }
}

const ROOM: RoomRef = RoomRef { id: Some(LiveId(1)), form: RoomForm::Text };

fn run(test: impl Future<Output = ()>) {
    actix::System::new().block_on(test);
}

#[test]
fn a_session_that_panics_ends_its_own_socket_and_no_other() {
    run(async {
        let gate = gate();
        let (broken, other) = (Client::open(&gate, 1), Client::open(&gate, 2));
        for client in [&broken, &other] {
            client.login().await;
            assert_eq!(client.frames(1).await, ["W0-"]);
        }
        gate.broken.store(true, Ordering::SeqCst);
        broken.send(Command::Count { form: RoomForm::Text, content: "6".to_owned(), client_id: None }).await;
        assert_eq!(broken.frames(1).await, ["C1011"]);
        assert_eq!(broken.outbox.phase(), Phase::Finished, "the body ends");
        other.say("one").await;
        assert_eq!(other.frames(1).await, ["E1"]);
        // The same person with a new connection.
        let again = Client::open(&gate, 3);
        again.login().await;
        assert_eq!(again.frames(1).await, ["W1-"]);
    });
}

#[test]
fn a_viewer_that_says_nothing_comes_back_to_a_replaced_room_by_itself() {
    run(async {
        let gate = gate();
        let (speaker, viewer) = (Client::open(&gate, 1), Client::open(&gate, 2));
        for client in [&speaker, &viewer] {
            client.login().await;
            assert_eq!(client.frames(1).await, ["W0-"]);
        }
        speaker.say("one").await;
        assert_eq!(speaker.frames(1).await, ["E1"]);
        speaker.say("/die").await;
        assert_eq!(speaker.frames(1).await, ["X"]);
        let replaced = async {
            while gate.rooms.get(&LiveId(1)).is_some() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(WAIT, replaced).await.expect("the room survived its panic");
        speaker.say("two").await;
        assert_eq!(speaker.frames(1).await, ["E2"]);
        assert_eq!(viewer.frames(2).await, ["L1", "L2"]);
    });
}

#[test]
fn the_banned_are_told_and_closed() {
    run(async {
        let gate = gate();
        let mut client = Client::open(&gate, 1);
        client.token = "13".to_owned();
        client.login().await;
        assert_eq!(client.frames(2).await, ["X", "C4003"]);
    });
}

#[test]
fn another_room_needs_a_login_once_one_was_sent() {
    run(async {
        let gate = gate();
        let client = Client::open(&gate, 1);
        client.login().await;
        assert_eq!(client.frames(1).await, ["W0-"]);
        let other = RoomRef { id: Some(LiveId(2)), form: RoomForm::Text };
        client.send(Command::Say { room: other, content: "x".to_owned(), token: None, client_id: None }).await;
        assert_eq!(client.frames(1).await, ["X"]);
        client.send(Command::Login { room: other, token: Some("1".to_owned()), resume: None }).await;
        assert_eq!(client.frames(1).await, ["W0-"]);
    });
}
