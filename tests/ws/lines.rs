//! LOGIN, SEND_ALL and what others see of it.

use serde_json::{Value, json};

use crate::support::chat::ChatServer;

fn say(token: &str, content: &str) -> Value {
    json!({"type": "SEND_ALL", "room_id": "1", "content": content, "token": token})
}

#[tokio::test]
async fn send_all_echoes_to_the_sender_and_reaches_the_others_without_the_token() {
    let server = ChatServer::start().await;
    let token = server.person("<b>Li</b>").await;
    let mut viewer = server.enter(None).await;
    let mut speaker = server.connect().await;
    speaker.send(json!({"type": "login", "room_id": "1", "token": token})).await;
    let welcome = speaker.until("WELCOME").await;
    assert_eq!(welcome["ONLINE"], 2);
    assert_eq!((&welcome["users"], &welcome["guests"]), (&json!(1), &json!(1)));
    assert_eq!(welcome["offset"], 0);
    assert_eq!(welcome["room_id"], "1");
    let arrival = viewer.until("LOGIN").await;
    assert_eq!(arrival["uuid"], welcome["uuid"]);
    assert_eq!(arrival["ONLINE"], 2);

    let smile = r#"<img class="emoji" src="/static/emoji/heart.svg">"#;
    let mut line = say(&token, &format!("扑街 <script>{smile}"));
    line["client_id"] = json!("c1");
    line["user"] = json!({"username": "somebody else"});
    line["myself"] = json!(true);
    speaker.send(line).await;

    let echo = speaker.until("SEND_ALL").await;
    assert_eq!(echo["myself"], true);
    assert_eq!(echo["ONLINE"], 2);
    assert_eq!(echo["client_id"], "c1");
    assert_eq!(echo["offset"], 1);
    let seen = viewer.until("SEND_ALL").await;
    let time = seen["msg_time"].as_i64().unwrap();
    assert!((time - chrono::Utc::now().timestamp()).abs() < 60);
    assert_eq!(
        seen,
        json!({"type": "SEND_ALL", "room_id": "1", "uuid": welcome["uuid"],
            "content": format!("扑街 &lt;script&gt;{smile}"),
            "user": {"username": "&lt;b&gt;Li&lt;/b&gt;", "head_img": "/h.jpg"},
            "msg_time": time, "myself": false, "offset": 1})
    );
}

#[tokio::test]
async fn each_reader_gets_the_room_id_in_the_type_it_sent() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut text = server.enter(None).await;
    let mut number = server.connect().await;
    number.send(json!({"type": "LOGIN", "room_id": 1})).await;
    assert_eq!(number.until("WELCOME").await["room_id"], json!(1));
    let mut speaker = server.enter(Some(&token)).await;
    speaker.send(say(&token, "x")).await;
    assert_eq!(text.until("SEND_ALL").await["room_id"], json!("1"));
    assert_eq!(number.until("SEND_ALL").await["room_id"], json!(1));
}

#[tokio::test]
async fn a_seed_client_is_subscribed_by_its_first_line_without_a_login() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut one = server.connect().await;
    one.send(say(&token, "first")).await;
    let echo = one.message().await;
    assert_eq!((&echo["type"], &echo["myself"]), (&json!("SEND_ALL"), &json!(true)));
    let mut two = server.enter(Some(&token)).await;
    two.send(say(&token, "second")).await;
    let seen = one.until("SEND_ALL").await;
    assert_eq!((&seen["content"], &seen["myself"]), (&json!("second"), &json!(false)));
}

#[tokio::test]
async fn the_count_question_is_answered_to_the_asker_only() {
    let server = ChatServer::start().await;
    let mut viewer = server.enter(None).await;
    let mut asker = server.connect().await;
    asker.send(json!({"type": "SEND_ALL", "room_id": "99999999", "content": "6"})).await;
    let echo = asker.message().await;
    assert_eq!(echo["room_id"], "99999999");
    assert_eq!(echo["ONLINE"], 1);
    assert_eq!(echo["myself"], true);
    assert_eq!(echo["content"], "6");
    // The next thing the viewer hears is its own answer, so the question was not broadcast.
    viewer.send(json!({"type": "SEND_ALL", "room_id": 99_999_999, "content": "6"})).await;
    let own = viewer.until("SEND_ALL").await;
    assert_eq!((&own["myself"], &own["room_id"]), (&json!(true), &json!(99_999_999)));
}

#[tokio::test]
async fn a_seed_client_that_only_watches_hears_the_lives_in_progress() {
    let server = ChatServer::start().await;
    server.execute("UPDATE lives SET live_status = 1, expire_time = id - 1").await;
    server.execute("UPDATE lives SET expire_time = NULL WHERE id = 1").await;
    let token = server.person("Li").await;
    let mut watcher = server.connect().await;
    let question = json!({"type": "SEND_ALL", "room_id": "99999999", "content": "6"});
    watcher.send(question.clone()).await;
    assert_eq!(watcher.until("SEND_ALL").await["ONLINE"], 1, "itself");
    // The other live is over.
    let mut elsewhere = server.connect().await;
    elsewhere.send(json!({"type": "SEND_ALL", "room_id": "2", "content": "unheard", "token": token})).await;
    elsewhere.until("SEND_ALL").await;
    let mut speaker = server.enter(Some(&token)).await;
    speaker.send(say(&token, "first")).await;
    let heard = watcher.until("SEND_ALL").await;
    assert_eq!((&heard["content"], &heard["room_id"], &heard["myself"]), (&json!("first"), &json!("1"), &json!(false)));
    assert_eq!(speaker.until("SEND_ALL").await["myself"], true);
    // It speaks: the same place, now with a name, and its own line comes once.
    watcher.send(say(&token, "second")).await;
    assert_eq!(watcher.until("SEND_ALL").await["myself"], true);
    assert_eq!(speaker.until("SEND_ALL").await["content"], "second");
    speaker.send(say(&token, "third")).await;
    assert_eq!(watcher.until("SEND_ALL").await["content"], "third");
    speaker.send(question).await;
    assert_eq!(speaker.until("SEND_ALL").await["ONLINE"], 2, "counted once each");
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_hurts_its_sender_only() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut one = server.enter(Some(&token)).await;
    for bad in [
        json!({"type": "SEND_ALL", "room_id": "1", "content": "a\u{0}b", "token": token}),
        json!({"type": "SEND_ALL", "room_id": "1", "content": "a", "client_id": "\u{0}", "token": token}),
    ] {
        one.send(bad).await;
        let mut answer = one.message().await;
        while answer["type"] != "ERROR" {
            answer = one.message().await;
        }
        assert_eq!(answer["code"], 99999);
    }
    one.send(say(&token, "good")).await;
    assert_eq!(one.until("SEND_ALL").await["content"], "good");
}

#[tokio::test]
async fn guests_read_and_cannot_write() {
    let server = ChatServer::start().await;
    let mut guest = server.enter(None).await;
    guest.send(json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "client_id": "a"})).await;
    let mut error = guest.message().await;
    while error["type"] == "ONLINE" {
        error = guest.message().await;
    }
    assert_eq!((&error["type"], &error["code"]), (&json!("ERROR"), &json!(10003)));
    assert_eq!(error["client_id"], "a");
    guest.send(say(&"0".repeat(32), "x")).await;
    let mut error = guest.message().await;
    while error["type"] == "ONLINE" {
        error = guest.message().await;
    }
    assert_eq!(error["code"], 10003);
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_and_changes_nothing() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut client = server.connect().await;
    for (bad, code) in [
        (json!([]), 99999),
        (json!({"room_id": "1"}), 99999),
        (json!({"type": "SEND_ALL", "room_id": "1", "token": token}), 99999),
        (json!({"type": "SEND_ALL", "room_id": "1", "token": token, "content": " "}), 99999),
        (say(&token, "\u{3164}\u{200b}\u{2800}"), 99999),
        (say(&token, &"扑".repeat(501)), 99999),
        (json!({"type": "DANCE"}), 99999),
        (json!({"type": "LOGIN", "room_id": "77"}), 30005),
        (json!({"type": "LOGIN", "room_id": "x"}), 30005),
        (json!({"type": "LOGIN", "room_id": "1", "token": "x"}), 10003),
    ] {
        client.send(bad.clone()).await;
        let error = client.message().await;
        assert_eq!((&error["type"], &error["code"]), (&json!("ERROR"), &json!(code)), "{bad}");
    }
    client.send(say(&token, &"扑".repeat(500))).await;
    assert_eq!(client.until("SEND_ALL").await["offset"], 1);
}

#[tokio::test]
async fn nothing_hidden_reaches_the_others() {
    let server = ChatServer::start().await;
    let token = server.person("跑\u{202e}者").await;
    let mut viewer = server.enter(None).await;
    let mut speaker = server.enter(Some(&token)).await;
    let family = "\u{1f468}\u{200d}\u{1f469} ❤\u{fe0f} می\u{200c}خواهم";
    speaker.send(say(&token, &format!("\u{202e}{family}\u{200b}"))).await;
    for client in [&mut speaker, &mut viewer] {
        let seen = client.until("SEND_ALL").await;
        assert_eq!((&seen["content"], &seen["user"]["username"]), (&json!(family), &json!("跑者")));
    }
    // .NET writes a byte order mark before each text.
    let marked = format!("\u{feff}{}", say(&token, "marked"));
    speaker.raw(tokio_tungstenite::tungstenite::Message::text(marked)).await;
    assert_eq!(viewer.until("SEND_ALL").await["content"], "marked");
}

#[tokio::test]
async fn a_repeated_client_id_is_published_once_and_answered_with_the_first_echo() {
    let server = ChatServer::start().await;
    let (token, other) = (server.person("Li").await, server.person("Wang").await);
    let mut viewer = server.enter(None).await;
    let mut speaker = server.enter(Some(&token)).await;
    let mut line = say(&token, "once");
    line["client_id"] = json!("c1");
    for _ in 0..3 {
        speaker.send(line.clone()).await;
    }
    for echo in speaker.lines(3).await {
        assert_eq!((&echo["offset"], &echo["client_id"]), (&json!(1), &json!("c1")));
    }
    let mut again = server.enter(Some(&token)).await;
    again.send(line.clone()).await;
    assert_eq!(again.until("SEND_ALL").await["offset"], 1);
    // Another account may use the same name, and after ten minutes so may this one.
    let mut second = server.enter(Some(&other)).await;
    line["token"] = json!(other);
    second.send(line.clone()).await;
    assert_eq!(second.until("SEND_ALL").await["offset"], 2);
    server.context.db.advance_clock(std::time::Duration::from_secs(601));
    second.send(line).await;
    assert_eq!(second.until("SEND_ALL").await["offset"], 3);
    let offsets: Vec<Value> = viewer.lines(3).await.iter().map(|line| line["offset"].clone()).collect();
    assert_eq!(offsets, [json!(1), json!(2), json!(3)]);
}

#[tokio::test]
async fn send_one_reaches_one_connection_and_unknown_uuids_are_refused() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut target = server.connect().await;
    target.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    let uuid = target.until("WELCOME").await["uuid"].clone();
    let mut speaker = server.enter(Some(&token)).await;
    let mut line = json!({"type": "SEND_ONE", "room_id": "1", "content": "<psst>", "token": token,
        "send_to_one": uuid, "client_id": "w"});
    speaker.send(line.clone()).await;
    let echo = speaker.until("SEND_ONE").await;
    assert_eq!((&echo["myself"], &echo["client_id"]), (&json!(true), &json!("w")));
    let seen = target.until("SEND_ONE").await;
    assert_eq!(seen["content"], "&lt;psst&gt;");
    assert_eq!(seen["myself"], false);
    assert!(seen.get("offset").is_none() && seen.get("token").is_none());
    line["send_to_one"] = json!("MC4wLjAuMF8xOTgzMl82");
    speaker.send(line).await;
    let mut error = speaker.message().await;
    while error["type"] == "ONLINE" {
        error = speaker.message().await;
    }
    assert_eq!((&error["code"], &error["client_id"]), (&json!(99999), &json!("w")));
}

#[tokio::test]
async fn a_disabled_account_is_refused_at_its_next_frame() {
    let server = ChatServer::start().await;
    let (token, other) = (server.person("Li").await, server.person("Wang").await);
    let mut li = server.enter(Some(&token)).await;
    let mut wang = server.enter(Some(&other)).await;
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "x"});
    li.send(line.clone()).await;
    assert_eq!(li.until("SEND_ALL").await["offset"], 1);
    let admin = server.app.admin_token().await;
    let url = format!("{}/admin/api/v1/accounts/1", server.app.url);
    let disable = reqwest::Client::new().patch(url).bearer_auth(&admin).json(&json!({"status": 0}));
    assert_eq!(disable.send().await.unwrap().status(), 200);
    let mut with_token = line.clone();
    with_token["token"] = json!(token);
    for refused in [line.clone(), with_token] {
        li.send(refused).await;
        let error = loop {
            let message = li.message().await;
            assert_ne!(message["type"], "SEND_ALL", "{message}");
            if message["type"] == "ERROR" {
                break message;
            }
        };
        assert_eq!(error["code"], 10003, "{error}");
    }
    wang.send(line).await;
    while wang.until("SEND_ALL").await["offset"] != 2 {}
}
