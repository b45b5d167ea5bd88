//! `RegQueryPartyRegState`: how many players each game of a party has, on both paths.

use serde_json::{Value, json};

use super::client::{Registrant, players};
use crate::support::spawn_app;

#[actix_web::test]
async fn players_are_counted_by_game_and_payment() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let paid = runner.order(1, players(&[1, 2])).await;
    runner.pay(&paid).await;
    runner.order(1, players(&[3])).await;
    let ask = |party: Value| json!({"cmd": "RegQueryPartyRegState", "party_id": party});
    let answer = runner.send(ask(json!("1"))).await;
    assert_eq!(answer["result"], 0, "{answer}");
    let game = &answer["games"][0];
    assert_eq!(
        (&game["game_id"], &game["payed_player_count"], &game["wait_pay_player_count"]),
        (&json!("1"), &json!(2), &json!(1))
    );
    assert!(game["name"].as_str().is_some_and(|name| !name.is_empty()));
    assert_eq!(answer["games"][1]["payed_player_count"], 0, "{answer}");

    let alias = app.client.post(app.at("/api/party")).header("token", &runner.token).json(&ask(json!(1)));
    let alias: Value = alias.send().await.unwrap().json().await.unwrap();
    assert_eq!(alias, answer);
    for unknown in [json!(99), json!("x"), json!(null), json!(-1)] {
        assert_eq!(runner.send(ask(unknown.clone())).await["result"], -9, "{unknown}");
    }
}
