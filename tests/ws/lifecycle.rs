//! Heartbeats, deadlines and the stop.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::PATIENCE;
use crate::support::chat::ChatServer;

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Reads until the server ends the connection; a client that never answers anything.
async fn read_to_end(server: &ChatServer) -> Vec<u8> {
    let mut socket = TcpStream::connect(&server.address).await.unwrap();
    socket.write_all(UPGRADE.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut all)).await.expect("the socket stays open").unwrap();
    all
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_closed() {
    let server = ChatServer::with(&[("chat.ping_seconds", "1"), ("chat.pong_timeout_seconds", "1")]).await;
    let all = read_to_end(&server).await;
    assert!(holds(&all, &[0x89, 0x00]), "a ping was sent");
    assert!(holds(&all, &4009u16.to_be_bytes()), "{all:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_closed_after_the_login_timeout() {
    let server = ChatServer::with(&[("chat.login_timeout_seconds", "1")]).await;
    let mut silent = server.connect().await;
    assert_eq!(silent.closed().await, 4008);
}

#[tokio::test]
async fn pings_are_answered_and_a_good_bye_is_returned() {
    use tokio_tungstenite::tungstenite::Message;
    let server = ChatServer::start().await;
    let mut client = server.connect().await;
    client.raw(Message::Ping(vec![1, 2].into())).await;
    let pong = futures_util::StreamExt::next(&mut client.socket).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong(vec![1, 2].into()));
    client.raw(Message::Close(None)).await;
    assert_eq!(client.closed().await, 1000);
    let gone = async {
        while server.context.sockets.count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.expect("the session ended");
}

#[tokio::test]
async fn a_stop_closes_every_socket_at_once_and_waits_for_none() {
    let server = ChatServer::start().await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        clients.push(server.enter(None).await);
    }
    let ended = server.app.stop();
    let closing = async {
        for client in &mut clients {
            assert_eq!(client.closed().await, 1012);
        }
    };
    let started = std::time::Instant::now();
    tokio::join!(ended, closing);
    assert!(started.elapsed() < PATIENCE / 2, "the stop waited for a socket");
}

#[tokio::test]
async fn a_plain_request_is_refused() {
    let server = ChatServer::start().await;
    let mut socket = TcpStream::connect(&server.address).await.unwrap();
    socket.write_all(b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut all = String::new();
    socket.read_to_string(&mut all).await.unwrap();
    assert!(all.starts_with("HTTP/1.1 400"), "{all}");
}
