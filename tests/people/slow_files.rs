//! Whoever sends a file slowly keeps nobody else's file waiting, and takes bounded room.

use std::io::Write as _;
use std::net::TcpStream;

use super::{on_both, post_file};
use crate::support::{TestApp, eventually};

const PLACES: &str = "game_id,limitation\n1,600\n";

/// A file of which only the first bytes were sent.
fn begin(app: &TestApp, path: &str, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(app.url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST /admin/api/v1/{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\ngame"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[actix_web::test]
async fn a_slow_file_holds_no_turn() {
    on_both(async |app| {
        let token = app.admin_token().await;
        let slow = ["places/import", "games/1/registrations/import", "uploads"].map(|path| begin(&app, path, &token));
        eventually("all three arrive", async || app.context.large_bodies.count() == 3).await;
        let (status, done) = post_file(&app, "places/import", PLACES).await;
        assert_eq!(status, 200, "{done}");
        drop(slow);
        eventually("they are given up", async || app.context.large_bodies.count() == 0).await;
    })
    .await;
}

#[actix_web::test]
async fn one_administrator_sends_a_few_files_at_a_time() {
    on_both(async |app| {
        let token = app.admin_token().await;
        let mut slow: Vec<TcpStream> = (0..4).map(|_| begin(&app, "places/import", &token)).collect();
        eventually("all four arrive", async || app.context.large_bodies.count() == 4).await;
        let (status, problem) = post_file(&app, "places/import", PLACES).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("busy")), "{problem}");
        slow.pop();
        eventually("one is given up", async || app.context.large_bodies.count() == 3).await;
        assert_eq!(post_file(&app, "places/import", PLACES).await.0, 200);
    })
    .await;
}

#[actix_web::test]
async fn files_are_read_two_at_a_time() {
    on_both(async |app| {
        let _both = app.context.imports.acquire_many(2).await.unwrap();
        let (status, problem) = post_file(&app, "places/import", PLACES).await;
        assert_eq!((status, problem["code"].as_str()), (503, Some("busy")), "{problem}");
        assert_eq!(app.context.large_bodies.count(), 0, "the room of what was refused is free");
    })
    .await;
}
