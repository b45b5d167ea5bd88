//! Everything that is bounded, and how it ends.

use actors::domain::ids::LiveId;
use matchday::service::live;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::chat::{ChatServer, Client};
use crate::support::{ENVIRONMENT, PATIENCE, eventually};

fn fragment(kind: Data, last: bool, bytes: Vec<u8>) -> Message {
    Message::Frame(Frame::message(bytes, OpCode::Data(kind), last))
}

#[tokio::test]
async fn frames_that_break_the_rules_close_with_their_code() {
    let server = ChatServer::start().await;
    let bad_text = Message::Frame(Frame::message(vec![0xFF, 0xFE], OpCode::Data(Data::Text), true));
    for (bad, code) in [
        (Message::text("x".repeat(16 * 1024 + 1)), 1009),
        (Message::text("x".repeat(1 << 20)), 1009),
        (Message::binary(vec![1, 2, 3]), 1003),
        (bad_text, 1007),
        (fragment(Data::Continue, true, vec![b'x']), 1002),
    ] {
        let mut client = server.connect().await;
        client.raw(bad).await;
        assert_eq!(client.closed().await, code);
    }
}

#[tokio::test]
async fn the_largest_message_and_fragments_are_read() {
    let server = ChatServer::start().await;
    let mut client = server.connect().await;
    client.raw(Message::text("x".repeat(16 * 1024))).await;
    assert_eq!(client.message().await["code"], 99999);
    let question = r#"{"type":"SEND_ALL","room_id":"99999999","content":"6扑"}"#.as_bytes();
    let middle = question.len() - 4;
    client.raw(fragment(Data::Text, false, question[..5].to_vec())).await;
    client.raw(Message::Ping(vec![7].into())).await;
    client.raw(fragment(Data::Continue, false, question[5..middle].to_vec())).await;
    client.raw(fragment(Data::Continue, true, question[middle..].to_vec())).await;
    assert_eq!(client.until("SEND_ALL").await["content"], "6扑");
    client.raw(fragment(Data::Text, false, vec![b'x'; 10_000])).await;
    client.raw(fragment(Data::Continue, false, vec![b'x'; 10_000])).await;
    assert_eq!(client.closed().await, 1009);
}

#[tokio::test]
async fn a_reader_that_stops_is_closed_as_too_slow_and_the_others_never_notice() {
    const ROUNDS: usize = 300;
    const LINES: usize = 100;
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut slow = server.enter(None).await;
    let mut good = server.enter(None).await;
    let mut speaker = server.enter(Some(&token)).await;
    // Each leaves as six, so that few lines fill the buffers of both kernels and then the outbox.
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "\"".repeat(500), "token": token});
    let mut rounds = 0;
    // The numbers follow the WELCOME of the last one by a moment.
    eventually("all three are counted", async || live::online(&server.context, LiveId(1)).unwrap().connections == 3)
        .await;
    while live::online(&server.context, LiveId(1)).unwrap().connections == 3 {
        assert!(rounds < ROUNDS, "the reader that stopped was never given up");
        for _ in 0..LINES {
            speaker.send(line.clone()).await;
        }
        let (echoes, seen) = tokio::join!(speaker.lines(LINES), good.lines(LINES));
        rounds += 1;
        for lines in [echoes, seen] {
            assert_eq!(lines[LINES - 1]["offset"], (rounds * LINES) as i64);
        }
    }
    assert_eq!(slow.closed().await, 4001);
}

#[tokio::test]
async fn the_twenty_first_line_in_thirty_seconds_waits() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token, "client_id": "c"});
    for number in 0..21 {
        let mut line = line.clone();
        line["client_id"] = json!(number.to_string());
        speaker.send(line).await;
    }
    let (mut echoes, mut error) = (0, None);
    while echoes < 20 || error.is_none() {
        let message = speaker.message().await;
        match message["type"].as_str().unwrap() {
            "SEND_ALL" => echoes += 1,
            "ERROR" => error = Some(message),
            _ => {}
        }
    }
    let error = error.unwrap();
    assert_eq!((&error["code"], &error["client_id"]), (&json!(10010), &json!("20")));
    assert!((1..=30).contains(&error["retry_after"].as_i64().unwrap()));
}

#[tokio::test]
async fn all_sockets_of_an_account_share_one_line_rate_also_after_they_closed() {
    let server = ChatServer::start().await;
    let (token, other) = (server.person("Li").await, server.person("Wang").await);
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token});
    let mut first = server.enter(Some(&token)).await;
    let mut second = server.enter(Some(&token)).await;
    for _ in 0..10 {
        for speaker in [&mut first, &mut second] {
            speaker.send(line.clone()).await;
            while speaker.until("SEND_ALL").await["myself"] != true {}
        }
    }
    drop(second);
    let mut again = server.enter(Some(&token)).await;
    // The last never signed in: the token of its line says who speaks.
    let mut unnamed = server.connect().await;
    for speaker in [&mut first, &mut again, &mut unnamed] {
        speaker.send(line.clone()).await;
        let error = loop {
            let message = speaker.message().await;
            assert!(message["type"] != "SEND_ALL" || message["offset"].as_i64() <= Some(20), "{message}");
            if message["type"] == "ERROR" {
                break message;
            }
        };
        assert_eq!(error["code"], 10010, "{error}");
    }
    let mut wang = server.enter(Some(&other)).await;
    wang.send(json!({"type": "SEND_ALL", "room_id": "1", "content": "x"})).await;
    assert_eq!(wang.until("SEND_ALL").await["offset"], 21);
}

#[tokio::test]
async fn frames_that_cost_nothing_have_a_rate_too() {
    let question = json!({"type": "SEND_ALL", "room_id": "99999999", "content": "6"});
    let logout = json!({"type": "LOGOUT", "room_id": "1"});
    let server = ChatServer::start().await;
    let mut client = server.connect().await;
    for _ in 0..30 {
        client.send(question.clone()).await;
        client.send(logout.clone()).await;
    }
    let started = std::time::Instant::now();
    for _ in 0..100 {
        client.raw(Message::text("not JSON")).await;
    }
    for _ in 0..30 {
        assert_eq!(client.message().await["type"], "SEND_ALL");
    }
    let error = client.message().await;
    assert_eq!((&error["type"], &error["code"]), (&json!("ERROR"), &json!(10010)), "{error}");
    assert!((1..=10).contains(&error["retry_after"].as_i64().unwrap()));
    // A LOGIN is another rate; whatever else was answered before it came at most once a second.
    client.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    let mut told = 1;
    loop {
        let message = client.message().await;
        match message["type"].as_str().unwrap() {
            "WELCOME" => break,
            kind => assert_eq!((kind, &message["code"]), ("ERROR", &json!(10010)), "{message}"),
        }
        told += 1;
    }
    assert!(told <= 2 + started.elapsed().as_secs(), "told {told} times");

    let unlimited = ChatServer::with(&[]).await;
    let mut client = unlimited.connect().await;
    for _ in 0..100 {
        client.send(question.clone()).await;
        assert_eq!(client.message().await["type"], "SEND_ALL");
    }
}

#[tokio::test]
async fn guests_of_one_address_share_what_they_may_look_up() {
    let server =
        ChatServer::with(&[("limits.enabled", "true"), ("chat.lookups_per_30_seconds_per_address", "60")]).await;
    let token = server.person("Li").await;
    let mut member = server.enter(Some(&token)).await;
    let history = json!({"type": "HISTORY", "room_id": "1"});
    // Each has its own 60 in 30 s; the address has 60 for all of them, of which the LOGIN was one.
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for guest in [&mut first, &mut second] {
        for _ in 0..29 {
            guest.send(history.clone()).await;
            guest.until("HISTORY").await;
        }
    }
    let mut third = server.connect().await;
    third.send(history.clone()).await;
    assert_eq!(third.message().await["type"], "HISTORY");
    third.send(history.clone()).await;
    let refused = third.message().await;
    assert_eq!((&refused["type"], &refused["code"]), (&json!("ERROR"), &json!(10010)));
    // Who has an account does not pay for the strangers next door.
    member.send(history).await;
    member.until("HISTORY").await;
}

#[tokio::test]
async fn a_moderator_of_the_room_may_say_more_there() {
    let limits = [
        ("limits.enabled", "true"),
        ("chat.messages_per_30_seconds", "2"),
        ("chat.moderator_messages_per_30_seconds", "5"),
    ];
    let server = ChatServer::with(&limits).await;
    let people = [server.person("Li").await, server.person("Wang").await];
    // A room has its row with its first visitor.
    drop(server.enter(None).await);
    server.execute("INSERT INTO room_moderators (live_id, account_id) SELECT 1, id FROM accounts").await;
    for (token, room, most) in [(&people[0], "1", 5), (&people[1], "2", 2)] {
        let mut speaker = server.connect().await;
        speaker.send(json!({"type": "LOGIN", "room_id": room, "token": token})).await;
        speaker.until("WELCOME").await;
        for number in 0..=most {
            let line = json!({"type": "SEND_ALL", "room_id": room, "content": "x", "client_id": number.to_string()});
            speaker.send(line).await;
        }
        let (mut echoes, mut refused) = (0, 0);
        while echoes + refused <= most {
            let message = speaker.message().await;
            match message["type"].as_str().unwrap() {
                "SEND_ALL" => echoes += 1,
                "ERROR" => {
                    assert_eq!((&message["code"], &message["client_id"]), (&json!(10010), &json!(most.to_string())));
                    refused += 1;
                }
                _ => {}
            }
        }
        assert_eq!((echoes, refused), (most, 1), "room {room}");
    }
}

#[tokio::test]
async fn an_address_and_an_account_have_so_many_sockets() {
    let server = ChatServer::with(&[
        ("limits.enabled", "true"),
        ("chat.sockets_per_account", "1"),
        ("chat.sockets_per_address", "3"),
    ])
    .await;
    let token = server.person("Li").await;
    let first = server.enter(Some(&token)).await;
    let mut second = server.connect().await;
    second.send(json!({"type": "LOGIN", "room_id": "1", "token": token})).await;
    assert_eq!(second.message().await["code"], 10010);
    let _third = server.connect().await;
    let url = format!("ws://{}/ws", server.address);
    let refused = tokio_tungstenite::connect_async(&url).await.unwrap_err();
    assert!(refused.to_string().contains("429"), "{refused}");
    drop(first);
    let again = async {
        loop {
            second.send(json!({"type": "LOGIN", "room_id": "1", "token": token})).await;
            if second.message().await["type"] == "WELCOME" {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn on_the_seed_s_port_any_path_opens_but_not_for_a_page_of_another_origin() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let server = ChatServer::with(&[("chat.allowed_origins", "https://ok.example")]).await;
    for (origin, allowed) in [("https://ok.example", true), ("https://evil.example", false)] {
        let mut request = format!("{}/any/path", server.app.chat_url).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        let outcome = tokio_tungstenite::connect_async(request).await;
        assert_eq!(outcome.is_ok(), allowed, "{origin}");
    }
    let _no_browser: Client = server.connect().await;
}

#[tokio::test]
async fn without_a_list_production_opens_to_its_own_pages_only() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let keys = ["a1b2".repeat(16), "c3d4".repeat(16)];
    let production = |more: &[(&'static str, &'static str)]| {
        let environment =
            [("secrets.token_key", &*keys[0]), ("secrets.data_key", &*keys[1]), (ENVIRONMENT, "production")];
        [&environment[..], more].concat()
    };
    let opens = async |server: &ChatServer, origin: &str| {
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        tokio_tungstenite::connect_async(request).await.is_ok()
    };
    let server = ChatServer::with(&production(&[])).await;
    let port = server.address.rsplit(':').next().unwrap();
    assert!(opens(&server, &format!("http://{}", server.address)).await);
    let other_port = format!("http://127.0.0.1:{}", if port == "1" { 2 } else { 1 });
    for other in ["https://evil.example", "null", "http://127.0.0.1", &other_port] {
        assert!(!opens(&server, other).await, "{other}");
    }
    let _no_browser: Client = server.connect().await;
    let named = ChatServer::with(&production(&[("server.public_url", "https://run.example")])).await;
    assert!(opens(&named, "https://run.example").await);
    assert!(!opens(&named, "http://run.example").await);
    let development = ChatServer::with(&[]).await;
    assert!(opens(&development, "https://any.example").await);
}
