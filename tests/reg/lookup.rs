//! Looking up what was registered.

use serde_json::json;

use super::client::{Registrant, players};
use crate::support::spawn_app;

#[actix_web::test]
async fn certificate_finds_its_live_registration_in_the_party() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let ask = |number: &str, party: i64| json!({"cmd": "QueryRegStateByCert", "party_id": party, "certificate_type": "1", "certificate_no": number});
    assert_eq!(runner.send(ask("E0000001", 1)).await, json!({"result": 0, "msg": "", "order_info": null}));

    let ticket = runner.enqueue(2, players(&[1])).await;
    let order_no = runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone();
    let found = runner.send(ask(" e0000001 ", 1)).await;
    assert_eq!(found["order_info"]["order_no"], order_no);
    assert_eq!(found["order_info"]["price"], 80.0);
    assert_eq!((&found["order_info"]["pay_status"], &found["order_info"]["currency_type"]), (&json!(0), &json!(1)));
    assert_eq!(runner.send(ask("E0000001", 2)).await["order_info"], json!(null), "another party");

    assert_eq!(runner.send(ask("E0000001", 99)).await["result"], -9);
    assert_eq!(runner.send(ask("", 1)).await["result"], -13);
    let unknown_type =
        json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 9, "certificate_no": "x"});
    assert_eq!(runner.send(unknown_type).await["result"], -13);
}

#[actix_web::test]
async fn orders_are_the_callers_own_newest_first_in_pages() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let mut numbers = Vec::new();
    for person in 1..=3 {
        let ticket = runner.enqueue(1, players(&[person])).await;
        numbers.push(runner.decided(ticket["token"].as_str().unwrap()).await["order_no"].clone());
    }
    numbers.reverse();
    let page = runner.send(json!({"cmd": "RegQueryUserOrders", "page_size": 2})).await;
    let shown: Vec<_> = page["orders"].as_array().unwrap().iter().map(|order| order["order_no"].clone()).collect();
    assert_eq!(shown, numbers[..2]);
    let next = runner.send(json!({"cmd": "RegQueryUserOrders", "page_size": "2", "page_no": "1"})).await;
    assert_eq!(next["orders"][0]["order_no"], numbers[2]);
    for bad in [json!({"page_size": 0}), json!({"page_size": 101}), json!({"page_no": -1}), json!({"page_no": "x"})] {
        let mut command = bad.clone();
        command["cmd"] = json!("RegQueryUserOrders");
        assert_eq!(runner.send(command).await["result"], -13, "{bad}");
    }
    let stranger = Registrant::sign_in(&app, "stranger").await;
    assert_eq!(stranger.send(json!({"cmd": "RegQueryUserOrders"})).await["orders"], json!([]));
}
