//! The collection of players: found, masked, opened by whom, and what the trail keeps of that.

use reqwest::Method;
use serde_json::{Value, json};

use crate::reg::client::{Registrant, player};
use crate::support::{TestApp, spawn_app};

async fn ask(app: &TestApp, method: Method, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}"))).bearer_auth(token);
    let answer = request.json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

async fn get(app: &TestApp, path: &str, token: &str) -> (u16, Value) {
    ask(app, Method::GET, path, token, Value::Null).await
}

async fn with_role(app: &TestApp, owner: &str, role: &str) -> String {
    let new = json!({"username": role, "password": "a password", "role": role});
    assert_eq!(ask(app, Method::POST, "admins", owner, new).await.0, 201);
    let login = json!({"username": role, "password": "a password"});
    ask(app, Method::POST, "login", "", login).await.1["token"].as_str().unwrap().to_owned()
}

/// Where the player with a certificate is found by the id.
async fn path_of(app: &TestApp, owner: &str, certificate: &str) -> String {
    let found = get(app, &format!("players?search={certificate}"), owner).await.1;
    format!("players/{}", found["data"][0]["id"])
}

/// Two players, the first with two registrations; the order numbers of the first.
async fn setting() -> (TestApp, String, [String; 2]) {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let alice = Registrant::sign_in(&app, "alice").await;
    let (mut first, mut second) = (player(1), player(2));
    (first["certificate_no"], second["certificate_no"]) = (json!("E12345678"), json!("E87654321"));
    let one = alice.order(1, json!([first])).await;
    let two = alice.order(2, json!([first])).await;
    alice.order(1, json!([second])).await;
    (app, owner, [one, two])
}

fn undated(mut row: Value) -> Value {
    for row in row.get_mut("history").and_then(Value::as_array_mut).into_iter().flatten() {
        row["id"] = json!("id");
        row["create_time"] = json!("time");
        row["order_no"] = json!("number");
    }
    row["create_time"] = json!("time");
    row["id"] = json!("id");
    row
}

#[actix_web::test]
async fn players_are_listed_masked_and_found_by_their_certificates() {
    let (app, owner, _) = setting().await;
    let (status, all) = get(&app, "players?size=1", &owner).await;
    assert_eq!((status, &all["total"], &all["current_page"]), (200, &json!(2), &json!(1)));
    insta::assert_json_snapshot!(undated(all["data"][0].clone()), @r#"
    {
      "certificate_no": "E87**4321",
      "certificate_type": 1,
      "create_time": "time",
      "id": "id",
      "mobile": "138****0000",
      "name": "跑**",
      "registrations": 1
    }
    "#);
    let found = async |search: &str| {
        let (status, found) = get(&app, &format!("players?search={search}"), &owner).await;
        assert_eq!(status, 200, "{search}: {found}");
        let rows = found["data"].as_array().unwrap().iter();
        let numbers: Vec<String> = rows.map(|row| row["certificate_no"].as_str().unwrap().to_owned()).collect();
        (found["total"].as_i64().unwrap(), numbers)
    };
    let first = (1, vec!["E12**5678".to_owned()]);
    assert_eq!(found("E12345678").await, first);
    // Full-width, in small letters.
    assert_eq!(found("%EF%BD%851234%EF%BC%95678").await, first);
    let path = path_of(&app, &owner, "E12345678").await;
    let id = path.split('/').next_back().unwrap();
    assert_eq!(found(id).await, first);
    for nobody in ["E1234567", "E12345679", "99", "-1", "%25", "%E8%B7%91"] {
        assert_eq!(found(nobody).await, (0, vec![]), "{nobody}");
    }
    assert_eq!(get(&app, &format!("players?search={id}&page=2"), &owner).await.1["data"], json!([]));
    assert_eq!(get(&app, "players?page=0", &owner).await.0, 422);
    assert_eq!(get(&app, "players?size=101", &owner).await.0, 422);
}

#[actix_web::test]
async fn one_player_is_opened_for_those_who_may_and_that_is_noted() {
    let (app, owner, _) = setting().await;
    let path = path_of(&app, &owner, "E12345678").await;
    let (status, one) = get(&app, &path, &owner).await;
    assert_eq!(status, 200);
    let id = one["id"].to_string();
    insta::assert_json_snapshot!(undated(one), @r#"
    {
      "certificate_no": "E12**5678",
      "certificate_type": 1,
      "create_time": "time",
      "fields": {
        "address1": "",
        "address2": "",
        "birth_date": "1990-05-01",
        "certificate_no": "E12345678",
        "certificate_type": 1,
        "city": "",
        "country": "中国",
        "email": "runner@example.org",
        "emergency_contact_mobile": "13900000000",
        "emergency_contact_name": "家人",
        "extra_info_json": "",
        "gender": 1,
        "mobile": "13800000000",
        "name": "跑者1",
        "province": "",
        "t_shirt_size": 4,
        "zip": ""
      },
      "history": [
        {
          "account_id": 1,
          "competition_id": 1,
          "create_time": "time",
          "game_id": 2,
          "game_name": "10 公里",
          "id": "id",
          "live": 1,
          "order_no": "number"
        },
        {
          "account_id": 1,
          "competition_id": 1,
          "create_time": "time",
          "game_id": 1,
          "game_name": "半程马拉松",
          "id": "id",
          "live": 1,
          "order_no": "number"
        }
      ],
      "id": "id",
      "mobile": "138****0000",
      "name": "跑**",
      "registrations": 2
    }
    "#);
    let trail = get(&app, "audit?search=players", &owner).await.1;
    let entry = &trail["data"][0];
    let kept = ["action", "entity", "entity_id", "admin_name", "before", "after"].map(|name| entry[name].clone());
    assert_eq!(
        (trail["total"].as_i64(), kept),
        (Some(1), [json!("open"), json!("players"), json!(id), json!("admin"), Value::Null, Value::Null])
    );

    let (editor, cashier) = (with_role(&app, &owner, "editor").await, with_role(&app, &owner, "cashier").await);
    assert_eq!(get(&app, &path, &editor).await.1["fields"]["name"], "跑者1");
    let (status, masked) = get(&app, &path, &cashier).await;
    assert_eq!((status, &masked["fields"], &masked["name"]), (200, &Value::Null, &json!("跑**")));
    assert_eq!(masked["history"].as_array().unwrap().len(), 2);
    assert!(!masked.to_string().contains("E12345678"));
    let moderator = with_role(&app, &owner, "moderator").await;
    for path in ["players", &path] {
        assert_eq!(get(&app, path, &moderator).await.0, 403, "{path}");
        assert_eq!(get(&app, path, "").await.0, 401, "{path}");
    }
    assert_eq!(get(&app, "audit?search=players", &owner).await.1["total"], 2, "only the editor opened one more");
    assert_eq!(get(&app, "players/99", &owner).await.0, 404);
    assert_eq!(get(&app, "players/x", &owner).await.0, 404);
    for method in [Method::POST, Method::PATCH, Method::DELETE] {
        assert_eq!(ask(&app, method.clone(), &path, &owner, json!({})).await.0, 405, "{method}");
    }
}

#[actix_web::test]
async fn registrations_that_are_over_stay_in_the_history() {
    let (app, owner, orders) = setting().await;
    let path = path_of(&app, &owner, "E12345678").await;
    for (order, left) in orders.iter().zip([1, 0]) {
        let path = format!("orders/{order}/refund");
        assert_eq!(ask(&app, Method::POST, &path, &owner, json!({})).await.0, 200);
        let row = get(&app, "players?search=E12345678", &owner).await.1["data"][0].clone();
        assert_eq!(row["registrations"], left);
        assert_eq!(row["name"].is_null(), left == 0, "{row}");
    }
    let one = get(&app, &path, &owner).await.1;
    assert_eq!((&one["name"], &one["fields"]["name"]), (&json!("跑**"), &json!("跑者1")));
    let live: Vec<&Value> = one["history"].as_array().unwrap().iter().map(|row| &row["live"]).collect();
    assert_eq!(live, [&json!(0), &json!(0)]);
}
