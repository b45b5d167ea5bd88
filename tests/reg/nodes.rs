//! Two nodes over one database and one Redis: what one hands out the other knows, and Redis may vanish.

use serde_json::json;

use super::client::{Registrant, admin_command, players, poll};
use crate::support::{eventually, spawn_app_in};

#[actix_web::test]
async fn token_of_one_node_is_known_to_the_other() {
    let Ok(redis) = std::env::var("TEST_REDIS_URL") else { return };
    let folder = tempfile::tempdir().unwrap();
    let one = spawn_app_in(folder.path(), &[("redis.url", &redis)]).await;
    let other = spawn_app_in(folder.path(), &[("redis.url", &redis)]).await;
    let runner = Registrant::sign_in(&one, "runner").await;
    let ticket = runner.enqueue(1, players(&[1])).await;
    let token = ticket["token"].as_str().unwrap();
    // The other node is asked at once, before it can have heard of the token.
    assert_eq!(poll(&other, token).await["result"], 0);
    eventually("both nodes tell the same order", async || {
        let (here, there) = (poll(&one, token).await, poll(&other, token).await);
        here["queue_state"] == 1 && here == there
    })
    .await;

    // Places changed on one node are seen by the other.
    admin_command(&one, json!({"cmd": "RegSetGameLimitation", "game_id": 1, "limitation": 77})).await;
    eventually("the other node sees the new places", async || {
        let balances = Registrant::sign_in(&other, "runner").await;
        let balances = balances.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await;
        balances["balances"][0] == json!({"game_id": "1", "limitation": 77, "balance": 76})
    })
    .await;
}

#[actix_web::test]
async fn without_redis_nodes_find_each_other_s_work_in_sql() {
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there: every message between the nodes is lost.
    let settings = [("redis.url", "redis://127.0.0.1:9")];
    let one = spawn_app_in(folder.path(), &settings).await;
    let other = spawn_app_in(folder.path(), &settings).await;
    let runner = Registrant::sign_in(&one, "runner").await;
    // The other node's view of the line is in memory before anything happens on the first.
    let there = Registrant::sign_in(&other, "runner").await;
    assert_eq!(there.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await["result"], 0);
    let ticket = runner.enqueue(1, players(&[1, 2, 3])).await;
    let token = ticket["token"].as_str().unwrap();
    eventually("the other node finds the outcome", async || poll(&other, token).await["queue_state"] == 1).await;
    eventually("and what is left", async || {
        let balances = there.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await;
        balances["balances"][0]["balance"] == 497
    })
    .await;
}
