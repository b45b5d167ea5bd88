//! A chat server on a free port with its own database, and an independent WebSocket client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};
use actors::chat_room::{ChatLog, NewLine, RoomSnapshot, Verdict};
use actors::domain::chat::Publication;
use actors::domain::ids::LiveId;
use actors::error::Result;
use actors::ports::{Bus, BusMessage, Topic};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use matchday::args;
use matchday::config::Config;
use matchday::context::Context;
use matchday::service::live::{self, Rooms, SocketLimits, Sockets};
use matchday::store::memory::MemoryBus;
use matchday::store::sql::chat::SqlChatLog;
use matchday::store::sql::db::{DatabaseUrl, Db};
use matchday::vault::Vault;
use matchday::ws;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than anything a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn config(chat: Value, limits_enabled: bool) -> Config {
    let mut settings = json!({
        "server": {"bind": "127.0.0.1:0", "public_url": "", "workers": 1, "trusted_proxies": [],
            "max_connections": 1000, "shutdown_timeout_seconds": 5},
        "chat": {"bind": "", "allowed_origins": [], "messages_per_30_seconds": 20,
            "moderator_messages_per_30_seconds": 100, "max_characters": 500, "sockets_per_account": 5,
            "sockets_per_address": 200, "outbox_bytes": 1 << 20, "login_timeout_seconds": 60,
            "ping_seconds": 25, "pong_timeout_seconds": 10},
        "internal": {"bind": ""}, "data_dir": "data", "database": {"url": ""}, "redis": {"url": ""},
        "admin": {"password": "", "session_seconds": 60}, "demo": false,
        "reg": {"payment_window_seconds": 60, "identity": "session", "trusting_networks": []},
        "h5": {"session_seconds": 60},
        "limits": {"enabled": limits_enabled, "logins_per_minute_per_address": 10,
            "enqueues_per_minute_per_account": 10, "certificate_queries_per_minute": 10},
        "secrets": {"token_key": "", "data_key": ""},
        "wechat": {"provider": "none", "base_url": "", "app_id": "", "app_secret": ""},
        "sms": {"provider": "none", "base_url": ""},
        "pay": {"provider": "none", "base_url": "", "mch_id": "", "api_key": "", "sign_type": "MD5"},
        "log": {"level": "info", "format": "text"},
    });
    for (key, value) in chat.as_object().expect("chat settings") {
        settings["chat"][key] = value.clone();
    }
    serde_json::from_value(settings).expect("settings")
}

/// Panics in the room that saves the line `/die`, as a fault of ours would.
struct MortalLog(SqlChatLog);

#[async_trait]
impl ChatLog for MortalLog {
    async fn open(&self, room: LiveId, keep: u32) -> Result<RoomSnapshot> {
        self.0.open(room, keep).await
    }
    async fn append(&self, room: LiveId, lines: Vec<NewLine>) -> Result<Vec<Verdict>> {
        assert!(
            !lines.iter().any(|line| line.content == "/die"),
            "a test lets the room die"
        );
        self.0.append(room, lines).await
    }
    async fn after(&self, room: LiveId, after: i64, limit: u32) -> Result<Vec<Publication>> {
        self.0.after(room, after, limit).await
    }
    async fn tail(&self, room: LiveId) -> Result<(String, i64)> {
        self.0.tail(room).await
    }
}

/// A bus between servers of one test; it can be cut.
#[derive(Default)]
pub struct Cable {
    nodes: Mutex<Vec<tokio::sync::broadcast::Sender<BusMessage>>>,
    cut: std::sync::atomic::AtomicBool,
}

impl Cable {
    pub fn plug(self: &Arc<Self>) -> Arc<CableBus> {
        let sender = tokio::sync::broadcast::channel(1024).0;
        let mut nodes = self.nodes.lock().unwrap();
        nodes.push(sender);
        Arc::new(CableBus {
            cable: Arc::clone(self),
            index: nodes.len() - 1,
        })
    }

    pub fn cut(&self) {
        self.cut.store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

pub struct CableBus {
    cable: Arc<Cable>,
    index: usize,
}

impl Bus for CableBus {
    fn publish(&self, topic: Topic, payload: Bytes) {
        if self.cable.cut.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        for (index, node) in self.cable.nodes.lock().unwrap().iter().enumerate() {
            if index != self.index {
                let _ = node.send(BusMessage {
                    topic,
                    payload: payload.clone(),
                });
            }
        }
    }
    fn subscribe(&self) -> tokio::sync::broadcast::Receiver<BusMessage> {
        self.cable.nodes.lock().unwrap()[self.index].subscribe()
    }
    fn is_single_node(&self) -> bool {
        false
    }
}

pub struct ChatServer {
    pub address: SocketAddr,
    pub context: web::Data<Context>,
    handle: ServerHandle,
    _folder: Option<tempfile::TempDir>,
}

impl ChatServer {
    pub async fn start() -> Self {
        Self::with(json!({}), true).await
    }

    pub async fn with(chat: Value, limits_enabled: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&DatabaseUrl::Sqlite(folder.path().join("chat.db")))
            .await
            .unwrap();
        for live in [1, 2] {
            let sql =
                "INSERT INTO lives (id, title, publish_time, created_at) VALUES ($1, 'live', 0, 0)";
            db.write(move |tx| {
                Box::pin(async move { Ok(tx.execute(sql, args![i64::from(live)]).await?) })
            })
            .await
            .unwrap();
        }
        let bus = Arc::new(MemoryBus::default());
        let mut server = Self::node(db, bus, config(chat, limits_enabled)).await;
        server._folder = Some(folder);
        server
    }

    /// One more server over the same database.
    pub async fn node(db: Db, bus: Arc<dyn Bus>, config: Config) -> Self {
        let arbiter = actix_rt::Arbiter::new();
        let log = Arc::new(MortalLog(SqlChatLog { db: db.clone() }));
        let wire = Arc::new(ws::JsonWire {
            public_url: String::new(),
        });
        let rooms = Rooms::new(log, Arc::clone(&bus), wire, vec![arbiter.handle()]);
        let unlimited = !config.limits.enabled;
        let limits = SocketLimits {
            per_account: if unlimited {
                u32::MAX
            } else {
                config.chat.sockets_per_account
            },
            per_address: if unlimited {
                u32::MAX
            } else {
                config.chat.sockets_per_address
            },
        };
        let sockets = Sockets::new(limits, rooms.node());
        let vault = Vault::new(&[1; 32], &[2; 32]);
        let context = web::Data::new(Context {
            config,
            db,
            vault,
            bus,
            rooms,
            sockets,
        });
        tokio::spawn(live::follow_bus(Arc::clone(&context)));
        let shared = context.clone();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .configure(ws::routes)
                .configure(ws::seed_routes)
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(5)
        .bind("127.0.0.1:0")
        .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        Self {
            address,
            context,
            handle,
            _folder: None,
        }
    }

    /// A person with a session; answers the token.
    pub async fn person(&self, name: &'static str) -> String {
        let token = hex::encode(rand::random::<[u8; 16]>());
        let hash = hex::encode(Sha256::digest(token.as_bytes()));
        self.context
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let insert = "INSERT INTO accounts (username, head_img, register_time) VALUES ($1, '/h.jpg', 0) \
                        RETURNING id";
                    let id = tx.fetch_one(insert, args![name]).await?.int("id")?;
                    let session = "INSERT INTO sessions (token_hash, account_id, created_at, expires_at) \
                        VALUES ($1, $2, 0, $3)";
                    tx.execute(session, args![hash, id, i64::MAX]).await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
        token
    }

    pub async fn execute(&self, sql: &'static str) {
        self.context
            .db
            .write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await?) }))
            .await
            .unwrap();
    }

    pub async fn connect(&self) -> Client {
        Client::to(&format!("ws://{}/ws", self.address)).await
    }

    /// A client that is in room 1 and has read its WELCOME.
    pub async fn enter(&self, token: Option<&str>) -> Client {
        let mut client = self.connect().await;
        client
            .send(json!({"type": "LOGIN", "room_id": "1", "token": token}))
            .await;
        client.until("WELCOME").await;
        client
    }

    pub async fn stop(self, graceful: bool) {
        self.handle.stop(graceful).await;
    }
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn to(url: &str) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(url)
            .await
            .expect("connect");
        Self { socket }
    }

    pub async fn send(&mut self, message: Value) {
        self.raw(Message::text(message.to_string())).await;
    }

    pub async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("send");
    }

    async fn next(&mut self) -> Option<tungstenite::Result<Message>> {
        tokio::time::timeout(PATIENCE, self.socket.next())
            .await
            .expect("the server said nothing")
    }

    /// The next JSON message.
    pub async fn message(&mut self) -> Value {
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).expect("JSON"),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("no message: {other:?}"),
            }
        }
    }

    /// The next message of a type; others are passed over, but never an ERROR.
    pub async fn until(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
            assert_ne!(message["type"], "ERROR", "{message}");
        }
    }

    /// The next `count` lines.
    pub async fn lines(&mut self, count: usize) -> Vec<Value> {
        let mut lines = Vec::with_capacity(count);
        while lines.len() < count {
            lines.push(self.until("SEND_ALL").await);
        }
        lines
    }

    /// The code the server closes with; all before it is passed over.
    pub async fn closed(&mut self) -> u16 {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }
}

pub fn code(code: u16) -> CloseCode {
    CloseCode::from(code)
}
