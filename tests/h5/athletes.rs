//! Items 6, 7, 29 and 30: the athlete that an account is, its teams, and where these play.

use matchday::args;
use matchday::service::content::athletes::age;
use serde_json::json;

use super::{get, refused};
use crate::support::fixtures::{Person, bind_phone, execute, person};
use crate::support::{TestApp, spawn_app};

const INFO: &str = "/api/v1/member/info";
const BY_MEMBER: &str = "/api/v1/competition/by_member";
const BY_USER: &str = "/api/v1/team/by_user";

/// Somebody with the phone of the demo's first member.
async fn athlete(app: &TestApp) -> Person {
    let person = person(app, "athlete").await;
    bind_phone(app, person.account, "13800000001").await;
    person
}

async fn setting() -> (TestApp, Person) {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let athlete = athlete(&app).await;
    (app, athlete)
}

#[actix_web::test]
async fn the_athlete_is_found_by_the_phone() {
    let (app, alice) = setting().await;
    let sql = "UPDATE members SET photo = '/uploads/p.jpg', individual = '<p>a</p>', evaluation = '稳' WHERE id = 1";
    execute(&app.context.db, sql, args![]).await;
    let (status, mut body) = get(&app, &alice, INFO).await;
    assert_eq!(status, 200);
    let years = age("1994-03-12", app.context.db.now_ms()).unwrap();
    assert_eq!(body["age"].take(), json!(years.to_string()));
    insta::assert_json_snapshot!(body, @r#"
    {
      "age": null,
      "birth_addr": "",
      "birthday": "1994-03-12",
      "cn_name": "林晓峰",
      "comment": "稳",
      "experience": "",
      "feature": "",
      "honor": "",
      "individual": "<p>a</p>",
      "mobile": "13800000001",
      "nation": "汉族",
      "native_place": "",
      "number": "7",
      "order_id": "7",
      "photo": "https://example.org/uploads/p.jpg",
      "position": "领跑",
      "school": "",
      "sex": "男",
      "stature": "178",
      "team": "晨风队",
      "weight": "66"
    }
    "#);
    let sql = "UPDATE members SET birthday = '', stature = 0, sex = 0, mobile_sealed = NULL, mobile_key = NULL, account_id = $1 \
               WHERE id = 1";
    execute(&app.context.db, sql, args![alice.account.0]).await;
    let (_, body) = get(&app, &alice, INFO).await;
    let unknown = ["age", "birthday", "stature", "sex", "mobile"].map(|name| body[name].as_str().unwrap().to_owned());
    assert_eq!(unknown, ["-", "-", "0", "保密", ""]);
}

#[actix_web::test]
async fn who_is_no_athlete_is_told_so() {
    let (app, alice) = setting().await;
    let missing = |path| refused(404, 30002, "会员信息不存在或已被禁用", path);
    let (nobody, other) = (person(&app, "nobody").await, person(&app, "other").await);
    bind_phone(&app, other.account, "13900000009").await;
    // A paid membership makes nobody an athlete.
    let paid = "UPDATE accounts SET member_status = 1, member_expire_time = $2 WHERE id = $1";
    execute(&app.context.db, paid, args![other.account.0, app.context.db.now_ms() + 3_600_000]).await;
    for path in [INFO, BY_MEMBER, BY_USER] {
        assert_eq!(get(&app, &nobody, path).await, missing(path));
        assert_eq!(get(&app, &other, path).await, missing(path));
        assert_eq!(get(&app, &alice, path).await.0, 200);
    }
    let db = &app.context.db;
    // A record that was joined to one account is not another's, whatever the phone says.
    execute(db, "UPDATE members SET account_id = $1 WHERE id = 1", args![nobody.account.0]).await;
    assert_eq!(get(&app, &alice, INFO).await, missing(INFO));
    assert_eq!(get(&app, &nobody, INFO).await.0, 200);
    for sql in
        ["UPDATE members SET status = 0 WHERE id = 1", "UPDATE members SET status = 1, deleted_at = 1 WHERE id = 1"]
    {
        execute(db, sql, args![]).await;
        for path in [INFO, BY_MEMBER, BY_USER] {
            assert_eq!(get(&app, &nobody, path).await, missing(path), "{sql}");
        }
    }
}

#[actix_web::test]
async fn teams_and_their_competitions() {
    let (app, alice) = setting().await;
    let (status, mut body) = get(&app, &alice, BY_MEMBER).await;
    assert_eq!(status, 200);
    for at in 0..2 {
        let time = body[0]["competitions"][at]["play_time"].take();
        assert_eq!(time.as_str().unwrap().len(), "2026-11-22 11:00".len());
    }
    insta::assert_json_snapshot!(body, @r#"
    [
      {
        "competitions": [
          {
            "id": 2,
            "main_img_url": "https://example.org/static/img/banner-2.svg",
            "play_time": null,
            "title": "秋山越野挑战赛 晨风队 VS 江潮队"
          },
          {
            "id": 1,
            "main_img_url": "https://example.org/static/img/banner-1.svg",
            "play_time": null,
            "title": "江城半程马拉松 晨风队 VS 江潮队"
          }
        ],
        "logo": "https://example.org/static/img/team-1.svg",
        "name": "晨风队"
      }
    ]
    "#);
    let (status, body) = get(&app, &alice, BY_USER).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    [
      {
        "id": 1,
        "logo": "https://example.org/static/img/team-1.svg",
        "name": "晨风队"
      }
    ]
    "#);
    let (status, mut body) = get(&app, &alice, "/api/v1/team/2/competitions").await;
    assert_eq!(status, 200);
    for at in 0..2 {
        assert_eq!(body[at]["play_time"].take().as_str().unwrap().len(), 16);
    }
    insta::assert_json_snapshot!(body, @r#"
    [
      {
        "id": 2,
        "main_img_url": "https://example.org/static/img/banner-2.svg",
        "play_time": null,
        "title": "秋山越野挑战赛 晨风队 VS 江潮队"
      },
      {
        "id": 1,
        "main_img_url": "https://example.org/static/img/banner-1.svg",
        "play_time": null,
        "title": "江城半程马拉松 晨风队 VS 江潮队"
      }
    ]
    "#);
    // Anybody who is signed in may ask for a team's.
    let stranger = person(&app, "stranger").await;
    assert_eq!(get(&app, &stranger, "/api/v1/team/2/competitions").await.0, 200);
}

#[actix_web::test]
async fn an_athlete_without_a_team_and_a_team_without_competitions() {
    let (app, alice) = setting().await;
    let db = &app.context.db;
    let path = "/api/v1/team/1/competitions";
    execute(db, "UPDATE competitions SET deleted_at = 1 WHERE id = 1", args![]).await;
    assert_eq!(get(&app, &alice, path).await.1.as_array().unwrap().len(), 1);
    execute(db, "DELETE FROM team_competitions WHERE team_id = 1", args![]).await;
    assert_eq!(get(&app, &alice, path).await, refused(404, 30006, "当前球队未参与任何赛事", path));
    assert_eq!(get(&app, &alice, BY_MEMBER).await.1[0]["competitions"], json!([]));
    execute(db, "UPDATE teams SET deleted_at = 1 WHERE id = 1", args![]).await;
    for team in ["1", "99999"] {
        let path = format!("/api/v1/team/{team}/competitions");
        assert_eq!(get(&app, &alice, &path).await, refused(404, 30001, "球队信息不存在", &path));
    }
    for path in [BY_MEMBER, BY_USER] {
        assert_eq!(get(&app, &alice, path).await, refused(404, 30003, "当前会员未加入任何球队", path));
    }
    assert_eq!(get(&app, &alice, INFO).await.1["team"], "");
    for team in ["0", "x", "-1", "1.5", "99999999999999999999"] {
        let path = format!("/api/v1/team/{team}/competitions");
        assert_eq!(get(&app, &alice, &path).await, refused(400, 99999, "参数错误：id 必须是正整数", &path));
    }
}
