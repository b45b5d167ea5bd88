//! `RegSetAllGamesLimitation`: the places of many games, all or none.

use serde_json::{Value, json};

use super::client::{Registrant, admin_command, command, players};
use crate::support::{TestApp, eventually, spawn_app};

fn set(balances: Value) -> Value {
    json!({"cmd": "RegSetAllGamesLimitation", "balances": balances})
}

async fn places(app: &TestApp, game: i64) -> (Value, Value) {
    let answer = admin_command(app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": game})).await;
    (answer["limitation"].clone(), answer["balance"].clone())
}

#[actix_web::test]
async fn all_named_games_change_together_and_others_keep_theirs() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    runner.order(2, players(&[1, 2])).await;
    let both = set(
        json!([{"game_id": "2", "limitation": 10, "balance": 10}, {"game_id": 1, "limitation": "50", "balance": "20"}]),
    );
    assert_eq!(command(&app, both.clone()).await["result"], -1);
    assert_eq!(runner.send(both.clone()).await["result"], -1);
    assert_eq!(admin_command(&app, both).await, json!({"result": 0, "msg": ""}));
    assert_eq!(places(&app, 1).await, (json!(50), json!(20)));
    assert_eq!(places(&app, 2).await, (json!(10), json!(8)), "two are held");
    let acts = "SELECT COUNT(*) AS n FROM audit WHERE action = 'set_places' AND admin_name = 'admin'";
    assert_eq!(app.context.db.fetch_one(acts, vec![]).await.unwrap().int("n").unwrap(), 2);
    eventually("the lines have read their new places", async || {
        let balances = runner.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await;
        balances["balances"]
            == json!([
                {"game_id": "1", "limitation": 50, "balance": 20}, {"game_id": "2", "limitation": 10, "balance": 8},
            ])
    })
    .await;
    assert_eq!(admin_command(&app, set(json!([{"game_id": 2, "limitation": 4}]))).await["result"], 0);
    assert_eq!(places(&app, 1).await, (json!(50), json!(20)), "not named");
}

#[actix_web::test]
async fn one_bad_entry_changes_nothing_and_is_named() {
    let app = spawn_app(&[]).await;
    let good = json!({"game_id": 1, "limitation": 7});
    let with = |bad: Value| json!([good, bad]);
    let cases = [
        (json!(null), -13, "无效数据\nbalances: "),
        (json!({}), -13, "无效数据\nbalances: "),
        (json!([]), -13, "无效数据\nbalances: "),
        (json!(vec![good.clone(); 1001]), -13, "无效数据\nbalances: "),
        (with(json!(7)), -13, "无效数据\nbalances[1]: "),
        (with(json!({"game_id": 99, "limitation": 1})), -10, "无效比赛id，比赛不存在\nbalances[1].game_id: "),
        (with(json!({"game_id": "x", "limitation": 1})), -10, "无效比赛id，比赛不存在\nbalances[1].game_id: "),
        (with(json!({"limitation": 1})), -10, "无效比赛id，比赛不存在\nbalances[1].game_id: "),
        (with(json!({"game_id": 2})), -13, "无效数据\nbalances[1].limitation: "),
        (with(json!({"game_id": 2, "limitation": -1})), -13, "无效数据\nbalances[1].limitation: "),
        (with(json!({"game_id": 2, "limitation": 2_147_483_648_i64})), -13, "无效数据\nbalances[1].limitation: "),
        (with(json!({"game_id": 2, "limitation": 5, "balance": -1})), -13, "无效数据\nbalances[1].balance: "),
        (with(json!({"game_id": 2, "limitation": 5, "balance": 1.5})), -13, "无效数据\nbalances[1].balance: "),
        (with(json!({"game_id": "1", "limitation": 5})), -13, "无效数据\nbalances[1].game_id: "),
    ];
    for (balances, code, msg) in cases {
        let answer = admin_command(&app, set(balances)).await;
        assert_eq!(answer["result"], code, "{msg}: {answer}");
        assert!(answer["msg"].as_str().unwrap().starts_with(msg), "{msg}: {answer}");
    }
    assert_eq!(places(&app, 1).await, (json!(500), json!(500)));
}
