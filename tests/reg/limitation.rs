//! Places: who may set them, and what they can be set to.

use serde_json::{Value, json};

use super::client::{Registrant, admin_command, command, players};
use crate::support::{eventually, spawn_app};

#[actix_web::test]
async fn administrator_sets_places_and_nobody_else() {
    let app = spawn_app(&[]).await;
    let set = json!({"cmd": "RegSetGameLimitation", "game_id": "1", "limitation": 50, "balance": "20"});
    let runner = Registrant::sign_in(&app, "runner").await;
    assert_eq!(command(&app, set.clone()).await["result"], -1);
    assert_eq!(runner.send(set.clone()).await["result"], -1);
    assert_eq!(admin_command(&app, set).await, json!({"result": 0, "msg": ""}));
    let places = admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 1})).await;
    assert_eq!(places, json!({"result": 0, "msg": "", "limitation": 50, "balance": 20}));

    let balances = runner.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await;
    let game = |id: &str| -> Value {
        balances["balances"].as_array().unwrap().iter().find(|row| row["game_id"] == id).unwrap().clone()
    };
    eventually("the line has read its new places", async || {
        let balances = runner.send(json!({"cmd": "RegGetAllGamesBalanceInfo"})).await;
        balances["balances"][0] == json!({"game_id": "1", "limitation": 50, "balance": 20})
    })
    .await;
    assert_eq!(game("2"), json!({"game_id": "2", "limitation": 3, "balance": 3}));
    let audit = app
        .context
        .db
        .fetch_one("SELECT admin_name, after_json FROM audit WHERE action = 'set_places'", vec![])
        .await
        .unwrap();
    assert_eq!(audit.text("admin_name").unwrap(), "admin");
    assert!(audit.text("after_json").unwrap().contains(r#""limitation":50"#));
}

#[actix_web::test]
async fn bad_places_are_refused_and_an_oversell_cannot_be_configured() {
    let app = spawn_app(&[]).await;
    let cases = [
        (json!({}), "limitation"),
        (json!({"limitation": -1}), "limitation"),
        (json!({"limitation": 2_147_483_648_i64}), "limitation"),
        (json!({"limitation": "many"}), "limitation"),
        (json!({"limitation": 1.5}), "limitation"),
        (json!({"limitation": 5, "balance": -1}), "balance"),
        (json!({"limitation": 5, "balance": []}), "balance"),
    ];
    for (members, named) in cases {
        let mut set = members.clone();
        set["cmd"] = json!("RegSetGameLimitation");
        set["game_id"] = json!(2);
        let answer = admin_command(&app, set).await;
        assert_eq!(answer["result"], -13, "{members}: {answer}");
        assert!(answer["msg"].as_str().unwrap().contains(named), "{answer}");
    }
    let unknown = json!({"cmd": "RegSetGameLimitation", "game_id": 99, "limitation": 1});
    assert_eq!(admin_command(&app, unknown).await["result"], -10);

    let runner = Registrant::sign_in(&app, "runner").await;
    let ticket = runner.enqueue(2, players(&[1, 2])).await;
    runner.decided(ticket["token"].as_str().unwrap()).await;
    let set = json!({"cmd": "RegSetGameLimitation", "game_id": 2, "limitation": 10, "balance": 10});
    admin_command(&app, set).await;
    let places = admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 2})).await;
    assert_eq!(places["balance"], 8, "two are held");
    let lower = json!({"cmd": "RegSetGameLimitation", "game_id": 2, "limitation": 1});
    admin_command(&app, lower).await;
    let places = admin_command(&app, json!({"cmd": "RegGetGameLimitationInfo", "game_id": 2})).await;
    assert_eq!((&places["limitation"], &places["balance"]), (&json!(1), &json!(0)), "nobody is thrown out");
}
