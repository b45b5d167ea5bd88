//! Coming back, history, and rooms that die.

use actors::domain::ids::{AccountId, LiveId};
use matchday::service::live;
use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::chat::{ChatServer, Client};

async fn publish(client: &mut Client, token: &str, numbers: std::ops::Range<usize>) {
    let count = numbers.len();
    for number in numbers {
        let line = json!({"type": "SEND_ALL", "room_id": "1", "content": format!("n{number}"), "token": token});
        client.send(line).await;
    }
    client.lines(count).await;
}

async fn resume(server: &ChatServer, offset: i64, epoch: &Value) -> (Client, Value) {
    let mut client = server.connect().await;
    client.send(json!({"type": "LOGIN", "room_id": "1", "last_offset": offset, "epoch": epoch})).await;
    let welcome = client.until("WELCOME").await;
    (client, welcome)
}

fn offsets(lines: &[Value]) -> Vec<i64> {
    lines.iter().map(|line| line["offset"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_client_that_comes_back_gets_the_whole_gap_then_live_lines() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    publish(&mut speaker, &token, 0..30).await;
    let (_, first) = resume(&server, 0, &json!("")).await;
    let epoch = first["epoch"].clone();

    let (mut back, welcome) = resume(&server, 10, &epoch).await;
    assert_eq!((&welcome["recovered"], &welcome["offset"]), (&json!(true), &json!(30)));
    // Lines go on while others come back: no gap, none twice.
    let burst = async {
        publish(&mut speaker, &token, 30..230).await;
        speaker
    };
    let comers = async {
        let mut all = Vec::new();
        for _ in 0..20 {
            let (mut client, welcome) = resume(&server, 20, &epoch).await;
            assert_eq!(welcome["recovered"], true);
            all.push(offsets(&client.lines(210).await));
        }
        all
    };
    let (_, all) = tokio::join!(burst, comers);
    for seen in all {
        assert_eq!(seen, (21..=230).collect::<Vec<_>>());
    }
    assert_eq!(offsets(&back.lines(220).await), (11..=230).collect::<Vec<_>>());
}

#[tokio::test]
async fn who_was_away_too_long_is_told_and_gets_the_last_hundred() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    publish(&mut speaker, &token, 0..1100).await;
    let (mut known, welcome) = resume(&server, 0, &json!("other")).await;
    assert_eq!(welcome["recovered"], false);
    assert_eq!(offsets(&known.lines(100).await), (1001..=1100).collect::<Vec<_>>());
    let epoch = welcome["epoch"].clone();
    let (mut late, welcome) = resume(&server, 99, &epoch).await;
    assert_eq!(welcome["recovered"], false);
    assert_eq!(offsets(&late.lines(100).await), (1001..=1100).collect::<Vec<_>>());
    let (mut exact, welcome) = resume(&server, 100, &epoch).await;
    assert_eq!(welcome["recovered"], true);
    assert_eq!(offsets(&exact.lines(1000).await), (101..=1100).collect::<Vec<_>>());
    let (_, ahead) = resume(&server, 5000, &epoch).await;
    assert_eq!(ahead["recovered"], false, "an offset that never was");
}

#[tokio::test]
async fn history_goes_back_in_pages() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    publish(&mut speaker, &token, 0..117).await;
    let other = server.person("Wang").await;
    let mut erased = server.enter(Some(&other)).await;
    erased.send(json!({"type": "SEND_ALL", "room_id": "1", "content": "x"})).await;
    erased.until("SEND_ALL").await;
    speaker.until("SEND_ALL").await;
    publish(&mut speaker, &token, 118..120).await;
    server.execute("UPDATE publications SET deleted = 1 WHERE line_offset = 118").await;
    let row = server.context.db.fetch_one("SELECT id FROM accounts WHERE username = 'Wang'", vec![]).await.unwrap();
    server.context.rooms.forget(&[1], AccountId(row.int("id").unwrap())).await;
    speaker.send(json!({"type": "HISTORY", "room_id": "1"})).await;
    let newest = speaker.until("HISTORY").await;
    let lines = newest["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 100);
    assert_eq!(lines[0]["myself"], true);
    let mut expected: Vec<i64> = (20..=120).collect();
    expected.retain(|offset| *offset != 118);
    assert_eq!(offsets(lines), expected);
    speaker.send(json!({"type": "HISTORY", "room_id": "1", "before": 20, "limit": 5})).await;
    let page = speaker.until("HISTORY").await;
    assert_eq!(offsets(page["lines"].as_array().unwrap()), [15, 16, 17, 18, 19]);
    let last = live::last_lines(&server.context, &LiveId(1), 3).await.unwrap();
    assert_eq!(last.iter().map(|line| line.offset).collect::<Vec<_>>(), [117, 119, 120]);
    assert!(live::last_lines(&server.context, &LiveId(9), 3).await.is_err());
}

#[tokio::test]
async fn history_comes_from_the_room_s_memory_as_far_as_it_reaches() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    publish(&mut speaker, &token, 0..1010).await;
    // The room keeps 1,000 lines; what is older, and what it did not say itself, only the database knows.
    server.execute("UPDATE publications SET content = 'from the database'").await;
    let mut guest = server.enter(None).await;
    for (before, limit, first, from_database) in [
        (json!(null), 100, 911, false),
        (json!(111), 100, 11, false),
        (json!(110), 100, 10, true),
        (json!(5), 100, 1, true),
    ] {
        guest.send(json!({"type": "HISTORY", "room_id": "1", "before": before, "limit": limit})).await;
        let page = guest.until("HISTORY").await;
        let lines = page["lines"].as_array().unwrap();
        assert_eq!(lines[0]["offset"], first, "before {before}");
        assert_eq!(lines.iter().all(|line| line["content"] == "from the database"), from_database, "before {before}");
    }
}

#[tokio::test]
async fn logout_leaves_and_the_numbers_follow() {
    let server = ChatServer::start().await;
    let mut one = server.enter(None).await;
    let mut two = server.enter(None).await;
    two.send(json!({"type": "LOGOUT", "room_id": "1"})).await;
    let gone = one.until("LOGOUT").await;
    assert_eq!(gone["ONLINE"], 1);
    let online = one.until("ONLINE").await;
    assert_eq!((&online["ONLINE"], &online["guests"]), (&json!(1), &json!(1)));
    assert_eq!(live::online(&server.context, LiveId(1)).unwrap().connections, 1);
    drop(one);
    let empty = async {
        while live::online(&server.context, LiveId(1)).unwrap().connections > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.unwrap();
}

#[tokio::test]
async fn a_muted_speaker_and_a_paused_room_are_told_so() {
    let server = ChatServer::start().await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    let mut refusal = async |server: &ChatServer, sql: &'static str| {
        server.execute(sql).await;
        speaker.send(json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token})).await;
        let mut error = speaker.message().await;
        while error["type"] == "ONLINE" {
            error = speaker.message().await;
        }
        error
    };
    let muted = refusal(
        &server,
        "INSERT INTO mutes (live_id, account_id, reason, until, created_at) \
        SELECT 1, id, 'spam', 9999999999999, 0 FROM accounts",
    )
    .await;
    assert_eq!((&muted["code"], &muted["msg"]), (&json!(10001), &json!("muted: spam")));
    server.execute("DELETE FROM mutes").await;
    let paused = refusal(&server, "UPDATE rooms SET paused = 1").await;
    assert_eq!(paused["code"], 10001);
    let saved = refusal(&server, "UPDATE rooms SET paused = 0").await;
    assert_eq!((&saved["type"], &saved["offset"]), (&json!("SEND_ALL"), &json!(1)), "no offset was lost");
}
