use futures_util::SinkExt;
use matchday::args;
use serde_json::{Value, json};

use super::told;
use crate::support::fixtures::{Person, execute, line, live, person};
use crate::support::{TestApp, eventually, spawn_app};

async fn ask(app: &TestApp, caller: &Person, path: &str) -> (u16, Value) {
    told(app.client.get(app.at(path)).header("token", &caller.token).send().await.unwrap()).await
}

#[actix_web::test]
async fn a_live_in_detail_without_its_push_address() {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let alice = person(&app, "alice").await;
    let id = live(&app.context.db).await;
    let (status, mut body) = ask(&app, &alice, &format!("/api/v1/competitionlive/{id}")).await;
    assert_eq!((status, body["id"].take()), (200, json!(id)));
    assert!(!body.to_string().contains("secret"));
    insta::assert_json_snapshot!(body, @r#"
    {
      "browse_num": 7,
      "competition_id": null,
      "id": null,
      "live_status": 1,
      "main_img_url": "https://example.org/static/img/live.jpg",
      "online_show": 1,
      "play_flv": "",
      "play_m3u8": "https://example.org/static/media/one.m3u8",
      "play_rtmp": "rtmp://live.example/app/one",
      "publish_time": "2023-11-15 06:13",
      "summary": "直播",
      "title": "决赛",
      "type": 3
    }
    "#);
}

#[actix_web::test]
async fn the_last_hundred_lines_oldest_first() {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let db = &app.context.db;
    let id = live(db).await;
    assert_eq!(ask(&app, &alice, &format!("/api/v1/guest/{id}")).await, (200, json!([])));
    for offset in 1..=101 {
        let speaker = if offset == 2 { &alice } else { &bob };
        line(db, id, offset, speaker, "<script>&").await;
    }
    let (status, mut body) = ask(&app, &alice, &format!("/api/v1/guest/{id}")).await;
    assert_eq!(status, 200);
    let lines = body.as_array_mut().unwrap();
    let offsets: Vec<i64> = lines.iter().map(|line| line["offset"].as_i64().unwrap()).collect();
    assert_eq!(offsets, (2..=101).collect::<Vec<i64>>());
    assert_eq!(lines[1]["myself"], false);
    assert_eq!(lines[0]["room_id"].take(), json!(id.to_string()));
    insta::assert_json_snapshot!(lines[0], @r#"
    {
      "content": "&lt;script&gt;&amp;",
      "msg_time": 1700000002,
      "myself": true,
      "offset": 2,
      "room_id": null,
      "type": "SEND_ALL",
      "user": "{\"head_img\":\"https://example.org/uploads/a.jpg\",\"username\":\"a&lt;b&gt;\"}",
      "uuid": "MC4wLjAuMF8xOTgzMl82"
    }
    "#);
    execute(db, "UPDATE publications SET deleted = 1 WHERE line_offset = 101", args![]).await;
    let (_, body) = ask(&app, &alice, &format!("/api/v1/guest/{id}")).await;
    assert_eq!((&body[0]["offset"], &body[99]["offset"]), (&json!(1), &json!(100)));
}

#[actix_web::test]
async fn how_many_watch() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let id = live(&app.context.db).await;
    let path = format!("/api/v1/competition/online/{id}");
    let (status, body) = ask(&app, &alice, &path).await;
    assert_eq!((status, &body["TotalUserNumber"]), (200, &json!(0)));
    let (mut socket, _) = tokio_tungstenite::connect_async(&app.ws_url).await.unwrap();
    let login = json!({"type": "LOGIN", "room_id": id.to_string()}).to_string();
    socket.send(login.into()).await.unwrap();
    eventually("one watches", async || ask(&app, &alice, &path).await.1["TotalUserNumber"] == 1).await;
    let (_, body) = ask(&app, &alice, &path).await;
    let stream = &body["OnlineUserInfo"]["LiveStreamOnlineUserNumInfo"][0];
    let time = stream["Time"].as_str().unwrap();
    assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
    let request = body["RequestId"].as_str().unwrap();
    assert_eq!(request.len(), 32);
    let expected = json!({
        "TotalUserNumber": 1,
        "OnlineUserInfo": {"LiveStreamOnlineUserNumInfo": [
            {"Time": time, "StreamUrl": "rtmp://live.example/app/one", "UserNumber": 1},
        ]},
        "RequestId": request,
    });
    assert_eq!(body, expected);
}

#[actix_web::test]
async fn lives_that_do_not_exist() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let deleted = live(&app.context.db).await;
    execute(&app.context.db, "UPDATE lives SET deleted_at = 1 WHERE id = $1", args![deleted]).await;
    for item in ["competition/online", "competitionlive", "guest"] {
        for id in ["999999", &deleted.to_string()] {
            let path = format!("/api/v1/{item}/{id}");
            let missing = json!({"msg": "赛事直播不存在", "error_code": 30005, "request_url": path});
            assert_eq!(ask(&app, &alice, &path).await, (404, missing));
        }
        for id in ["0", "x", "-1", "1.5"] {
            let path = format!("/api/v1/{item}/{id}");
            let wrong = json!({"msg": "参数错误：id 必须是正整数", "error_code": 99999, "request_url": path});
            assert_eq!(ask(&app, &alice, &path).await, (400, wrong));
        }
    }
}
