//! Administrators and money: refunds without a deadline, the journal, refunds that fail and are tried again.

use matchday::args;
use reqwest::Method;
use serde_json::{Value, json};

use crate::reg::client::{Registrant, players};
use crate::support::fixtures::execute;
use crate::support::{TestApp, eventually, spawn_app};

async fn call(app: &TestApp, method: Method, path: &str, token: &str, key: Option<&str>) -> (u16, Value) {
    let mut request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(token);
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

async fn get(app: &TestApp, path: &str, token: &str) -> Value {
    let (status, body) = call(app, Method::GET, path, token, None).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn with_role(app: &TestApp, owner: &str, role: &str) -> String {
    let body = json!({"username": role, "password": "a password", "role": role});
    app.client.post(app.at("/admin/api/v1/admins")).bearer_auth(owner).json(&body).send().await.unwrap();
    let login = app.client.post(app.at("/admin/api/v1/login")).json(&body_of(role)).send().await.unwrap();
    login.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned()
}

fn body_of(name: &str) -> Value {
    json!({"username": name, "password": "a password"})
}

#[actix_web::test]
async fn cashiers_give_orders_back_whatever_the_deadline() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let cashier = with_role(&app, &owner, "cashier").await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let paid = runner.order(2, players(&[1, 2])).await;
    runner.pay(&paid).await;
    let unpaid = runner.order(2, players(&[3])).await;
    execute(&app.context.db, "UPDATE competitions SET refund_deadline = 0", args![]).await;
    let orders = get(&app, "orders", &cashier).await;
    let id_of = |order_no: &str| {
        let rows = orders["data"].as_array().unwrap();
        rows.iter().find(|row| row["order_no"] == order_no).unwrap()["id"].as_i64().unwrap()
    };
    let (id, unpaid_id) = (id_of(&paid), id_of(&unpaid));
    let path = format!("orders/{id}/refund");

    let editor = with_role(&app, &owner, "editor").await;
    assert_eq!(call(&app, Method::POST, &path, &editor, None).await.0, 403);
    assert_eq!(call(&app, Method::POST, &path, "", None).await.0, 401);
    assert_eq!(call(&app, Method::POST, "orders/999/refund", &cashier, None).await.0, 404);
    let null = app.client.post(app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(&cashier);
    let refused = null.json(&json!({"reg_id": null})).send().await.unwrap().status();
    assert_eq!(refused, 422, "a lost number is not the whole order");
    assert_eq!(call(&app, Method::GET, &path, &cashier, None).await.0, 405);
    assert_eq!(get(&app, &format!("orders/{id}"), &cashier).await["status"], 1, "nothing was changed");

    let first = call(&app, Method::POST, &path, &cashier, Some("k")).await;
    assert_eq!((first.0, &first.1["status"]), (200, &json!(3)), "{}", first.1);
    assert_eq!(call(&app, Method::POST, &path, &cashier, Some("k")).await, first, "the same key");
    eventually("refunded", async || get(&app, &format!("orders/{id}"), &cashier).await["status"] == 4).await;
    let again = call(&app, Method::POST, &path, &cashier, None).await;
    assert_eq!((again.0, &again.1["status"]), (200, &json!(4)), "done already");
    // By its number, with a reason.
    let url = app.at(&format!("/admin/api/v1/orders/{unpaid}/refund"));
    let wrong = app.client.post(&url).bearer_auth(&cashier).json(&json!({"why": "x"})).send().await.unwrap();
    assert_eq!(wrong.status(), 422, "an unknown member");
    let asked = app.client.post(&url).bearer_auth(&cashier).json(&json!({"reason": "asked at the desk"}));
    let cancelled: serde_json::Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!((&cancelled["id"], &cancelled["status"]), (&json!(unpaid_id), &json!(5)));
    let trail = get(&app, &format!("audit?search=orders/{unpaid_id}"), &owner).await;
    assert_eq!(trail["data"][0]["after"]["refund_reason"], "asked at the desk");
    let trail = get(&app, &format!("audit?search=orders/{id}"), &owner).await;
    let first = trail["data"].as_array().unwrap().last().unwrap();
    assert_eq!((&first["action"], &first["admin_name"]), (&json!("refund"), &json!("cashier")));
    assert_eq!((&first["before"]["status"], &first["after"]["status"]), (&json!(1), &json!(3)));

    let journal = get(&app, "journal", &cashier).await;
    assert_eq!(journal["holds"], true, "{journal}");
    let balance = |account: &str, fen: f64| json!({"account": account, "balance": fen, "expected": fen});
    assert_eq!(journal["balances"], json!([balance("cash", 0.0), balance("sales", 0.0), balance("refunds_due", 0.0)]));
    let kinds: Vec<&Value> = journal["transfers"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
    assert_eq!(kinds, ["refund_done", "refund_requested", "payment"]);
    let last = &journal["transfers"][0];
    assert_eq!(
        (&last["order_no"], &last["amount"], &last["credit_account"]),
        (&json!(paid), &json!(160.0), &json!("cash"))
    );
    assert_eq!(call(&app, Method::GET, "journal", &editor, None).await.0, 403);
}

#[actix_web::test]
async fn a_refund_that_the_provider_refuses_is_given_up_seen_and_tried_again() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let admin = app.admin_token().await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(2, players(&[1])).await;
    runner.pay(&order_no).await;
    // A provider that this server does not have any more takes no refund.
    for sql in ["UPDATE payments SET provider = 'gone'", "UPDATE journal SET provider = 'gone'"] {
        execute(db, sql, args![]).await;
    }
    assert_eq!(runner.send(json!({"cmd": "RegAskRefund", "order_no": order_no})).await["result"], 0);
    eventually("put off", async || get(&app, "outbox", &admin).await["data"][0]["state"] == "put off").await;
    let failed = get(&app, "outbox", &admin).await["data"][0].clone();
    assert_eq!((&failed["kind"], &failed["attempts"]), (&json!("refund"), &json!(1)), "{failed}");
    assert!(failed["work_key"].as_str().unwrap().starts_with("refund:gone:") && failed["next_time"].is_string());
    let path = format!("outbox/{}/retry", failed["id"]);
    let (status, problem) = call(&app, Method::POST, &path, &admin, None).await;
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "it is tried again by itself");

    execute(db, "UPDATE outbox SET attempts = 49, next_at = 0", args![]).await;
    eventually("given up", async || get(&app, "outbox", &admin).await["data"][0]["state"] == "given up").await;
    let order = get(&app, &format!("orders?search={order_no}"), &admin).await["data"][0].clone();
    assert_eq!(order["status"], 3, "the order keeps its places until the money is back");
    let editor = with_role(&app, &admin, "editor").await;
    assert_eq!(call(&app, Method::POST, &path, &editor, None).await.0, 403);
    assert_eq!(call(&app, Method::POST, "outbox/999/retry", &admin, None).await.0, 404);

    for sql in [
        "UPDATE payments SET provider = 'sandbox'",
        "UPDATE journal SET provider = 'sandbox'",
        "UPDATE refunds SET provider = 'sandbox'",
        "UPDATE outbox SET payload = REPLACE(payload, 'gone', 'sandbox')",
    ] {
        execute(db, sql, args![]).await;
    }
    let (status, work) = call(&app, Method::POST, &path, &admin, Some("k")).await;
    assert_eq!((status, &work["state"], &work["attempts"]), (200, &json!("put off"), &json!(0)), "{work}");
    eventually("refunded", async || {
        get(&app, &format!("orders?search={order_no}"), &admin).await["data"][0]["status"] == 4
    })
    .await;
    assert_eq!(get(&app, "outbox", &admin).await["total"], 0);
    assert_eq!(get(&app, "journal", &admin).await["holds"], true);
    let trail = get(&app, "audit?search=outbox", &admin).await;
    assert_eq!((&trail["total"], &trail["data"][0]["action"]), (&json!(1), &json!("retry")));
}
