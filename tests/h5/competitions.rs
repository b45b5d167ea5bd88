//! Items 17, 18 and 19: a competition, those to come, and an athlete's wish to play.

use matchday::args;
use serde_json::{Value, json};

use super::{get, post, post_encoded, refused};
use crate::support::fixtures::{bind_phone, execute, person, row};
use crate::support::spawn_app;

const BEGINS: &str = "/api/v1/competition/begins";
const COMMIT: &str = "/api/v1/competition/apply/commit";
const CANCEL: &str = "/api/v1/competition/apply/cancel";

#[actix_web::test]
async fn a_competition_in_detail() {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let alice = person(&app, "alice").await;
    let sql = "UPDATE competitions SET play_time = 1700000000000, score = '2:1', notes = '带号码布', \
               description = '<p>a</p>' WHERE id = 1";
    execute(&app.context.db, sql, args![]).await;
    let (status, body) = get(&app, &alice, "/api/v1/competition/1").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "description": "<p>a</p>",
      "id": 1,
      "is_hot": "是",
      "main_img_url": "https://example.org/static/img/banner-1.svg",
      "notes": "带号码布",
      "play_time": "2023-11-15 06:13",
      "score": "2:1",
      "summary": "沿江二十一公里，从老码头跑到新城灯火里",
      "title": "江城半程马拉松 晨风队 VS 江潮队"
    }
    "#);
    assert_eq!(get(&app, &alice, "/api/v1/competition/2").await.1["is_hot"], "否");
    execute(&app.context.db, "UPDATE competitions SET deleted_at = 1 WHERE id = 2", args![]).await;
    for id in ["2", "999"] {
        let path = format!("/api/v1/competition/{id}");
        assert_eq!(get(&app, &alice, &path).await, refused(404, 30000, "赛事不存在", &path));
    }
    for id in ["0", "-1", "x", "1.0"] {
        let path = format!("/api/v1/competition/{id}");
        assert_eq!(get(&app, &alice, &path).await, refused(400, 99999, "参数错误：id 必须是正整数", &path));
    }
}

#[actix_web::test]
async fn what_begins_next_in_pages() {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13800000001").await;
    let sql = "INSERT INTO competitions (title, play_time, created_at) VALUES ('过去', $1, 1)";
    execute(&app.context.db, sql, args![app.context.db.now_ms() - 1]).await;
    assert_eq!(post(&app, &alice, COMMIT, json!({"id": 2})).await.0, 201);
    // The page's own cache buster comes along.
    let (status, mut body) = get(&app, &alice, &format!("{BEGINS}?page=1&size=10&_=1700000000000")).await;
    assert_eq!(status, 200);
    let times: Vec<Value> = (0..2).map(|at| body["data"][at]["play_time"].take()).collect();
    assert!(times[0].as_str().unwrap().len() == 16 && times[0].as_str() < times[1].as_str(), "{times:?}");
    insta::assert_json_snapshot!(body, @r#"
    {
      "current_page": 1,
      "data": [
        {
          "apply_status": 0,
          "id": 1,
          "main_img_url": "https://example.org/static/img/banner-1.svg",
          "play_time": null,
          "summary": "沿江二十一公里，从老码头跑到新城灯火里",
          "title": "江城半程马拉松 晨风队 VS 江潮队"
        },
        {
          "apply_status": 1,
          "id": 2,
          "main_img_url": "https://example.org/static/img/banner-2.svg",
          "play_time": null,
          "summary": "走进层林尽染的山脊线，把秋天跑一遍",
          "title": "秋山越野挑战赛 晨风队 VS 江潮队"
        }
      ],
      "last_page": 1,
      "per_page": 10,
      "total": 2
    }
    "#);
    let (_, second) = get(&app, &alice, &format!("{BEGINS}?page=2&size=1")).await;
    let numbers = ["per_page", "current_page", "last_page", "total"].map(|name| second[name].as_i64().unwrap());
    assert_eq!((numbers, &second["data"][0]["id"]), ([1, 2, 2, 2], &json!(2)));
    let empty = json!({"current_page": 9, "total": 2, "data": []});
    assert_eq!(get(&app, &alice, &format!("{BEGINS}?page=9")).await, (200, empty));
    assert_eq!(get(&app, &alice, BEGINS).await.1["per_page"], 15);
    // Who is no member sees the list, too, and has applied for nothing.
    let stranger = person(&app, "stranger").await;
    let (status, list) = get(&app, &stranger, BEGINS).await;
    assert_eq!((status, &list["data"][1]["apply_status"]), (200, &json!(0)));
    for query in ["page=0", "page=-1", "page=x", "size=0", "size=1.5", "page=99999999999999999999"] {
        let path = format!("{BEGINS}?{query}");
        let name = query.split('=').next().unwrap();
        assert_eq!(
            get(&app, &alice, &path).await,
            refused(400, 99999, &format!("参数错误：{name} 必须是正整数"), &path)
        );
    }
}

#[actix_web::test]
async fn an_athlete_applies_once_and_withdraws_once() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    bind_phone(&app, alice.account, "13800000001").await;
    let count = async || {
        let sql = "SELECT COUNT(*) AS n FROM applications WHERE member_id = 1 AND competition_id = 1";
        row(&app.context.db, sql, args![]).await.int("n").unwrap()
    };
    let success = |status, path| refused(status, 0, "success", path);
    assert_eq!(post(&app, &alice, COMMIT, json!({"id": 1})).await, success(201, COMMIT));
    assert_eq!(count().await, 1);
    let repeated = refused(400, 30007, "重复提交赛事报名", COMMIT);
    assert_eq!(post(&app, &alice, COMMIT, json!({"id": 1})).await, repeated);
    assert_eq!(post_encoded(&app, &alice, COMMIT, "id=1").await, repeated);
    assert_eq!(count().await, 1);
    assert_eq!(post_encoded(&app, &alice, CANCEL, "id=1").await, success(200, CANCEL));
    assert_eq!(count().await, 0);
    assert_eq!(post(&app, &alice, CANCEL, json!({"id": 1})).await, refused(404, 30008, "赛事报名不存在", CANCEL));
    // Ten at once make one.
    let tries = (0..10).map(|_| post(&app, &alice, COMMIT, json!({"id": 1})));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.0 == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| **answer == repeated).count(), 9, "{answers:?}");
    assert_eq!(count().await, 1);

    execute(&app.context.db, "UPDATE competitions SET deleted_at = 1 WHERE id = 2", args![]).await;
    let stranger = person(&app, "stranger").await;
    for path in [COMMIT, CANCEL] {
        for id in [2, 999] {
            assert_eq!(post(&app, &alice, path, json!({"id": id})).await, refused(404, 30000, "赛事不存在", path));
        }
        let not_a_member = refused(404, 30002, "会员信息不存在或已被禁用", path);
        assert_eq!(post(&app, &stranger, path, json!({"id": 1})).await, not_a_member);
        for bad in [json!({}), json!({"id": 0}), json!({"id": "x"}), json!({"id": 1.5}), json!({"id": null})] {
            let wrong = refused(400, 99999, "参数错误：id 必须是正整数", path);
            assert_eq!(post(&app, &alice, path, bad.clone()).await, wrong, "{bad}");
        }
    }
    assert_eq!(count().await, 1, "nothing of it changed anything");
}
