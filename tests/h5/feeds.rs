//! Item 16: a word to the organiser.

use matchday::args;
use serde_json::json;

use super::{post, post_encoded, refused};
use crate::support::fixtures::{person, row};
use crate::support::spawn_app;

const FEEDS: &str = "/api/v1/feeds";

#[actix_web::test]
async fn what_people_write_is_kept_as_typed() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let success = refused(201, 0, "success", FEEDS);
    let form =
        "type=2&phone=138-0000-0001&title=%E8%A1%A5%E7%BB%99&content=%3Cb%3E%E6%B0%B4%E4%B8%8D%E5%A4%9F%3C%2Fb%3E";
    assert_eq!(post_encoded(&app, &alice, FEEDS, form).await, success);
    let kept = row(&app.context.db, "SELECT * FROM feeds WHERE id = 1", args![]).await;
    let numbers = ["account_id", "kind", "source"].map(|name| kept.int(name).unwrap());
    assert_eq!(numbers, [alice.account.0, 2, 1]);
    let texts = ["title", "content", "address"].map(|name| kept.text(name).unwrap());
    assert_eq!(texts, ["补给", "<b>水不够</b>", "127.0.0.1"]);
    let sealed = kept.text("phone_sealed").unwrap();
    assert!(!sealed.contains("1380000"));
    assert_eq!(app.context.vault.open(&sealed).as_deref(), Ok("13800000001"));

    let whole = "好".repeat(255);
    assert_eq!(post(&app, &alice, FEEDS, json!({"content": whole})).await, success);
    let kept = row(&app.context.db, "SELECT * FROM feeds WHERE id = 2", args![]).await;
    assert_eq!((kept.int("kind").unwrap(), kept.text("phone_sealed").unwrap()), (1, String::new()));
    assert_eq!(kept.text("content").unwrap(), whole);

    let pasted = json!({"title": "补\u{202e}给", "content": "水\u{200b}不够\n❤\u{fe0f}", "phone": "+44 7911 123456"});
    assert_eq!(post(&app, &alice, FEEDS, pasted).await, success);
    let kept = row(&app.context.db, "SELECT * FROM feeds WHERE id = 3", args![]).await;
    assert_eq!(["title", "content"].map(|name| kept.text(name).unwrap()), ["补给", "水不够\n❤\u{fe0f}"]);
    assert_eq!(app.context.vault.open(&kept.text("phone_sealed").unwrap()).as_deref(), Ok("+447911123456"));
}

#[actix_web::test]
async fn bad_letters_are_refused_and_nothing_is_kept() {
    let app = spawn_app(&[]).await;
    let alice = person(&app, "alice").await;
    let text = "一句话";
    for (body, reason) in [
        (json!({}), "content 不能为空"),
        (json!({"content": "  "}), "content 不能为空"),
        (json!({"content": "\u{200b}\u{3164}"}), "content 不能为空"),
        (json!({"content": [text]}), "content 格式不正确"),
        (json!({"content": "好".repeat(256)}), "content 不能超过255个字符"),
        (json!({"content": text, "type": 4}), "type 必须是1、2或3"),
        (json!({"content": text, "type": 0}), "type 必须是正整数"),
        (json!({"content": text, "title": "题".repeat(26)}), "title 不能超过25个字符"),
        (json!({"content": text, "phone": "call me"}), "phone 格式不正确"),
        (json!({"content": text, "phone": "1".repeat(16)}), "phone 格式不正确"),
        (json!({"content": text, "phone": "------"}), "phone 格式不正确"),
    ] {
        let wrong = refused(400, 99999, &format!("参数错误：{reason}"), FEEDS);
        assert_eq!(post(&app, &alice, FEEDS, body.clone()).await, wrong, "{body}");
    }
    let nul = post(&app, &alice, FEEDS, json!({"content": "a\u{0}b"})).await;
    assert_eq!((nul.0, &nul.1["error_code"]), (400, &json!(99999)), "no database is asked to keep it: {}", nul.1);
    let named = post(&app, &alice, FEEDS, json!({"content": text, "user_id": 1})).await;
    assert_eq!((named.0, &named.1["error_code"]), (400, &json!(99999)));
    let count = row(&app.context.db, "SELECT COUNT(*) AS n FROM feeds", args![]).await;
    assert_eq!(count.int("n").unwrap(), 0);
}

#[actix_web::test]
async fn who_writes_without_end_is_told_to_wait() {
    let app = spawn_app(&[("limits.enabled", "true")]).await;
    let (alice, bob) = (person(&app, "alice").await, person(&app, "bob").await);
    let body = json!({"content": "一句话"});
    for _ in 0..10 {
        assert_eq!(post(&app, &alice, FEEDS, body.clone()).await.0, 201);
    }
    assert_eq!(post(&app, &alice, FEEDS, body.clone()).await, refused(400, 10010, "用户重复发送验证码", FEEDS));
    assert_eq!(post(&app, &bob, FEEDS, body).await.0, 201);
}
