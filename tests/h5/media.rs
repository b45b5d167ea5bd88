//! Items 20, 23, 27 and 32: videos and lives in lists, and one video.

use futures_util::SinkExt;
use matchday::args;
use serde_json::{Value, json};

use super::{get, post, post_encoded, refused};
use crate::support::fixtures::{Person, execute, person};
use crate::support::{TestApp, eventually, spawn_app};

const VIDEOS: &str = "/api/v1/competition/video";
const LIVES: &str = "/api/v1/competition/live";
const PLAY: &str = "/api/v1/competition/play";

/// Demo rows published a minute apart: the live, then video 1, then video 2.
async fn setting() -> (TestApp, Person) {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let db = &app.context.db;
    for (sql, at) in [
        ("UPDATE lives SET plug_flow = 'rtmp://push.example/app/one?auth_key=secret', publish_time = $1", 0),
        ("UPDATE videos SET publish_time = $1 WHERE id = 1", -60_000),
        ("UPDATE videos SET publish_time = $1 WHERE id = 2", -120_000),
        ("UPDATE files SET size = 4096 WHERE id = 4 AND $1 > 0", 0),
    ] {
        execute(db, sql, args![1_700_000_000_000_i64 + at]).await;
    }
    let alice = person(&app, "alice").await;
    (app, alice)
}

fn ids(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[actix_web::test]
async fn videos_in_a_list_and_one_in_detail() {
    let (app, alice) = setting().await;
    let (status, body) = post_encoded(&app, &alice, VIDEOS, "type=2").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "current_page": 1,
      "data": [
        {
          "browse_num": 0,
          "competition_id": 1,
          "file": {
            "cate": "视频",
            "name": "https://example.org/static/media/demo/index.m3u8",
            "original": "demo.m3u8",
            "size": 4096
          },
          "id": 2,
          "main_img_url": "https://example.org/static/img/banner-1.svg",
          "publish_time": "2023-11-15 06:11",
          "summary": "三分钟，看尽奔跑的人",
          "title": "上届江城半马精彩集锦",
          "type": 2
        }
      ],
      "last_page": 1,
      "per_page": 30,
      "total": 1
    }
    "#);
    let (status, body) = get(&app, &alice, "/api/v1/competitionvideo/1").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "browse_num": 0,
      "competition_id": 1,
      "file": {
        "cate": "视频",
        "name": "https://example.org/static/media/demo/index.m3u8",
        "original": "demo.m3u8",
        "size": 4096
      },
      "id": 1,
      "main_img_url": "https://example.org/static/img/banner-3.svg",
      "play_url": "https://example.org/static/media/demo/index.m3u8",
      "publish_time": "2023-11-15 06:12",
      "summary": "从鸣枪到关门，三小时完整记录",
      "title": "上届江城半马全程回放",
      "type": 1
    }
    "#);
}

#[actix_web::test]
async fn videos_are_narrowed_and_paged() {
    let (app, alice) = setting().await;
    let all = post(&app, &alice, VIDEOS, json!({})).await.1;
    assert_eq!((ids(&all), &all["total"]), (vec![1, 2], &json!(2)));
    for (body, expected) in [
        (json!({"search": "集锦"}), vec![2]),
        (json!({"search": "完整记录"}), vec![1]),
        (json!({"search": "%"}), vec![]),
        (json!({"search": "", "competition_id": "", "type": ""}), vec![1, 2]),
        (json!({"competition_id": 1, "type": "1"}), vec![1]),
        (json!({"competition_id": 2}), vec![]),
    ] {
        assert_eq!(ids(&post(&app, &alice, VIDEOS, body.clone()).await.1), expected, "{body}");
    }
    let second = post(&app, &alice, &format!("{VIDEOS}?page=2&size=1"), json!({})).await.1;
    assert_eq!((ids(&second), &second["last_page"], &second["per_page"]), (vec![2], &json!(2), &json!(1)));
    let beyond = json!({"current_page": 3, "total": 2, "data": []});
    assert_eq!(post(&app, &alice, &format!("{VIDEOS}?page=3&size=1"), json!({})).await, (200, beyond));
    execute(&app.context.db, "UPDATE videos SET file_id = NULL WHERE id = 2", args![]).await;
    let bare = post(&app, &alice, VIDEOS, json!({"type": 2})).await.1;
    assert_eq!(bare["data"][0]["file"], json!({"cate": "", "name": "", "original": "", "size": 0}));
}

#[actix_web::test]
async fn lives_in_a_list_without_their_push_address() {
    let (app, alice) = setting().await;
    let (mut socket, _) = tokio_tungstenite::connect_async(&app.ws_url).await.unwrap();
    socket.send(json!({"type": "LOGIN", "room_id": "1"}).to_string().into()).await.unwrap();
    eventually("one watches", async || {
        post(&app, &alice, LIVES, json!({})).await.1["data"][0]["online_num"] == json!(1)
    })
    .await;
    let (status, body) = post_encoded(&app, &alice, LIVES, "search=&competition_id=1").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "current_page": 1,
      "data": [
        {
          "browse_num": 0,
          "competition_id": 1,
          "id": 1,
          "live_status": 1,
          "main_img_url": "https://example.org/static/img/banner-3.svg",
          "online_num": 1,
          "online_show": 1,
          "play_flv": "",
          "play_m3u8": "https://example.org/static/media/demo/index.m3u8",
          "play_rtmp": "",
          "plug_flow": "",
          "summary": "镜头跟随领先集团，评论席在线陪跑",
          "title": "江城半程马拉松 现场直播",
          "type": 3
        }
      ],
      "last_page": 1,
      "per_page": 30,
      "total": 1
    }
    "#);
    let none = json!({"current_page": 1, "total": 0, "data": []});
    for body in [json!({"search": "没有"}), json!({"competition_id": 2})] {
        assert_eq!(post(&app, &alice, LIVES, body).await, (200, none.clone()));
    }
    execute(&app.context.db, "UPDATE lives SET deleted_at = 1", args![]).await;
    assert_eq!(post(&app, &alice, LIVES, json!({})).await, (200, none));
}

#[actix_web::test]
async fn lives_and_videos_in_one_list() {
    let (app, alice) = setting().await;
    let (status, body) = post_encoded(&app, &alice, PLAY, "search=%E6%B1%9F%E5%9F%8E%E5%8D%8A").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "current_page": 1,
      "data": [
        {
          "browse_num": 0,
          "competition_id": 1,
          "id": 1,
          "live_status": 1,
          "main_img_url": "https://example.org/static/img/banner-3.svg",
          "play_flv": "",
          "play_m3u8": "https://example.org/static/media/demo/index.m3u8",
          "play_rtmp": "",
          "plug_flow": "",
          "summary": "镜头跟随领先集团，评论席在线陪跑",
          "title": "江城半程马拉松 现场直播",
          "type": 3
        },
        {
          "browse_num": 0,
          "competition_id": 1,
          "file": {
            "cate": "视频",
            "name": "https://example.org/static/media/demo/index.m3u8",
            "original": "demo.m3u8",
            "size": 4096
          },
          "id": 1,
          "main_img_url": "https://example.org/static/img/banner-3.svg",
          "publish_time": "2023-11-15 06:12",
          "summary": "从鸣枪到关门，三小时完整记录",
          "title": "上届江城半马全程回放",
          "type": 1
        },
        {
          "browse_num": 0,
          "competition_id": 1,
          "file": {
            "cate": "视频",
            "name": "https://example.org/static/media/demo/index.m3u8",
            "original": "demo.m3u8",
            "size": 4096
          },
          "id": 2,
          "main_img_url": "https://example.org/static/img/banner-1.svg",
          "publish_time": "2023-11-15 06:11",
          "summary": "三分钟，看尽奔跑的人",
          "title": "上届江城半马精彩集锦",
          "type": 2
        }
      ],
      "last_page": 1,
      "per_page": 30,
      "total": 3
    }
    "#);
    let second = post(&app, &alice, &format!("{PLAY}?page=2&size=2"), json!({"search": "江城"})).await.1;
    assert_eq!((ids(&second), &second["total"], &second["last_page"]), (vec![2], &json!(3), &json!(2)));
    let none = json!({"current_page": 1, "total": 0, "data": []});
    assert_eq!(post(&app, &alice, PLAY, json!({"search": "没有"})).await, (200, none));
    for body in [json!({}), json!({"search": " "})] {
        let wrong = refused(400, 99999, "参数错误：search 不能为空", PLAY);
        assert_eq!(post(&app, &alice, PLAY, body).await, wrong);
    }
}

#[actix_web::test]
async fn what_is_wrong_or_missing() {
    let (app, alice) = setting().await;
    for (path, body, reason) in [
        (VIDEOS, json!({"type": 3}), "type 必须是1或2"),
        (VIDEOS, json!({"competition_id": "x"}), "competition_id 必须是正整数"),
        (VIDEOS, json!({"search": ["a"]}), "search 格式不正确"),
        (VIDEOS, json!({"search": "a".repeat(101)}), "search 不能超过100个字符"),
        (VIDEOS, json!({"page": 0}), "page 必须是正整数"),
        (LIVES, json!({"competition_id": -1}), "competition_id 必须是正整数"),
        (LIVES, json!({"size": "x"}), "size 必须是正整数"),
        (PLAY, json!({"search": "a", "size": 0}), "size 必须是正整数"),
    ] {
        let wrong = refused(400, 99999, &format!("参数错误：{reason}"), path);
        assert_eq!(post(&app, &alice, path, body.clone()).await, wrong, "{body}");
    }
    execute(&app.context.db, "UPDATE videos SET deleted_at = 1 WHERE id = 2", args![]).await;
    for id in ["2", "999"] {
        let path = format!("/api/v1/competitionvideo/{id}");
        assert_eq!(get(&app, &alice, &path).await, refused(404, 30004, "赛事视频不存在", &path));
    }
    for id in ["0", "x", "-1"] {
        let path = format!("/api/v1/competitionvideo/{id}");
        assert_eq!(get(&app, &alice, &path).await, refused(400, 99999, "参数错误：id 必须是正整数", &path));
    }
}
