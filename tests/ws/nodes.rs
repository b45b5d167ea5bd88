//! Two servers over one database.

use std::sync::Arc;

use actors::domain::ids::LiveId;
use matchday::service::live;
use serde_json::json;

use crate::support::chat::{Cable, ChatServer, PATIENCE, config};

struct Pair {
    cable: Arc<Cable>,
    base: ChatServer,
    one: ChatServer,
    two: ChatServer,
}

async fn pair() -> Pair {
    let base = ChatServer::start().await;
    let cable = Arc::new(Cable::default());
    let db = base.context.db.clone();
    let one = ChatServer::node(db.clone(), cable.plug(), config(json!({}), false)).await;
    let two = ChatServer::node(db, cable.plug(), config(json!({}), false)).await;
    Pair {
        cable,
        base,
        one,
        two,
    }
}

#[actix_rt::test]
async fn lines_of_two_nodes_reach_everybody_once_and_in_order() {
    let nodes = pair().await;
    let token = nodes.base.person("Li").await;
    let mut first = nodes.one.enter(Some(&token)).await;
    let mut second = nodes.two.enter(Some(&token)).await;
    let mut viewer = nodes.two.enter(None).await;
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token});
    for _ in 0..100 {
        first.send(line.clone()).await;
        second.send(line.clone()).await;
    }
    for client in [&mut first, &mut second, &mut viewer] {
        let lines = client.lines(200).await;
        for (index, line) in lines.iter().enumerate() {
            assert_eq!(line["offset"], index as i64 + 1);
        }
    }
    let everybody = async {
        while live::online(&nodes.one.context, LiveId(1))
            .unwrap()
            .connections
            != 3
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, everybody)
        .await
        .expect("presence of both nodes");
}

#[actix_rt::test]
async fn a_lost_bus_only_slows_down() {
    let nodes = pair().await;
    let token = nodes.base.person("Li").await;
    let mut speaker = nodes.one.enter(Some(&token)).await;
    let mut viewer = nodes.two.enter(None).await;
    nodes.cable.cut();
    let line = json!({"type": "SEND_ALL", "room_id": "1", "content": "x", "token": token});
    for _ in 0..3 {
        speaker.send(line.clone()).await;
    }
    speaker.lines(3).await;
    let lines = viewer.lines(3).await;
    assert_eq!(lines[2]["offset"], 3);
    // A newcomer on the node that was not told finds all lines as well.
    let mut late = nodes.two.connect().await;
    late.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    assert_eq!(late.until("WELCOME").await["offset"], 3);
}

#[actix_rt::test]
async fn a_private_line_crosses_nodes() {
    let nodes = pair().await;
    let token = nodes.base.person("Li").await;
    let mut target = nodes.two.connect().await;
    target.send(json!({"type": "LOGIN", "room_id": "1"})).await;
    let uuid = target.until("WELCOME").await["uuid"].clone();
    let mut speaker = nodes.one.enter(Some(&token)).await;
    let known = async {
        while live::online(&nodes.one.context, LiveId(1))
            .unwrap()
            .connections
            != 2
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known)
        .await
        .expect("presence of the other node");
    speaker
        .send(json!({"type": "SEND_ONE", "room_id": "1", "content": "psst", "token": token, "send_to_one": uuid}))
        .await;
    assert_eq!(speaker.until("SEND_ONE").await["myself"], true);
    assert_eq!(target.until("SEND_ONE").await["content"], "psst");
}
