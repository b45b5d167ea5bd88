//! Items 8, 21, 22 and 33: the membership for sale, banners, and the site's texts.

use matchday::args;
use serde_json::json;

use super::{get, post, post_encoded, refused};
use crate::support::fixtures::{execute, person};
use crate::support::spawn_app;

const JOIN: &str = "/api/v1/business/joinus";
const BANNERS: &str = "/api/v1/banner/by_position";
const CONFIG: &str = "/api/v1/config/value";

#[actix_web::test]
async fn the_membership_for_sale() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let (status, body) = get(&app, &alice, JOIN).await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "amount": 0,
      "audit_time": "",
      "content": "一年会员：优先报名、训练营、赛后影像",
      "cost": 99.0,
      "id": 1,
      "istui": 0,
      "num": "",
      "people": 1,
      "price": 99.0,
      "remark": "",
      "s_id": 1,
      "specs": "",
      "title": "年度会员",
      "valid_time": 1
    }
    "#);
    let db = &app.context.db;
    let sql = "INSERT INTO businesses (title, cost_fen, price_fen, istui, audit_time, created_at) \
               VALUES ('推荐', 100, 1, 1, 1700000000000, 1)";
    execute(db, sql, args![]).await;
    let body = get(&app, &alice, JOIN).await.1;
    let shown = (&body["title"], &body["price"], &body["audit_time"]);
    assert_eq!(shown, (&json!("推荐"), &json!(0.01), &json!("2023-11-15 06:13:20")));
    execute(db, "UPDATE businesses SET deleted_at = 1 WHERE istui = 1", args![]).await;
    assert_eq!(get(&app, &alice, JOIN).await.1["id"], 1);
    execute(db, "UPDATE businesses SET status = 0", args![]).await;
    assert_eq!(get(&app, &alice, JOIN).await, refused(404, 20000, "业务不存在或已禁用", JOIN));
}

#[actix_web::test]
async fn banners_by_id_and_by_position() {
    let app = spawn_app(&[("server.public_url", "https://example.org")]).await;
    let alice = person(&app, "alice").await;
    let (status, body) = get(&app, &alice, "/api/v1/banner/1").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    {
      "description": "会员专享训练营与领跑服务",
      "id": 1,
      "img": {
        "cate": "图片",
        "name": "https://example.org/static/img/banner-1.svg",
        "original": "banner-1.svg",
        "size": 0
      },
      "img_url": "https://example.org/static/img/banner-1.svg",
      "jump_url": "https://example.org/register.html",
      "position": "球员中心",
      "title": "一起跑过江城"
    }
    "#);
    let (status, body) = post_encoded(&app, &alice, BANNERS, "id=3").await;
    assert_eq!(status, 200);
    insta::assert_json_snapshot!(body, @r#"
    [
      {
        "description": "看比赛，聊比赛，为每一位跑者加油",
        "id": 3,
        "img": {
          "cate": "图片",
          "name": "https://example.org/static/img/banner-3.svg",
          "original": "banner-3.svg",
          "size": 0
        },
        "img_url": "https://example.org/static/img/banner-3.svg",
        "jump_url": "https://example.org/live.html?id=1",
        "position": "资讯中心",
        "title": "现场直播"
      }
    ]
    "#);
    assert_eq!(post(&app, &alice, BANNERS, json!({"id": 2})).await.1[0]["position"], "赛事中心");
    let sets = [
        "UPDATE banners SET display = 0 WHERE id = 2",
        "UPDATE banners SET display = 1, status = 0 WHERE id = 2",
        "UPDATE banners SET status = 1, deleted_at = 1 WHERE id = 2",
    ];
    for sql in sets {
        execute(&app.context.db, sql, args![]).await;
        let path = "/api/v1/banner/2";
        assert_eq!(get(&app, &alice, path).await, refused(404, 40002, "请求banner不存在", path), "{sql}");
        let none = refused(404, 40003, "请求轮播图片不存在", BANNERS);
        assert_eq!(post(&app, &alice, BANNERS, json!({"id": 2})).await, none, "{sql}");
    }
    let path = "/api/v1/banner/99";
    assert_eq!(get(&app, &alice, path).await, refused(404, 40002, "请求banner不存在", path));
    for id in ["0", "x", "-1"] {
        let path = format!("/api/v1/banner/{id}");
        assert_eq!(get(&app, &alice, &path).await, refused(400, 99999, "参数错误：id 必须是正整数", &path));
    }
    for (body, reason) in [(json!({}), "正整数"), (json!({"id": 0}), "正整数"), (json!({"id": 4}), "1、2或3")] {
        let wrong = refused(400, 99999, &format!("参数错误：id 必须是{reason}"), BANNERS);
        assert_eq!(post(&app, &alice, BANNERS, body).await, wrong);
    }
}

#[actix_web::test]
async fn texts_by_one_code_and_by_many() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let html = "<h3>会员协议</h3><p>会员自支付成功之日起生效，有效期一年，到期前可续费顺延。</p>";
    let text = "会员协议会员自支付成功之日起生效，有效期一年，到期前可续费顺延。";
    let one = post_encoded(&app, &alice, CONFIG, "code=membership_agreement&tags=1").await;
    assert_eq!(one, (200, json!({"value": html})));
    let one = post(&app, &alice, CONFIG, json!({"code": "membership_agreement", "tags": 0})).await;
    assert_eq!(one, (200, json!({"value": text})));
    let many = post_encoded(&app, &alice, CONFIG, "code[]=copyright&code[]=ICP&code%5B%5D=nothing&tags=0").await;
    assert_eq!(many, (200, json!({"copyright": "© matchday 演示站点", "ICP": "演示站点，未备案"})));
    let single = post(&app, &alice, CONFIG, json!({"code": ["index_title"], "tags": "1"})).await;
    assert_eq!(single, (200, json!({"index_title": "江城赛事中心"})), "a list of one is a list");
    let known = ["copyright", "ICP", "index_title", "description", "seo_title", "service_agreement"];
    let known = [known.as_slice(), &["purchase_agreement", "membership_agreement"]].concat();
    let all = post(&app, &alice, CONFIG, json!({"code": known, "tags": 1})).await.1;
    assert_eq!(all.as_object().unwrap().len(), 8);

    let missing = refused(404, 40004, "请求配置不存在", CONFIG);
    for body in [json!({"code": "nothing", "tags": 1}), json!({"code": ["nothing", "icp"], "tags": 1})] {
        assert_eq!(post(&app, &alice, CONFIG, body.clone()).await, missing, "{body}");
    }
    let many: Vec<String> = (0..51).map(|at| at.to_string()).collect();
    for (body, reason) in [
        (json!({"tags": 1}), "code 不能为空"),
        (json!({"code": "", "tags": 1}), "code 不能为空"),
        (json!({"code": [], "tags": 1}), "code 不能为空"),
        (json!({"code": [1], "tags": 1}), "code 格式不正确"),
        (json!({"code": {"a": 1}, "tags": 1}), "code 格式不正确"),
        (json!({"code": many, "tags": 1}), "code 不能超过50个"),
        (json!({"code": "ICP"}), "tags 必须是0或1"),
        (json!({"code": "ICP", "tags": 2}), "tags 必须是0或1"),
        (json!({"code": "ICP", "tags": "yes"}), "tags 必须是0或1"),
    ] {
        let wrong = refused(400, 99999, &format!("参数错误：{reason}"), CONFIG);
        assert_eq!(post(&app, &alice, CONFIG, body.clone()).await, wrong, "{body}");
    }
}
