//! Item 24: openings of videos and lives, counted in batches.

use matchday::args;
use serde_json::json;

use super::{get, post, post_encoded, refused};
use crate::support::fixtures::{Person, execute, person, row};
use crate::support::{TestApp, eventually, spawn_app, spawn_app_in};

const OPENED: &str = "/api/v1/competition/play_notify";
const VIDEO: &str = "/api/v1/competitionvideo/1";
const LIVE: &str = "/api/v1/competitionlive/1";
/// No batch in the time of a test.
const SELDOM: &[(&str, &str)] = &[("h5.browse_flush_seconds", "3600")];

async fn stored(app: &TestApp) -> (i64, i64) {
    let sql = "SELECT (SELECT browse_num FROM videos WHERE id = 1) AS video, (SELECT browse_num FROM lives WHERE id = 1) AS live";
    let row = row(&app.context.db, sql, args![]).await;
    (row.int("video").unwrap(), row.int("live").unwrap())
}

async fn shown(app: &TestApp, caller: &Person) -> (i64, i64) {
    let number = async |path| get(app, caller, path).await.1["browse_num"].as_i64().unwrap();
    (number(VIDEO).await, number(LIVE).await)
}

#[actix_web::test]
async fn openings_are_shown_at_once_and_stored_in_a_batch() {
    let app = spawn_app(SELDOM).await;
    let alice = person(&app, "alice").await;
    let success = refused(200, 0, "success", OPENED);
    for _ in 0..3 {
        assert_eq!(post_encoded(&app, &alice, OPENED, "id=1&type=1").await, success);
    }
    assert_eq!(post(&app, &alice, OPENED, json!({"id": 1, "type": 2})).await, success);
    assert_eq!(shown(&app, &alice).await, (3, 1));
    let lists = [("/api/v1/competition/video", json!({"type": 1}), 3), ("/api/v1/competition/live", json!({}), 1)];
    for (path, body, expected) in lists {
        assert_eq!(post(&app, &alice, path, body).await.1["data"][0]["browse_num"], json!(expected), "{path}");
    }
    let both = post(&app, &alice, "/api/v1/competition/play", json!({"search": "江城"})).await.1;
    let mut numbers: Vec<_> = both["data"].as_array().unwrap().iter().map(|row| row["browse_num"].as_i64()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [Some(0), Some(1), Some(3)]);
    assert_eq!(stored(&app).await, (0, 0), "nothing is stored before the batch");
    app.context.browse.flush(&app.context.db).await.unwrap();
    assert_eq!((stored(&app).await, shown(&app, &alice).await), ((3, 1), (3, 1)));
    app.context.browse.flush(&app.context.db).await.unwrap();
    assert_eq!(stored(&app).await, (3, 1), "a batch is added once");
}

#[actix_web::test]
async fn a_stop_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let app = spawn_app_in(folder.path(), SELDOM).await;
    let alice = person(&app, "alice").await;
    for _ in 0..5 {
        assert_eq!(post(&app, &alice, OPENED, json!({"id": 1, "type": 1})).await.0, 200);
    }
    assert_eq!(stored(&app).await, (0, 0));
    app.stop().await;
    let again = spawn_app_in(folder.path(), SELDOM).await;
    assert_eq!(stored(&again).await, (5, 0));
    again.stop().await;
}

#[actix_web::test]
async fn a_batch_comes_by_itself_and_a_failed_one_is_tried_again() {
    let app = spawn_app(&[("h5.browse_flush_seconds", "1")]).await;
    let alice = person(&app, "alice").await;
    let db = &app.context.db;
    // The batch cannot be added while the rows are elsewhere.
    execute(db, "ALTER TABLE videos RENAME COLUMN browse_num TO elsewhere", args![]).await;
    assert_eq!(post(&app, &alice, OPENED, json!({"id": 1, "type": 1})).await.0, 200);
    assert!(app.context.browse.flush(db).await.is_err());
    execute(db, "ALTER TABLE videos RENAME COLUMN elsewhere TO browse_num", args![]).await;
    eventually("the batch is added", async || stored(&app).await == (1, 0)).await;
}

#[actix_web::test]
async fn readers_see_every_opening_once_while_batches_are_added() {
    let app = spawn_app(SELDOM).await;
    let alice = person(&app, "alice").await;
    for round in 1..=30 {
        assert_eq!(post(&app, &alice, OPENED, json!({"id": 1, "type": 1})).await.0, 200);
        let (seen, flushed, later) =
            tokio::join!(get(&app, &alice, VIDEO), app.context.browse.flush(&app.context.db), get(&app, &alice, VIDEO));
        flushed.unwrap();
        assert_eq!((&seen.1["browse_num"], &later.1["browse_num"]), (&json!(round), &json!(round)));
    }
    assert_eq!(stored(&app).await, (30, 0));
}

#[actix_web::test]
async fn what_cannot_be_opened() {
    let app = spawn_app(SELDOM).await;
    let alice = person(&app, "alice").await;
    execute(&app.context.db, "UPDATE videos SET deleted_at = 1 WHERE id = 2", args![]).await;
    for (body, status, code, msg) in [
        (json!({"id": 2, "type": 1}), 404, 30004, "赛事视频不存在"),
        (json!({"id": 99, "type": 1}), 404, 30004, "赛事视频不存在"),
        (json!({"id": 99, "type": 2}), 404, 30005, "赛事直播不存在"),
        (json!({"type": 1}), 400, 99999, "参数错误：id 必须是正整数"),
        (json!({"id": "x", "type": 1}), 400, 99999, "参数错误：id 必须是正整数"),
        (json!({"id": 1}), 400, 99999, "参数错误：type 必须是正整数"),
        (json!({"id": 1, "type": 3}), 400, 99999, "参数错误：type 必须是1或2"),
    ] {
        assert_eq!(post(&app, &alice, OPENED, body.clone()).await, refused(status, code, msg, OPENED), "{body}");
    }
    app.context.browse.flush(&app.context.db).await.unwrap();
    assert_eq!(stored(&app).await, (0, 0));
}
