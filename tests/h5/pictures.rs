//! Pictures that nothing shows any more are removed, and no other.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{Rgb, RgbImage};
use matchday::args;
use matchday::service::picture_sweep;
use serde_json::{Value, json};

use super::{get, post};
use crate::support::fixtures::{Person, execute, line, live, person, row};
use crate::support::{TestApp, eventually, spawn_app};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn png(colour: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(9, 9, Rgb([colour, 7, 7])).write_with_encoder(PngEncoder::new(&mut bytes)).unwrap();
    bytes
}

/// Saves an avatar; its path under the server.
async fn save(app: &TestApp, who: &Person, colour: u8) -> String {
    let body = json!({"head_img": STANDARD.encode(png(colour))});
    assert_eq!(post(app, who, "/api/v1/user/save", body).await.0, 200);
    let head = get(app, who, "/api/v1/user/info").await.1["head_img"].as_str().unwrap().to_owned();
    head.strip_prefix(&app.url).unwrap().to_owned()
}

fn on_disk(app: &TestApp, path: &str) -> PathBuf {
    Path::new(&app.context.config.data_dir).join(path.trim_start_matches('/'))
}

fn age(file: &Path, by: Duration) {
    let then = SystemTime::now().checked_sub(by).unwrap();
    fs::File::open(file).unwrap().set_modified(then).unwrap();
}

/// Sweeps the folder of a picture that was saved so long ago; whether it is still served.
async fn swept(app: &TestApp, path: &str, ago: Duration) -> bool {
    age(&on_disk(app, path), ago);
    sweep(app, path).await;
    app.get(path).await.status() == 200
}

async fn sweep(app: &TestApp, path: &str) -> usize {
    let folder = u8::from_str_radix(path.split('/').nth(2).unwrap(), 16).unwrap();
    picture_sweep::step(&app.context, folder).await.unwrap()
}

#[actix_web::test]
async fn an_avatar_that_nothing_shows_any_more_goes_after_a_day() {
    let app = spawn_app(&[]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let first = save(&app, &alice, 1).await;
    assert!(swept(&app, &first, DAY * 9).await, "it is an account's");
    assert_eq!(save(&app, &bob, 1).await, first, "the same picture");
    let second = save(&app, &alice, 2).await;
    assert!(swept(&app, &first, DAY * 9).await, "it is another account's still");
    eventually("the outbox looked at it", async || {
        let sql = "SELECT COUNT(*) AS n FROM outbox WHERE state = 0";
        row(&app.context.db, sql, args![]).await.int("n").unwrap() == 0
    })
    .await;
    execute(&app.context.db, "UPDATE accounts SET head_img = '' WHERE head_img = $1", args![&first]).await;
    assert!(swept(&app, &first, DAY - Duration::from_secs(60)).await, "it was saved a moment ago");
    assert!(!swept(&app, &first, DAY + Duration::from_secs(60)).await);
    assert!(swept(&app, &second, DAY * 9).await);
    // It can be saved anew.
    assert_eq!(save(&app, &alice, 1).await, first);
    assert_eq!(app.get(&first).await.status(), 200);
}

#[actix_web::test]
async fn what_anything_shows_stays() {
    let app = spawn_app(&[]).await;
    let db = &app.context.db;
    let owner = app.admin_token().await;
    let request = app.client.post(app.at("/admin/api/v1/uploads?name=a.png")).bearer_auth(&owner).body(png(9));
    let file: Value = request.send().await.unwrap().json().await.unwrap();
    let path = file["path"].as_str().unwrap().to_owned();
    assert!(swept(&app, &path, DAY * 9).await, "it is a file that may be chosen");
    let delete = app.client.delete(app.at(&format!("/admin/api/v1/files/{}", file["id"]))).bearer_auth(&owner);
    assert_eq!(delete.send().await.unwrap().status(), 204);

    let room = live(db).await;
    line(db, room, 1, &person(&app, "alice").await, "hello").await;
    let (address, html) = (format!("https://example.org{path}"), format!("<p><img src=\"{path}\"></p>"));
    for (show, hide, value) in [
        ("UPDATE accounts SET head_img = $1", "UPDATE accounts SET head_img = ''", &path),
        ("UPDATE publications SET head_img = $1", "UPDATE publications SET head_img = ''", &path),
        ("UPDATE competitions SET main_img_url = $1", "UPDATE competitions SET main_img_url = ''", &address),
        ("UPDATE competitions SET description = $1", "UPDATE competitions SET description = ''", &html),
        ("UPDATE lives SET main_img_url = $1", "UPDATE lives SET main_img_url = ''", &path),
        ("UPDATE videos SET main_img_url = $1", "UPDATE videos SET main_img_url = ''", &path),
        ("UPDATE teams SET logo = $1", "UPDATE teams SET logo = ''", &path),
        ("UPDATE members SET photo = $1", "UPDATE members SET photo = ''", &path),
        ("UPDATE members SET honor = $1", "UPDATE members SET honor = ''", &html),
        ("UPDATE businesses SET content = $1", "UPDATE businesses SET content = ''", &html),
        ("UPDATE banners SET img_url = $1", "UPDATE banners SET img_url = ''", &path),
        ("UPDATE site_configs SET content = $1", "UPDATE site_configs SET content = ''", &html),
    ] {
        execute(db, show, args![value]).await;
        assert!(swept(&app, &path, DAY * 9).await, "{show}");
        execute(db, hide, args![]).await;
    }
    assert!(!swept(&app, &path, DAY * 9).await, "nothing shows it");
}

#[actix_web::test]
async fn a_picture_that_is_being_saved_is_never_removed() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let path = save(&app, &alice, 5).await;
    for round in 0..100 {
        execute(&app.context.db, "UPDATE accounts SET head_img = ''", args![]).await;
        age(&on_disk(&app, &path), DAY * 9);
        let (saved, _) = tokio::join!(save(&app, &alice, 5), sweep(&app, &path));
        assert_eq!((saved, app.get(&path).await.status().as_u16()), (path.clone(), 200), "round {round}");
    }
}

#[actix_web::test]
async fn what_a_crash_left_is_put_right_and_what_is_not_ours_is_left_alone() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let path = save(&app, &alice, 6).await;
    let picture = on_disk(&app, &path);
    // The server died while it removed this one, and while it wrote another.
    fs::rename(&picture, picture.with_added_extension("gone")).unwrap();
    let (draft, young, foreign) =
        (picture.with_extension("00.part"), picture.with_extension("01.part"), picture.with_file_name("notes.txt"));
    for file in [&draft, &young, &foreign] {
        fs::write(file, "x").unwrap();
    }
    age(&draft, DAY * 9);
    age(&foreign, DAY * 9);
    assert_eq!(app.get(&path).await.status(), 404);
    assert_eq!(sweep(&app, &path).await, 0);
    assert_eq!(app.get(&path).await.status(), 200);
    assert_eq!([&draft, &young, &foreign].map(|file| file.exists()), [false, true, true]);
    // A folder that is not there is swept as well.
    let none = app.context.config.data_dir.clone() + "/uploads";
    let empty = (0..=u8::MAX).find(|part| !Path::new(&none).join(format!("{part:02x}")).exists()).unwrap();
    assert_eq!(picture_sweep::step(&app.context, empty).await, Ok(0));
}
