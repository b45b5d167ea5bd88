//! `RegUpdate`: changing a registration's fields, and its certificate once.

use futures_util::future::join;
use matchday::args;
use serde_json::{Value, json};

use super::client::{Registrant, admin_command, players};
use crate::support::fixtures::execute;
use crate::support::{TestApp, spawn_app};

fn update(reg_id: &Value, fields: Value) -> Value {
    let mut command = fields;
    command["cmd"] = json!("RegUpdate");
    command["reg_id"] = reg_id.clone();
    command
}

/// The ids of the registrations of an order.
async fn ids(runner: &Registrant<'_>, order_no: &str) -> Vec<Value> {
    let answer = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
    answer["registrations"].as_array().unwrap().iter().map(|row| row["reg_id"].clone()).collect()
}

/// The stored fields, opened.
async fn stored(app: &TestApp, reg_id: &Value) -> Value {
    let id: i64 = reg_id.as_str().unwrap().parse().unwrap();
    let row =
        app.context.db.fetch_one("SELECT player_sealed FROM registrations WHERE id = $1", args![id]).await.unwrap();
    serde_json::from_str(&app.context.vault.open(&row.text("player_sealed").unwrap()).unwrap()).unwrap()
}

#[actix_web::test]
async fn the_owner_changes_what_is_named_and_nothing_else() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1, 2])).await;
    let ids = ids(&runner, &order_no).await;
    let before = stored(&app, &ids[0]).await;
    let fields = json!({"name": "新名", "city": "武汉", "t_shirt_size": "XL", "email": null});
    assert_eq!(runner.send(update(&ids[0], fields)).await, json!({"result": 0, "msg": ""}));
    let mut expected = before.clone();
    expected["name"] = json!("新名");
    expected["city"] = json!("武汉");
    expected["t_shirt_size"] = json!(6);
    assert_eq!(stored(&app, &ids[0]).await, expected);
    let number: Value = json!(ids[0].as_str().unwrap().parse::<i64>().unwrap());
    assert_eq!(runner.send(update(&number, json!({"city": "", "t_shirt_size": "2"}))).await["result"], 0);
    expected["city"] = json!("");
    expected["t_shirt_size"] = json!(2);
    assert_eq!(stored(&app, &ids[0]).await, expected);
    assert_eq!(stored(&app, &ids[1]).await["name"], "跑者2", "the other player");
    let shown = runner.send(json!({"cmd": "RegQueryOrder", "order_no": order_no})).await;
    assert_eq!(shown["registrations"][0]["player_name"], "新名");
    assert_eq!(runner.send(update(&ids[0], json!({}))).await["result"], 0, "nothing is named");
}

#[actix_web::test]
async fn bad_fields_strangers_and_unknown_ids_change_nothing() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1])).await;
    let id = ids(&runner, &order_no).await.remove(0);
    let before = stored(&app, &id).await;
    for (name, value) in [
        ("name", json!(" ")),
        ("name", json!(7)),
        ("name", json!("x".repeat(65))),
        ("mobile", json!("12")),
        ("email", json!("nobody")),
        ("gender", json!(3)),
        ("gender", json!("x")),
        ("birth_date", json!("2999-01-01")),
        ("birth_date", json!("1990-02-30")),
        ("t_shirt_size", json!("HUGE")),
        ("t_shirt_size", json!(9)),
        ("extra_info_json", json!("{")),
        ("certificate_type", json!(9)),
        ("certificate_no", json!("")),
        ("emergency_contact_mobile", json!("")),
    ] {
        let mut fields = json!({"city": "武汉"});
        fields[name] = value.clone();
        let answer = runner.send(update(&id, fields)).await;
        assert_eq!(answer["result"], -13, "{name} {value}: {answer}");
        assert!(answer["msg"].as_str().unwrap().starts_with(&format!("无效数据\n{name}: ")), "{answer}");
    }
    let as_card = runner.send(update(&id, json!({"certificate_type": 0}))).await;
    assert_eq!(as_card["result"], -13, "a passport's number is no identity card's: {as_card}");
    let stranger = Registrant::sign_in(&app, "stranger").await;
    assert_eq!(stranger.send(update(&id, json!({"city": "x"}))).await["result"], -11);
    for unknown in [json!(999), json!("x"), json!(null), json!(-1), json!([])] {
        assert_eq!(runner.send(update(&unknown, json!({"city": "x"}))).await["result"], -16, "{unknown}");
    }
    assert_eq!(stored(&app, &id).await, before);
    runner.send(json!({"cmd": "RegAskRefund", "order_no": order_no})).await;
    assert_eq!(runner.send(update(&id, json!({"city": "x"}))).await["result"], -16, "it is over");
}

#[actix_web::test]
async fn a_certificate_is_corrected_once_and_never_to_a_person_who_is_registered() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1, 2])).await;
    let ids = ids(&runner, &order_no).await;
    let correct = |number: &str| update(&ids[0], json!({"certificate_no": number}));
    assert_eq!(runner.send(correct(" e0000001 ")).await["result"], 0, "the same number is no correction");
    let taken = runner.send(correct("E0000002")).await;
    assert_eq!(taken["result"], -13);
    assert_eq!(taken["msg"], "无效数据\ncertificate_no: is registered in this game already");
    assert_eq!(runner.send(correct("E0000003")).await["result"], 0);
    assert_eq!(stored(&app, &ids[0]).await["certificate_no"], "E0000003");
    let twice = runner.send(correct("E0000004")).await;
    assert_eq!(
        (&twice["result"], &twice["msg"]),
        (&json!(-13), &json!("无效数据\ncertificate_no: was corrected once already"))
    );
    assert_eq!(runner.send(update(&ids[0], json!({"certificate_type": 3}))).await["result"], -13, "nor its type");
    assert_eq!(runner.send(correct("E0000003")).await["result"], 0, "told again");
    assert_eq!(runner.send(update(&ids[0], json!({"city": "武汉"}))).await["result"], 0, "other fields still change");

    let ask = |number: &str| json!({"cmd": "QueryRegStateByCert", "party_id": 1, "certificate_type": 1, "certificate_no": number});
    assert_eq!(runner.send(ask("E0000003")).await["order_info"]["order_no"], json!(order_no));
    assert_eq!(runner.send(ask("E0000001")).await["order_info"], json!(null));
    let other = Registrant::sign_in(&app, "other").await;
    let blocked = other.enqueue(1, players(&[3])).await;
    assert_eq!(other.decided(blocked["token"].as_str().unwrap()).await["queue_state"], 4);
    other.order(1, players(&[1])).await;
}

#[actix_web::test]
async fn of_two_corrections_to_the_same_person_one_wins() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1, 2])).await;
    let ids = ids(&runner, &order_no).await;
    let correct = |id| runner.send(update(id, json!({"certificate_no": "E0000009"})));
    let (one, other) = join(correct(&ids[0]), correct(&ids[1])).await;
    let mut results = [one["result"].as_i64().unwrap(), other["result"].as_i64().unwrap()];
    results.sort_unstable();
    assert_eq!(results, [-13, 0], "{one} {other}");
}

#[actix_web::test]
async fn guessing_certificates_is_limited_and_other_changes_are_not() {
    let app = spawn_app(&[("limits.enabled", "true"), ("limits.certificate_queries_per_minute", "2")]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1, 2])).await;
    let id = ids(&runner, &order_no).await.remove(0);
    let guess = update(&id, json!({"certificate_no": "E0000002"}));
    assert_eq!(runner.send(guess.clone()).await["result"], -13);
    assert_eq!(runner.send(guess.clone()).await["result"], -13);
    let limited = runner.send(guess.clone()).await;
    assert_eq!(limited["result"], -1000, "{limited}");
    assert!(limited["retry_after"].as_u64().is_some_and(|seconds| seconds > 0));
    assert_eq!(runner.send(update(&id, json!({"city": "武汉"}))).await["result"], 0);
    assert_eq!(admin_command(&app, guess).await["result"], -13, "administrators are not limited");
}

#[actix_web::test]
async fn the_games_rules_and_its_deadline_are_kept() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1])).await;
    let id = ids(&runner, &order_no).await.remove(0);
    execute(db, "UPDATE games SET gender_req = 1, min_age_req = 18", args![]).await;
    app.context.catalog.reload(db).await.unwrap();
    for (fields, msg) in [
        (json!({"gender": 2}), "无效数据\ngender: this game is for the other gender"),
        (json!({"birth_date": "2015-01-01"}), "无效数据\nbirth_date: too young for this game"),
    ] {
        let answer = runner.send(update(&id, fields)).await;
        assert_eq!((&answer["result"], &answer["msg"]), (&json!(-13), &json!(msg)));
    }
    assert_eq!(runner.send(update(&id, json!({"birth_date": "1991-01-01"}))).await["result"], 0);

    let deadline = async |at: Option<i64>| {
        execute(db, "UPDATE competitions SET change_deadline = $1", args![at]).await;
    };
    deadline(Some(db.now_ms() - 1)).await;
    let late = runner.send(update(&id, json!({"city": "x"}))).await;
    assert_eq!((&late["result"], &late["msg"]), (&json!(-36), &json!("赛事已关闭\n报名信息修改已截止")));
    assert_eq!(admin_command(&app, update(&id, json!({"city": "x"}))).await["result"], -36);
    deadline(None).await;
    assert_eq!(runner.send(update(&id, json!({"city": "x"}))).await["result"], 0, "until the start");
    execute(db, "UPDATE games SET start_time = $1", args![db.now_ms() - 1]).await;
    assert_eq!(runner.send(update(&id, json!({"city": "y"}))).await["result"], -36);
}

#[actix_web::test]
async fn an_administrator_changes_it_with_a_trail_that_names_no_values() {
    let app = spawn_app(&[]).await;
    let runner = Registrant::sign_in(&app, "runner").await;
    let order_no = runner.order(1, players(&[1])).await;
    let id = ids(&runner, &order_no).await.remove(0);
    let fields = json!({"name": "秘密", "certificate_no": "E7777777"});
    assert_eq!(admin_command(&app, update(&id, fields)).await, json!({"result": 0, "msg": ""}));
    assert_eq!(stored(&app, &id).await["name"], "秘密");
    let sql = "SELECT admin_name, entity_id, after_json FROM audit WHERE entity = 'registrations'";
    let trail = app.context.db.fetch_one(sql, args![]).await.unwrap();
    assert_eq!(
        (trail.text("admin_name").unwrap(), json!(trail.text("entity_id").unwrap())),
        ("admin".to_owned(), id.clone())
    );
    let after: Value = serde_json::from_str(&trail.text("after_json").unwrap()).unwrap();
    assert_eq!(after, json!({"changed": ["certificate_no", "name"]}));

    let owner = app.admin_token().await;
    let new = json!({"username": "mo", "password": "a password", "role": "moderator"});
    app.client.post(app.at("/admin/api/v1/admins")).bearer_auth(&owner).json(&new).send().await.unwrap();
    let login =
        app.client.post(app.at("/admin/api/v1/login")).json(&json!({"username": "mo", "password": "a password"}));
    let session: Value = login.send().await.unwrap().json().await.unwrap();
    let request = app.client.post(app.at("/api/reg")).bearer_auth(session["token"].as_str().unwrap());
    let refused: Value = request.json(&update(&id, json!({"name": "x"}))).send().await.unwrap().json().await.unwrap();
    assert_eq!(refused["result"], -11, "another role");
}
