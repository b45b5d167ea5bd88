//! Two servers over one database.

use actors::domain::ids::LiveId;
use matchday::service::live;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::support::chat::ChatServer;
use crate::support::eventually;

/// Nobody listens there: the nodes hear nothing of each other.
const NO_REDIS: &str = "redis://127.0.0.1:1";

fn say(token: &str) -> Value {
    json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token})
}

/// The Redis that `TEST_REDIS_URL` names.
fn redis() -> Option<String> {
    let url = std::env::var("TEST_REDIS_URL").ok();
    assert!(url.is_some() || std::env::var("MATCHDAY_TEST_ALL").is_err(), "TEST_REDIS_URL is missing");
    url
}

async fn connections(server: &ChatServer, count: i64) {
    let reached = async || live::online(&server.context, LiveId(1)).unwrap().connections == count;
    eventually("the presence of both nodes", reached).await;
}

/// Both nodes write; everybody sees all lines, once and in order.
async fn write_on_both(redis: &str, count: usize) {
    let folder = tempdir().unwrap();
    let [one, two] = ChatServer::pair(&folder, redis).await;
    let token = one.person("Li").await;
    let mut first = one.enter(Some(&token)).await;
    let mut second = two.enter(Some(&token)).await;
    let mut viewer = two.enter(None).await;
    for _ in 0..count {
        first.send(say(&token)).await;
        second.send(say(&token)).await;
    }
    for client in [&mut first, &mut second, &mut viewer] {
        for (index, line) in client.lines(2 * count).await.iter().enumerate() {
            assert_eq!(line["offset"], index as i64 + 1);
        }
    }
    // A newcomer finds all lines as well.
    let mut late = one.connect().await;
    late.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    assert_eq!(late.until("WELCOME").await["offset"], 2 * count as i64);
}

#[tokio::test]
async fn without_the_bus_the_nodes_are_slower_and_exact() {
    write_on_both(NO_REDIS, 50).await;
}

#[tokio::test]
async fn lines_of_two_nodes_reach_everybody_once_and_in_order() {
    let Some(redis) = redis() else { return };
    write_on_both(&redis, 200).await;
}

/// Pages may ask a node that none of the viewers is connected to.
#[tokio::test]
async fn viewers_of_all_nodes_are_counted_on_each() {
    let Some(redis) = redis() else { return };
    let folder = tempdir().unwrap();
    let [one, two] = ChatServer::pair(&folder, &redis).await;
    let token = one.person("Li").await;
    let numbers = async |server: &ChatServer| {
        let ask = async |request: reqwest::RequestBuilder| -> Value {
            request.header("token", &token).send().await.unwrap().json().await.unwrap()
        };
        let app = &server.app;
        let list = ask(app.client.post(app.at("/api/v1/competition/live"))).await;
        let row = list["data"].as_array().unwrap().iter().find(|row| row["id"] == 2).unwrap();
        let one = ask(app.client.get(app.at("/api/v1/competition/online/2"))).await;
        (row["online_num"].as_i64().unwrap(), one["TotalUserNumber"].as_i64().unwrap())
    };
    assert_eq!((numbers(&one).await, numbers(&two).await), ((0, 0), (0, 0)));
    // Another room than the other tests': they share the Redis.
    let enter = async || {
        let mut client = one.connect().await;
        client.send(json!({"type": "LOGIN", "room_id": "2"})).await;
        client
    };
    let [first, second] = [enter().await, enter().await];
    eventually("both are counted on both", async || (numbers(&one).await, numbers(&two).await) == ((2, 2), (2, 2)))
        .await;
    drop(first);
    eventually("one is left", async || (numbers(&one).await, numbers(&two).await) == ((1, 1), (1, 1))).await;
    drop(second);
    eventually("nobody is left", async || (numbers(&one).await, numbers(&two).await) == ((0, 0), (0, 0))).await;
}

#[tokio::test]
async fn presence_and_private_lines_cross_nodes() {
    let Some(redis) = redis() else { return };
    let folder = tempdir().unwrap();
    let [one, two] = ChatServer::pair(&folder, &redis).await;
    let token = one.person("Li").await;
    let mut target = two.connect().await;
    target.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    let uuid = target.until("WELCOME").await["uuid"].clone();
    let mut speaker = one.enter(Some(&token)).await;
    connections(&one, 2).await;
    connections(&two, 2).await;
    let mut line = say(&token);
    line["type"] = json!("SEND_ONE");
    line["send_to_one"] = uuid;
    speaker.send(line).await;
    assert_eq!(speaker.until("SEND_ONE").await["myself"], true);
    assert_eq!(target.until("SEND_ONE").await["myself"], false);
    drop(target);
    connections(&one, 1).await;
}
