//! The room of a live that an administrator deleted.

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::chat::{ChatServer, Client};
use crate::support::eventually;

/// Nobody listens there: the nodes hear nothing of each other.
const NO_REDIS: &str = "redis://127.0.0.1:1";

async fn delete_live(server: &ChatServer) {
    let url = server.app.at("/admin/api/v1/lives/1");
    let answer = server.app.client.delete(url).bearer_auth(server.app.admin_token().await).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

/// The next answer to what this client sent itself.
async fn answer(client: &mut Client, message: Value) -> Value {
    client.send(message).await;
    loop {
        let answer = client.message().await;
        if !["ONLINE", "LOGIN", "LOGOUT"].contains(&answer["type"].as_str().unwrap()) {
            return answer;
        }
    }
}

fn say(token: &str, client_id: &str) -> Value {
    json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token, "client_id": client_id})
}

#[tokio::test]
async fn a_deleted_live_s_room_refuses_everybody_at_once() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    let mut viewer = server.enter(None).await;
    assert_eq!(answer(&mut speaker, say(&token, "a")).await["offset"], 1);
    let tail = "SELECT tail_offset FROM rooms WHERE live_id = 1";
    delete_live(&server).await;

    let refused = answer(&mut speaker, say(&token, "b")).await;
    assert_eq!((&refused["code"], &refused["client_id"]), (&json!(30005), &json!("b")), "{refused}");
    let mut whisper = say(&token, "c");
    whisper["type"] = json!("SEND_ONE");
    whisper["send_to_one"] = json!("MC4wLjAuMF8xOTgzMl82");
    assert_eq!(answer(&mut speaker, whisper).await["code"], 30005);
    let mut newcomer = server.connect().await;
    for message in
        [json!({"type": "LOGIN", "room_id": "1"}), json!({"type": "HISTORY", "room_id": "1"}), say(&token, "d")]
    {
        let refused = answer(&mut newcomer, message.clone()).await;
        assert_eq!(refused["code"], 30005, "{message}: {refused}");
    }
    viewer.until("SEND_ALL").await;
    assert_eq!(answer(&mut viewer, json!({"type": "LOGIN", "room_id": "1"})).await["code"], 30005);
    let row = server.context.db.fetch_one(tail, vec![]).await.unwrap();
    assert_eq!(row.int("tail_offset").unwrap(), 1, "nothing was saved");
    // The other room goes on.
    assert_eq!(answer(&mut newcomer, json!({"type": "LOGIN", "room_id": "2"})).await["type"], "WELCOME");
}

#[tokio::test]
async fn the_database_alone_refuses_a_line_to_a_deleted_live() {
    let server = ChatServer::with(&[]).await;
    let token = server.person("Li").await;
    let mut speaker = server.enter(Some(&token)).await;
    // Nobody told this server.
    server.execute("UPDATE lives SET deleted_at = 1 WHERE id = 1").await;
    assert_eq!(answer(&mut speaker, say(&token, "a")).await["code"], 30005);
    let mut newcomer = server.connect().await;
    assert_eq!(answer(&mut newcomer, json!({"type": "LOGIN", "room_id": "1"})).await["code"], 30005);
}

#[tokio::test]
async fn the_other_node_notices_within_seconds() {
    let folder = tempdir().unwrap();
    let [one, two] = ChatServer::pair(&folder, NO_REDIS).await;
    let _inhabitant = two.enter(None).await;
    drop(one.enter(None).await);
    delete_live(&one).await;
    eventually("the other node refuses newcomers", async || {
        let mut newcomer = two.connect().await;
        answer(&mut newcomer, json!({"type": "LOGIN", "room_id": "1"})).await["code"] == 30005
    })
    .await;
}

#[tokio::test]
async fn the_other_node_s_empty_room_takes_nobody_in() {
    let folder = tempdir().unwrap();
    let [one, two] = ChatServer::pair(&folder, NO_REDIS).await;
    let mut last = two.enter(None).await;
    last.send(json!({"type": "LOGOUT", "room_id": "1"})).await;
    // Answered after the LOGOUT.
    last.send(json!({"type": "SEND_ALL", "room_id": "99999999", "content": "6"})).await;
    last.until("SEND_ALL").await;
    delete_live(&one).await;
    let mut newcomer = two.connect().await;
    assert_eq!(answer(&mut newcomer, json!({"type": "LOGIN", "room_id": "1"})).await["code"], 30005);
}
