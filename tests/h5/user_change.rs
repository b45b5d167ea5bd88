use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use serde_json::{Value, json};

use super::{envelope, get, post, post_form, told};
use crate::support::fixtures::{execute, line, live, person, row};
use crate::support::{TestApp, eventually, spawn_app};
use matchday::args;

const SAVE: &str = "/api/v1/user/save";

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(width, height, Rgb([200, 30, 30])).write_with_encoder(JpegEncoder::new(&mut bytes)).unwrap();
    bytes
}

fn in_format(format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let image = RgbaImage::from_pixel(8, 6, Rgba([1, 2, 3, 120]));
    DynamicImage::ImageRgba8(image).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

#[actix_web::test]
async fn a_picture_is_stored_and_served_for_good() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let picture = STANDARD.encode(jpeg(100, 100));
    let form = [("head_img", picture.as_str()), ("username", "新的名字"), ("sex", "2")];
    assert_eq!(post_form(&app, &alice, SAVE, &form).await, (200, envelope(SAVE, "success", 0)));
    let (_, user) = get(&app, &alice, "/api/v1/user/info").await;
    assert_eq!((&user["username"], &user["sex"]), (&json!("新的名字"), &json!("女")));
    let address = user["head_img"].as_str().unwrap();
    assert!(address.starts_with(&format!("{}/uploads/", app.url)) && address.ends_with(".jpg"), "{address}");
    let answer = app.client.get(address).send().await.unwrap();
    let headers = answer.headers().clone();
    assert_eq!(headers["content-type"], "image/jpeg");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let stored = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!((stored.width(), stored.height()), (100, 100));
    let known = app.client.get(address).header("if-none-match", headers["etag"].clone()).send().await.unwrap();
    assert_eq!((known.status().as_u16(), known.bytes().await.unwrap().len()), (304, 0));
    // The same picture, as a data address in JSON, is the same file.
    let body = json!({"head_img": format!("data:image/jpeg;base64,{picture}")});
    assert_eq!(post(&app, &alice, SAVE, body).await.0, 200);
    assert_eq!(get(&app, &alice, "/api/v1/user/info").await.1["head_img"], address);
}

#[actix_web::test]
async fn pictures_are_encoded_anew_whatever_they_came_as() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    for format in [ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let raw = in_format(format);
        let body = json!({"head_img": STANDARD.encode(&raw)});
        assert_eq!(post(&app, &alice, SAVE, body).await.0, 200, "{format:?}");
        let address = get(&app, &alice, "/api/v1/user/info").await.1["head_img"].as_str().unwrap().to_owned();
        assert!(address.ends_with(".png"), "{address}");
        let stored = app.client.get(&address).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(image::guess_format(&stored).unwrap(), ImageFormat::Png);
    }
    // What hides behind a picture does not survive.
    let mut raw = jpeg(20, 20);
    raw.extend_from_slice(b"<script>alert(1)</script>");
    assert_eq!(post(&app, &alice, SAVE, json!({"head_img": STANDARD.encode(&raw)})).await.0, 200);
    let address = get(&app, &alice, "/api/v1/user/info").await.1["head_img"].as_str().unwrap().to_owned();
    let stored = app.client.get(&address).send().await.unwrap().bytes().await.unwrap();
    assert!(!stored.windows(7).any(|window| window == b"<script"));
}

#[actix_web::test]
async fn what_is_no_picture_changes_nothing() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    for bad in [
        "not base64!".to_owned(),
        STANDARD.encode("<svg xmlns='http://www.w3.org/2000/svg'/>"),
        STANDARD.encode(&jpeg(50, 50)[..100]),
        STANDARD.encode("GIF89a"),
    ] {
        let body = json!({"head_img": bad, "username": "another name"});
        assert_eq!(post(&app, &alice, SAVE, body).await, (400, envelope(SAVE, "保存图片失败", 40001)), "{bad}");
    }
    let (_, user) = get(&app, &alice, "/api/v1/user/info").await;
    assert_eq!((&user["username"], &user["head_img"]), (&json!("alice"), &json!("")));
}

#[actix_web::test]
async fn input_that_is_none() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let long = "名".repeat(26);
    for bad in [
        json!({}),
        json!({"username": "abc"}),
        json!({"username": long}),
        json!({"username": "a\nbcd"}),
        json!({"username": ["abcd"]}),
        json!({"sex": 3}),
        json!({"sex": "x"}),
        json!({"sex": -1}),
        json!({"username": "good name", "user_id": 1}),
    ] {
        let (status, body) = post(&app, &alice, SAVE, bad.clone()).await;
        assert_eq!((status, &body["error_code"]), (400, &json!(99999)), "{bad}");
    }
    assert_eq!(get(&app, &alice, "/api/v1/user/info").await.1["username"], "alice");
    for good in ["名字四个", &"名".repeat(25)] {
        assert_eq!(post(&app, &alice, SAVE, json!({"username": good})).await.0, 200, "{good}");
    }
    // Names need not be unique.
    let bob = person(&app, "bob").await;
    let same = json!({"username": "名".repeat(25), "sex": 0});
    assert_eq!(post(&app, &bob, SAVE, same).await, (200, envelope(SAVE, "success", 0)));
    assert_eq!(get(&app, &bob, "/api/v1/user/info").await.1["sex"], "保密");
    let huge = json!({"head_img": "A".repeat(1_100_000)});
    assert_eq!(post(&app, &alice, SAVE, huge).await.1["error_code"], 99999);
}

#[actix_web::test]
async fn a_picture_that_is_missing() {
    let app = spawn_app(&[]).await;
    for path in [
        format!("/uploads/ab/{}.jpg", "ab".repeat(32)),
        "/uploads/../matchday.db".to_owned(),
        "/uploads/%2e%2e/matchday.db".to_owned(),
        "/uploads/ab".to_owned(),
    ] {
        let answer = app.get(&path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert!(answer.text().await.unwrap().len() < 300);
    }
    let path = format!("/uploads/ab/{}.jpg", "ab".repeat(32));
    assert_eq!(told(app.get(&path).await).await, (404, envelope(&path, "指定图片不存在", 40000)));
}

async fn upload(app: &TestApp, token: &str, body: Vec<u8>) -> (u16, Value) {
    let request = app.client.post(app.at("/admin/api/v1/uploads?name=cover.png")).bearer_auth(token).body(body);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[actix_web::test]
async fn administrators_send_pictures() {
    let app = spawn_app(&[]).await;
    let owner = app.admin_token().await;
    let (status, one) = upload(&app, &owner, in_format(ImageFormat::Png)).await;
    assert_eq!((status, &one["width"], &one["height"]), (201, &json!(8), &json!(6)));
    assert_eq!(app.get(one["path"].as_str().unwrap()).await.status(), 200);
    let (status, again) = upload(&app, &owner, in_format(ImageFormat::Png)).await;
    assert_eq!((status, &again), (200, &one));
    let (status, problem) = upload(&app, &owner, b"text".to_vec()).await;
    assert_eq!((status, &problem["code"]), (422, &json!("bad_picture")));
    assert_eq!(upload(&app, &owner, vec![0; 11 * 1024 * 1024]).await.0, 413);
    assert_eq!(upload(&app, "", in_format(ImageFormat::Png)).await.0, 401);
    let cashier = json!({"username": "cashier", "password": "a password", "role": "cashier"});
    let request = app.client.post(app.at("/admin/api/v1/admins")).bearer_auth(&owner).json(&cashier);
    assert_eq!(request.send().await.unwrap().status(), 201);
    let login = json!({"username": "cashier", "password": "a password"});
    let session = app.client.post(app.at("/admin/api/v1/login")).json(&login).send().await.unwrap();
    let session: Value = session.json().await.unwrap();
    let refused = upload(&app, session["token"].as_str().unwrap(), in_format(ImageFormat::Png)).await;
    assert_eq!(refused.0, 403);
}

#[actix_web::test]
async fn an_erased_persons_picture_is_removed_unless_another_has_it() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let owner = app.admin_token().await;
    let (own, shared) = (STANDARD.encode(jpeg(30, 30)), STANDARD.encode(jpeg(40, 40)));
    let mut addresses = Vec::new();
    for (who, picture) in [(&alice, &shared), (&bob, &shared), (&alice, &own)] {
        assert_eq!(post(&app, who, SAVE, json!({"head_img": picture})).await.0, 200);
        addresses.push(get(&app, who, "/api/v1/user/info").await.1["head_img"].as_str().unwrap().to_owned());
    }
    let live = live(&app.context.db).await;
    line(&app.context.db, live, 1, &alice, "hello").await;
    let path = addresses[0].strip_prefix(&app.url).unwrap().to_owned();
    execute(&app.context.db, "UPDATE publications SET head_img = $1", args![path]).await;
    let erase = app.at(&format!("/admin/api/v1/accounts/{}/erase", alice.account));
    let answer = app.client.post(erase).bearer_auth(&owner).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let status = async |address: &str| app.client.get(address).send().await.unwrap().status().as_u16();
    eventually("all pieces are done, that of the replaced one too", async || {
        let sql = "SELECT COUNT(*) AS n FROM outbox WHERE kind = 'forget_picture' AND state = 1";
        row(&app.context.db, sql, args![]).await.int("n").unwrap() == 3
    })
    .await;
    assert_eq!(status(&addresses[2]).await, 404, "nobody else's");
    assert_eq!(status(&addresses[1]).await, 200, "bob's as well");
}
