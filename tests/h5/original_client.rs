//! The original browser client's way through the application: jQuery's forms and cache busters, and what it reads of the
//! answers. The forms are written here as they leave its pages.

use serde_json::{Value, json};

use super::told;
use crate::support::chat::Client;
use crate::support::{TestApp, spawn_app};

struct Page<'a> {
    app: &'a TestApp,
    token: String,
}

impl Page<'_> {
    async fn get(&self, item: &str) -> (u16, Value) {
        let path = format!("/api/v1/{item}{}_=1795320807123", if item.contains('?') { '&' } else { '?' });
        told(self.app.client.get(self.app.at(&path)).header("token", &self.token).send().await.unwrap()).await
    }

    async fn post(&self, item: &str, form: &str) -> (u16, Value) {
        let request = self.app.client.post(self.app.at(&format!("/api/v1/{item}"))).header("token", &self.token);
        let request = request.header("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
        told(request.body(form.to_owned()).send().await.unwrap()).await
    }

    /// An answer that is no error.
    async fn read(&self, item: &str) -> Value {
        let (status, body) = self.get(item).await;
        assert_eq!(status, 200, "{item}: {body}");
        body
    }

    async fn done(&self, item: &str, form: &str) -> Value {
        let (status, body) = self.post(item, form).await;
        assert!(matches!(status, 200 | 201) && body.get("error_code").is_none_or(|code| *code == 0), "{item}: {body}");
        body
    }

    /// `redirect_uri` came back with a code.
    async fn sign_in(&mut self) {
        self.token = self.done("token/user", "code=sandbox%3AoClient").await["token"].as_str().unwrap().to_owned();
    }
}

fn is_text(value: &Value) -> bool {
    value.is_string()
}

#[actix_web::test]
async fn the_original_client_finds_its_way() {
    let app = spawn_app(&[("limits.enabled", "true")]).await;
    let mut page = Page { app: &app, token: String::new() };
    let (status, body) = page.get("user/info").await;
    assert_eq!((status, &body["error_code"]), (401, &json!(10003)), "which sends it to the sign-in");
    page.sign_in().await;

    // Not a member, no phone: it asks for one when something is bought.
    let user = page.read("user/info").await;
    assert_eq!((&user["mobile"], &user["member_status"]), (&json!(""), &json!(0)));
    let offer = page.read("business/joinus").await;
    assert!(is_text(&offer["title"]) && offer["price"].is_number() && is_text(&offer["content"]));
    let commit = format!("business_id={}&name={}", offer["id"], "%E5%B9%B4%E5%BA%A6%E4%BC%9A%E5%91%98");
    assert_eq!(page.post("order/commit", &commit).await.1["error_code"], 10011);
    page.done("identify/code", "phone=13800000001").await;
    let sms: Value = app.get("/sandbox/sms/13800000001").await.json().await.unwrap();
    page.done("user/bind", &format!("phone=13800000001&code={}", sms["code"].as_str().unwrap())).await;
    let order = page.done("order/commit", &commit).await;
    let pay = page.done("pay/pre_order", &format!("id={}", order["id"])).await;
    assert!(["timeStamp", "nonceStr", "package", "signType", "paySign"].iter().all(|name| is_text(&pay[*name])));
    let paid = app.client.post(app.at(&format!("/sandbox/pay/{}", order["order_no"].as_str().unwrap())));
    assert!(paid.send().await.unwrap().status().is_success());
    let orders = page.read("order/by_user?page=1&size=10").await;
    let row = &orders["data"][0];
    assert_eq!((&orders["total"], &row["status"], &row["total_price"]), (&json!(1), &json!(1), &json!(99.0)));
    assert!(is_text(&row["pay_time"]) && is_text(&row["create_time"]));
    let user = page.read("user/info").await;
    assert_eq!(user["member_status"], 1);
    let (day, time) = user["member_expire_time"].as_str().unwrap().split_once(' ').unwrap();
    assert_eq!((day.len(), time.len()), (10, 8));

    // The athlete's pages.
    let athlete = page.read("member/info").await;
    assert!(["stature", "weight", "age", "order_id", "team"].iter().all(|name| is_text(&athlete[*name])));
    assert!(is_text(&page.read("competition/by_member").await[0]["competitions"][0]["play_time"]));
    let team = page.read("team/by_user").await[0]["id"].clone();
    assert!(is_text(&page.read(&format!("team/{team}/competitions")).await[0]["play_time"]));
    let status = async || page.read("competition/begins?page=1&size=10").await["data"][0]["apply_status"].clone();
    assert_eq!(status().await, 0);
    page.done("competition/apply/commit", "id=1").await;
    assert_eq!(status().await, 1);
    page.done("competition/apply/cancel", "id=1").await;
    assert!(is_text(&page.read("competition/1").await["description"]));

    // The front page, and texts.
    assert!(is_text(&page.done("banner/by_position", "id=1").await[0]["img"]["name"]));
    let texts = page.done("config/value", "code%5B%5D=copyright&code%5B%5D=ICP&tags=0").await;
    assert!(is_text(&texts["copyright"]) && is_text(&texts["ICP"]));
    let agreement = page.done("config/value", "code=service_agreement&tags=1").await;
    assert!(agreement["value"].as_str().unwrap().contains('<'));

    // Lives and videos; the search tells them apart by `file`.
    let found = page.done("competition/play?page=1&size=30", "search=%E6%B1%9F%E5%9F%8E").await;
    let (videos, lives): (Vec<&Value>, Vec<&Value>) =
        found["data"].as_array().unwrap().iter().partition(|row| row.get("file").is_some());
    assert_eq!((videos.len(), lives.len()), (2, 1));
    assert_eq!(page.done("competition/video?page=1&size=30", "search=&competition_id=1&type=1").await["total"], 1);
    page.done("competition/play_notify", "id=1&type=1").await;
    let video = page.read("competitionvideo/1").await;
    assert_eq!((&video["play_url"], &video["browse_num"]), (&video["file"]["name"], &json!(1)));
    assert!(page.done("competition/live?page=1&size=30", "search=").await["data"][0]["online_num"].is_number());
    let live = page.read("competitionlive/1").await;
    assert_eq!((&live["live_status"], &live["online_show"]), (&json!(1), &json!(1)));
    assert!(page.read("competition/online/1").await["TotalUserNumber"].is_number());
    let mut chat = Client::to(&app.chat_url).await;
    chat.send(json!({"type": "SEND_ALL", "room_id": "99999999", "content": "6"})).await;
    assert!(chat.until("SEND_ALL").await["ONLINE"].is_number(), "how it learns how many are there");
    chat.send(json!({"type": "SEND_ALL", "room_id": "1", "content": "<b>加油", "token": page.token, "user": {"username": "x"}}))
        .await;
    chat.until("SEND_ALL").await;
    let line = page.read("guest/1").await[0].clone();
    let speaker: Value = serde_json::from_str(line["user"].as_str().unwrap()).unwrap();
    assert!(is_text(&speaker["username"]) && is_text(&speaker["head_img"]) && line["msg_time"].is_number());
    assert_eq!((&line["room_id"], &line["content"]), (&json!("1"), &json!("&lt;b&gt;加油")));

    // WeChat's functions, with the page's address encoded twice; a word to the organiser.
    let signed = page.done("wxconfig", "cur_url=http%253A%252F%252Fa.cn%252Flive%253Fid%253D1").await;
    assert_eq!((&signed["url"], &signed["access_token"]), (&json!("http://a.cn/live?id=1"), &json!("")));
    page.done(
        "feeds",
        "type=1&phone=13800000001&title=&content=%E8%A1%A5%E7%BB%99%E7%AB%99%E7%9A%84%E6%B0%B4%E5%A4%AA%E5%B0%91",
    )
    .await;

    // Two hours later it signs in again.
    app.context.db.advance_clock(std::time::Duration::from_secs(7201));
    assert_eq!(page.get("user/info").await.0, 401);
    page.sign_in().await;
    assert_eq!(page.read("user/info").await["mobile"], "13800000001");
}
