//! Request bodies: who is judged before they are read, how large and slow a stranger's may be, and how many bytes of them
//! are in memory at once. Seen at sockets, because a client library sends whole bodies.

use matchday::service::accounts;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{PATIENCE, TestApp, eventually, spawn_app};

const MIB: usize = 1 << 20;

/// The start of a request that announces a body of `announced` bytes and sends `sent` of them.
async fn begin(app: &TestApp, path: &str, headers: &str, announced: usize, sent: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let head = format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {announced}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(sent).await.unwrap();
    stream
}

/// The whole answer: status and body.
async fn answer(stream: &mut TcpStream) -> (u16, String, Value) {
    let read = async {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                    return (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_default());
                }
            }
            let mut piece = [0; 4096];
            let count = stream.read(&mut piece).await.unwrap();
            assert!(count > 0, "no answer: {text}");
            bytes.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("no answer")
}

#[actix_web::test]
async fn a_large_body_is_refused_before_it_is_sent_when_its_sender_is_nobody() {
    let app = spawn_app(&[]).await;
    let unknown = "token: 0123456789abcdef0123456789abcdef\r\n";
    for (path, headers, status) in [
        ("/api/reg", unknown, 200),
        ("/api/reg", "", 200),
        ("/api/v1/token/user", "", 400),
        ("/api/v1/user/save", unknown, 401),
        ("/admin/api/v1/games", "", 401),
        ("/admin/api/v1/games", "Authorization: Bearer 00\r\n", 401),
        ("/admin/api/v1/login", "", 413),
        ("/admin/api/v1/uploads", "", 401),
        ("/api/confirm-mail", "", 413),
    ] {
        let mut stream = begin(&app, path, headers, MIB, b"{").await;
        let (told, _, body) = answer(&mut stream).await;
        assert_eq!(told, status, "{path}");
        if path == "/api/reg" {
            assert_eq!(body["result"], -1002, "{body}");
        }
    }
}

#[actix_web::test]
async fn whoever_is_proven_by_a_header_may_send_large_bodies() {
    let app = spawn_app(&[]).await;
    let session = accounts::sign_in(&app.context, "sandbox:large").await.unwrap();
    let body = json!({"cmd": "RegQueryUserOrders", "x": "x".repeat(600 * 1024)}).to_string();
    let send = |headers: String| {
        let (app, body) = (&app, &body);
        async move { answer(&mut begin(app, "/api/reg", &headers, body.len(), body.as_bytes()).await).await.2 }
    };
    assert_eq!(send(format!("token: {session}\r\n")).await["result"], 0);
    assert_eq!(
        send(format!("Authorization: Bearer {}\r\n", app.admin_token().await)).await["result"],
        -1,
        "no session"
    );
}

#[actix_web::test]
async fn a_stranger_s_body_has_little_time() {
    let app = spawn_app(&[("server.stranger_body_seconds", "1")]).await;
    for (path, status) in
        [("/api/reg", 200), ("/api/v1/token/user", 400), ("/admin/api/v1/login", 400), ("/api/reg/reg", 200)]
    {
        let mut stream = begin(&app, path, "", 100, b"{").await;
        assert_eq!(answer(&mut stream).await.0, status, "{path}");
    }
}

#[actix_web::test]
async fn slow_strangers_fill_their_part_and_leave_room_for_the_others() {
    let limits = [("limits.enabled", "true"), ("server.body_bytes_per_address", "16777216")];
    let app = spawn_app(&limits).await;
    let session = accounts::sign_in(&app.context, "sandbox:slow").await.unwrap();
    // Strangers of one address have 4 MiB together.
    let mut slow = Vec::new();
    for _ in 0..41 {
        slow.push(begin(&app, "/api/reg", "", 120_000, &vec![b' '; 100_000]).await);
    }
    eventually("they are in memory", async || app.context.bodies.bytes() == 4_100_000).await;
    let more = vec![b' '; 100_000];
    let (status, _, body) = answer(&mut begin(&app, "/api/reg", "", 120_000, &more).await).await;
    assert_eq!((status, &body["result"], &body["retry_after"]), (200, &json!(-1000), &json!(2)), "{body}");
    let form = vec![b'a'; 60_000];
    for (path, status) in [("/api/v1/token/user", 503), ("/admin/api/v1/login", 503)] {
        // Each takes less than is left; the second of the two does not fit any more.
        let _first = begin(&app, path, "", 60_001, &form).await;
        eventually("it is in memory", async || app.context.bodies.bytes() == 4_160_000).await;
        let (told, head, _) = answer(&mut begin(&app, path, "", 60_001, &form).await).await;
        assert_eq!(told, status, "{path}");
        assert!(head.contains("retry-after: 2"), "{head}");
        drop(_first);
        eventually("it is given back", async || app.context.bodies.bytes() == 4_100_000).await;
    }
    let (status, _, body) = answer(&mut begin(&app, "/api/reg/reg", "", 120_000, &more).await).await;
    assert_eq!((status, &body["rcode"]), (200, &json!("x010101")), "{body}");
    // Somebody who is signed in sends a slow and large body nevertheless.
    let command = json!({"cmd": "RegQueryUserOrders", "x": "x".repeat(600 * 1024)}).to_string();
    let (head, tail) = command.as_bytes().split_at(300_000);
    let mut known = begin(&app, "/api/reg", &format!("token: {session}\r\n"), command.len(), head).await;
    eventually("half of it is in memory", async || app.context.bodies.bytes() == 4_400_000).await;
    known.write_all(tail).await.unwrap();
    assert_eq!(answer(&mut known).await.2["result"], 0);
    drop(slow);
    eventually("everything is given back", async || app.context.bodies.bytes() == 0).await;
}
