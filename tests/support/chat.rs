//! The real server as the chat's tests see it, and an independent WebSocket client.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use matchday::args;
use matchday::context::Context;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{PATIENCE, TestApp, spawn_app, spawn_app_in};

pub struct ChatServer {
    pub app: TestApp,
    pub context: Arc<Context>,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl ChatServer {
    /// With all limits.
    pub async fn start() -> Self {
        Self::with(&[("limits.enabled", "true")]).await
    }

    /// Without limits per person and address, unless `overrides` say otherwise.
    pub async fn with(overrides: &[(&'static str, &str)]) -> Self {
        let server = Self::of(spawn_app(&[&[("demo", "false")], overrides].concat()).await);
        server.add_lives().await;
        server
    }

    /// Two servers over one database that tell each other over `redis`.
    pub async fn pair(folder: &TempDir, redis: &str) -> [Self; 2] {
        let overrides = [("demo", "false"), ("redis.url", redis)];
        let first = Self::of(spawn_app_in(folder.path(), &overrides).await);
        first.add_lives().await;
        [first, Self::of(spawn_app_in(folder.path(), &overrides).await)]
    }

    fn of(app: TestApp) -> Self {
        let address = app.url.trim_start_matches("http://").to_owned();
        Self { context: Arc::clone(&app.context), address, app }
    }

    async fn add_lives(&self) {
        self.execute("INSERT INTO lives (id, title, publish_time, created_at) VALUES (1, 'live', 0, 0)").await;
        self.execute("INSERT INTO lives (id, title, publish_time, created_at) VALUES (2, 'other', 0, 0)").await;
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
        self.context.db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, args![]).await?) })).await.unwrap();
    }

    pub async fn connect(&self) -> Client {
        Client::to(&format!("ws://{}/ws", self.address)).await
    }

    /// A client that is in room 1 and has read its WELCOME.
    pub async fn enter(&self, token: Option<&str>) -> Client {
        let mut client = self.connect().await;
        client.send(json!({"type": "LOGIN", "room_id": "1", "token": token})).await;
        client.until("WELCOME").await;
        client
    }
}

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    pub async fn to(url: &str) -> Self {
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("connect");
        Self { socket }
    }

    pub async fn send(&mut self, message: Value) {
        self.raw(Message::text(message.to_string())).await;
    }

    pub async fn raw(&mut self, message: Message) {
        self.socket.send(message).await.expect("send");
    }

    async fn next(&mut self) -> Option<tungstenite::Result<Message>> {
        tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("the server said nothing")
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
