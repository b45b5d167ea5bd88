//! Pairs of columns that have an order, in every collection, on creating and on changing one of the two.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::fixtures::execute;
use crate::support::{TestApp, spawn_app};

async fn send(app: &TestApp, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = app.client.request(method, app.at(&format!("/admin/api/v1/{path}")));
    let answer = request.bearer_auth(app.admin_token().await).json(&body).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or_default())
}

/// (collection, a good row, earlier, later, a value for each that is in order)
fn pairs() -> Vec<(&'static str, Value, &'static str, &'static str, Value, Value)> {
    let day = |day: u32| json!(format!("2030-05-{day:02} 08:00:00"));
    let competition = json!({"title": "夜跑", "play_time": day(20)});
    let game =
        |name: &str| json!({"competition_id": 1, "name": name, "price": 1, "limitation": 5, "start_time": day(20)});
    vec![
        ("competitions", competition.clone(), "registration_open_at", "registration_close_at", day(2), day(9)),
        ("competitions", competition.clone(), "registration_open_at", "play_time", day(2), day(9)),
        ("competitions", competition, "play_time", "end_time", day(2), day(9)),
        ("lives", json!({"title": "决赛"}), "publish_time", "expire_time", day(2), day(9)),
        ("games", game("a"), "start_time", "end_time", day(2), day(9)),
        ("games", game("b"), "min_age_req", "max_age_req", json!(20), json!(30)),
    ]
}

fn with(mut row: Value, members: [(&str, &Value); 2]) -> Value {
    for (name, value) in members {
        row[name] = value.clone();
    }
    row
}

#[actix_web::test]
async fn later_before_earlier_is_refused_by_the_member_that_was_given() {
    let app = spawn_app(&[]).await;
    for (name, row, earlier, later, low, high) in pairs() {
        let what = format!("{name} {earlier} {later}");
        let (status, problem) =
            send(&app, Method::POST, name, with(row.clone(), [(earlier, &high), (later, &low)])).await;
        assert_eq!((status, &problem["field"]), (422, &json!(later)), "{what}: {problem}");
        assert!(problem["detail"].as_str().unwrap().contains(earlier), "{what}: {problem}");
        let (status, made) = send(&app, Method::POST, name, with(row, [(earlier, &low), (later, &high)])).await;
        assert_eq!(status, 201, "{what}: {made}");
        let path = format!("{name}/{}", made["id"]);
        let lower = if low.is_number() { json!(10) } else { json!("2030-05-01 08:00:00") };
        let higher = if low.is_number() { json!(40) } else { json!("2030-05-30 08:00:00") };
        for (member, wrong) in [(later, &lower), (earlier, &higher)] {
            let (status, problem) = send(&app, Method::PATCH, &path, json!({ member: wrong })).await;
            assert_eq!((status, &problem["field"]), (422, &json!(member)), "{what}: {problem}");
        }
        let (_, stored) = send(&app, Method::GET, &path, json!({})).await;
        assert_eq!((&stored[earlier], &stored[later]), (&low, &high), "{what}: nothing was changed");
        let equal = json!({ later: low });
        assert_eq!(send(&app, Method::PATCH, &path, equal).await.0, 200, "{what}: the same moment is no disorder");
        let (status, moved) = send(&app, Method::PATCH, &path, json!({ earlier: high, later: higher })).await;
        assert_eq!(status, 200, "{what}: both together: {moved}");
    }
}

/// What a description says of its columns is all that is checked, so a pair that nobody described would be missing here.
#[actix_web::test]
async fn every_described_pair_is_tried_above() {
    let app = spawn_app(&[]).await;
    let (_, told) = send(&app, Method::GET, "collections", json!({})).await;
    let mut described = Vec::new();
    for collection in told["collections"].as_array().unwrap() {
        for column in collection["columns"].as_array().unwrap() {
            if let Some(earlier) = column["not_before"].as_str() {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                described.push((text(&collection["name"]), earlier.to_owned(), text(&column["name"])));
            }
        }
    }
    let mut tried: Vec<_> = pairs()
        .into_iter()
        .map(|(name, _, low, high, ..)| (name.to_owned(), low.to_owned(), high.to_owned()))
        .collect();
    described.sort();
    tried.sort();
    assert_eq!(described, tried);
}

#[actix_web::test]
async fn zero_is_no_age_and_an_old_row_can_still_be_renamed() {
    let app = spawn_app(&[]).await;
    let game = json!({"competition_id": 1, "name": "c", "price": 1, "limitation": 5, "start_time": "2030-05-01",
                      "min_age_req": 40, "max_age_req": 0});
    assert_eq!(send(&app, Method::POST, "games", game).await.0, 201);
    let sql = "UPDATE competitions SET registration_open_at = 2000, registration_close_at = 1000 WHERE id = 1";
    execute(&app.context.db, sql, matchday::args![]).await;
    assert_eq!(send(&app, Method::PATCH, "competitions/1", json!({"place": "北京"})).await.0, 200);
    let touched = json!({"registration_close_at": "1970-01-01 08:00:01"});
    let (status, problem) = send(&app, Method::PATCH, "competitions/1", touched).await;
    assert_eq!((status, &problem["field"]), (422, &json!("registration_close_at")), "{problem}");
}
