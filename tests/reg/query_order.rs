//! `RegQueryOrder`: the registrations of an own order.

use serde_json::json;

use super::client::{Registrant, players};
use crate::support::spawn_app;

#[actix_web::test]
async fn an_order_lists_its_registrations_to_its_owner() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1, 2])).await;
    let answer = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
    assert_eq!((&answer["result"], &answer["msg"]), (&json!(0), &json!("")), "{answer}");
    let rows = answer["registrations"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for (row, name) in rows.iter().zip(["跑者1", "跑者2"]) {
        assert_eq!((&row["game_id"], &row["player_name"], &row["pay_status"]), (&json!("1"), &json!(name), &json!(0)));
        assert!(row["game_name"].as_str().is_some_and(|name| !name.is_empty()));
        for id in ["reg_id", "player_id"] {
            assert!(row[id].as_str().unwrap().parse::<i64>().unwrap() > 0, "{row}");
        }
    }
    assert_ne!(rows[0]["reg_id"], rows[1]["reg_id"]);
    runner.pay(&order_no).await;
    let paid = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
    assert_eq!(paid["registrations"][1]["pay_status"], 1);
}

#[actix_web::test]
async fn unknown_and_strangers_orders_are_the_same_and_malformed_numbers_are_not() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1])).await;
    let stranger = Registrant::sign_in(&app, "stranger").await;
    for cmd in ["RegQueryOrder", "RegAskRefund"] {
        let foreign = stranger.send(json!({"cmd": cmd, "order_no": order_no})).await;
        let unknown = stranger.send(json!({"cmd": cmd, "order_no": "2611221213269898787254"})).await;
        assert_eq!(foreign["result"], -17, "{cmd}: {foreign}");
        assert_eq!(foreign, unknown, "{cmd}: which exist is not told");
        for bad in [
            json!(null),
            json!(""),
            json!(7),
            json!([]),
            json!("x"),
            json!(format!(" {order_no}")),
            json!("２".repeat(22)),
        ] {
            let answer = runner.send(json!({"cmd": cmd, "order_no": bad})).await;
            assert_eq!(answer["result"], -12, "{cmd} {bad}: {answer}");
        }
    }
    let orders = runner.send(json!({"cmd": "RegQueryUserOrders"})).await;
    assert_eq!(orders["orders"][0]["pay_status"], 0, "nothing was changed");
}
