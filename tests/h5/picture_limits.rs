//! What one sender of pictures can take from everybody: a number and bytes a day, one at a time, no disk that is needed.

use actors::domain::ids::AccountId;
use actors::error::DomainError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{Rgb, RgbImage};
use matchday::args;
use matchday::service::picture_quota::{Sender, spend};
use serde_json::{Value, json};

use super::{get, post};
use crate::support::fixtures::{Person, execute, line, live, person, row};
use crate::support::{TestApp, eventually, spawn_app};

const SAVE: &str = "/api/v1/user/save";

fn png(colour: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(9, 9, Rgb([colour.wrapping_mul(50), 7, 7]))
        .write_with_encoder(PngEncoder::new(&mut bytes))
        .unwrap();
    bytes
}

/// Status, seconds to wait and answer.
async fn save(app: &TestApp, who: &Person, picture: &[u8]) -> (u16, u32, Value) {
    let body = json!({"head_img": STANDARD.encode(picture)});
    let answer = app.client.post(app.at(SAVE)).header("token", &who.token).json(&body).send().await.unwrap();
    let wait = answer.headers().get("retry-after").map_or(0, |wait| wait.to_str().unwrap().parse().unwrap());
    (answer.status().as_u16(), wait, answer.json().await.unwrap())
}

async fn upload(app: &TestApp, token: &str, picture: Vec<u8>) -> (u16, Value) {
    let request = app.client.post(app.at("/admin/api/v1/uploads")).bearer_auth(token).body(picture);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// The path of the picture that an account shows.
async fn head(app: &TestApp, who: &Person) -> String {
    let head = get(app, who, "/api/v1/user/info").await.1["head_img"].as_str().unwrap().to_owned();
    head.strip_prefix(&app.url).unwrap().to_owned()
}

#[actix_web::test]
async fn an_account_sends_a_few_pictures_a_day_and_an_administrator_more() {
    let settings = [
        ("limits.enabled", "true"),
        ("pictures.per_account_per_day", "2"),
        ("pictures.per_administrator_per_day", "3"),
    ];
    let app = spawn_app(&settings).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    assert_eq!(save(&app, &alice, &png(1)).await.0, 200);
    assert_eq!(save(&app, &alice, b"no picture").await.0, 400, "it was looked at, and so it counts");
    let (status, wait, body) = save(&app, &alice, &png(2)).await;
    assert_eq!((status, &body["error_code"]), (400, &json!(10010)));
    assert!((1..=86_400).contains(&wait) && body["msg"].as_str().unwrap().contains("图片太多"), "{wait} {body}");
    assert_eq!(post(&app, &alice, SAVE, json!({"username": "still alice"})).await.0, 200, "only pictures are counted");
    assert_eq!(save(&app, &bob, &png(2)).await.0, 200);
    let owner = app.admin_token().await;
    for colour in 1..=3 {
        assert!(upload(&app, &owner, png(colour)).await.0 < 300, "{colour}");
    }
    let (status, problem) = upload(&app, &owner, png(4)).await;
    assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")), "{problem}");
    assert!((1..=86_400).contains(&problem["retry_after"].as_i64().unwrap()));
    // Another day.
    execute(&app.context.db, "UPDATE picture_counts SET day = day - 1", args![]).await;
    assert_eq!(save(&app, &alice, &png(2)).await.0, 200);
    matchday::service::sweeps::step(&app.context).await.unwrap();
    let left = row(&app.context.db, "SELECT COUNT(*) AS n FROM picture_counts", args![]).await.int("n").unwrap();
    assert_eq!(left, 1, "the days before are forgotten");
}

#[actix_web::test]
async fn bytes_of_a_day_are_bounded_and_counted_for_all_nodes_together() {
    let settings = [("limits.enabled", "true"), ("pictures.bytes_per_account_per_day", "1048576")];
    let app = spawn_app(&settings).await;
    let alice = person(&app, "alice").await;
    let large = |colour| [png(colour), vec![0; 600_000]].concat();
    assert_eq!(save(&app, &alice, &large(1)).await.0, 200);
    assert_eq!(save(&app, &alice, &large(2)).await.2["error_code"], 10010);
    assert_eq!(save(&app, &alice, &png(3)).await.0, 200, "a small one fits");
    let bytes = row(&app.context.db, "SELECT bytes FROM picture_counts", args![]).await.int("bytes").unwrap();
    assert!((600_000..700_000).contains(&bytes), "{bytes}");
    // Several at once do not pass together.
    let sender = Sender::Account(AccountId(77));
    let (one, two) = tokio::join!(spend(&app.context, sender, 600_000), spend(&app.context, sender, 600_000));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert!(matches!(
        spend(&app.context, Sender::Account(AccountId(78)), 2 << 20).await,
        Err(DomainError::RateLimited { .. })
    ));
}

#[actix_web::test]
async fn a_disk_that_is_nearly_full_takes_no_picture() {
    let app = spawn_app(&[("limits.enabled", "true"), ("pictures.free_disk_bytes", "1125899906842624")]).await;
    let alice = person(&app, "alice").await;
    let (status, wait, body) = save(&app, &alice, &png(1)).await;
    assert_eq!((status, wait, &body["error_code"]), (503, 300, &json!(10000)), "{body}");
    assert!(body["msg"].as_str().unwrap().contains("空间不足"), "{body}");
    let (status, problem) = upload(&app, &app.admin_token().await, png(1)).await;
    assert_eq!((status, &problem["code"], &problem["retry_after"]), (503, &json!("no_room"), &json!(300)), "{problem}");
    let spent = row(&app.context.db, "SELECT COUNT(*) AS n FROM picture_counts", args![]).await.int("n").unwrap();
    assert_eq!(spent, 0, "nobody pays for a full disk");
    assert_eq!(post(&app, &alice, SAVE, json!({"username": "still alice"})).await.0, 200);
}

#[actix_web::test]
async fn a_sender_has_one_picture_on_its_way() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let sender = Sender::Account(alice.account);
    let room = app.context.pictures.acquire_many(2).await.unwrap();
    let other = async {
        eventually("the first is on its way", async || app.context.picture_senders.begin(sender).is_err()).await;
        let second = save(&app, &alice, &png(2)).await;
        drop(room);
        second
    };
    let picture = png(1);
    let (first, second) = tokio::join!(save(&app, &alice, &picture), other);
    assert_eq!((first.0, second.0, second.1), (200, 503, 1));
    assert_eq!(save(&app, &alice, &png(3)).await.0, 200);
}

#[actix_web::test]
async fn a_replaced_head_picture_goes_at_once_unless_something_shows_it() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let mut heads = Vec::new();
    for colour in 1..=3 {
        assert_eq!(save(&app, &alice, &png(colour)).await.0, 200);
        heads.push(head(&app, &alice).await);
        if colour == 1 {
            assert_eq!(save(&app, &bob, &png(1)).await.0, 200);
        } else if colour == 2 {
            let room = live(&app.context.db).await;
            line(&app.context.db, room, 1, &alice, "hello").await;
            execute(&app.context.db, "UPDATE publications SET head_img = $1", args![&heads[1]]).await;
        }
    }
    assert_eq!(save(&app, &alice, &png(4)).await.0, 200);
    eventually("the third picture is gone", async || app.get(&heads[2]).await.status() == 404).await;
    eventually("all pieces are done", async || {
        let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'forget_picture' AND state = 0";
        row(&app.context.db, sql, args![]).await.int("n").unwrap() == 0
    })
    .await;
    assert_eq!(app.get(&heads[0]).await.status(), 200, "bob shows it");
    assert_eq!(app.get(&heads[1]).await.status(), 200, "a line shows it");
    assert_eq!(app.get(&head(&app, &alice).await).await.status(), 200);
    // It can be sent again, and the same one twice replaces nothing.
    for _ in 0..2 {
        assert_eq!(save(&app, &alice, &png(3)).await.0, 200);
        assert_eq!((head(&app, &alice).await, app.get(&heads[2]).await.status().as_u16()), (heads[2].clone(), 200));
    }
}

#[actix_web::test]
async fn heads_of_too_many_pixels_are_refused_and_pages_are_not() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let mut large = Vec::new();
    RgbImage::new(3_000, 2_001).write_with_encoder(PngEncoder::new(&mut large)).unwrap();
    assert_eq!(save(&app, &alice, &large).await.2["error_code"], 40001);
    assert_eq!(upload(&app, &app.admin_token().await, large).await.0, 201);
}

#[actix_web::test]
async fn a_sender_who_gets_no_turn_has_spent_nothing() {
    let settings = [("limits.enabled", "true"), ("pictures.per_account_per_day", "1")];
    let app = spawn_app(&settings).await;
    let alice = person(&app, "alice").await;
    app.context.pictures.close();
    assert_eq!(save(&app, &alice, &png(1)).await.0, 503);
    let spent = row(&app.context.db, "SELECT COUNT(*) AS n FROM picture_counts", args![]).await.int("n").unwrap();
    assert_eq!(spent, 0);
}
