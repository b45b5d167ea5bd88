//! The bundle as a download: not sent again to those who have it, compressed for those who read that, counted.

use std::io::Read;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use super::support::Lottery;

async fn fetch(lottery: &Lottery, headers: &[(&str, &str)]) -> Response {
    let mut request = lottery.app.client.get(lottery.app.at(&format!("/api/draws/{}/bundle", lottery.game)));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn drawn() -> Lottery {
    let lottery = Lottery::new(2).await;
    lottery.admin(reqwest::Method::POST, "draw", json!({"public_source": "指数"})).await;
    for person in 1..=5 {
        lottery.enter(&[person]).await;
    }
    lottery.draw("3358").await;
    lottery
}

#[actix_web::test]
async fn whoever_has_the_bundle_is_not_sent_it_again() {
    let lottery = Lottery::new(2).await;
    lottery.admin(reqwest::Method::POST, "draw", json!({"public_source": "指数"})).await;
    lottery.enter(&[1]).await;
    assert_eq!(fetch(&lottery, &[]).await.status(), StatusCode::CONFLICT);
    lottery.admin(reqwest::Method::POST, "draw/close", Value::Null).await;
    let closed = fetch(&lottery, &[]).await;
    let tag = closed.headers()["etag"].to_str().unwrap().to_owned();
    let size: usize = closed.headers()["content-length"].to_str().unwrap().parse().unwrap();
    assert_eq!(closed.bytes().await.unwrap().len(), size);
    let again = fetch(&lottery, &[("if-none-match", &tag)]).await;
    assert_eq!((again.status(), again.headers()["etag"].to_str().unwrap()), (StatusCode::NOT_MODIFIED, tag.as_str()));
    assert!(again.bytes().await.unwrap().is_empty());
    assert_eq!(fetch(&lottery, &[("if-none-match", "\"another\"")]).await.status(), StatusCode::OK);
    lottery.draw("3358").await;
    let drawn = fetch(&lottery, &[("if-none-match", &tag)]).await;
    assert_eq!(drawn.status(), StatusCode::OK, "the draw changed it");
    assert_ne!(drawn.headers()["etag"].to_str().unwrap(), tag);
}

#[actix_web::test]
async fn compressed_and_plain_are_the_same_bundle() {
    let lottery = drawn().await;
    let plain = fetch(&lottery, &[("accept-encoding", "br, gzip;q=0")]).await;
    assert!(plain.headers().get("content-encoding").is_none());
    let packed = fetch(&lottery, &[("accept-encoding", "br, gzip;q=0.5")]).await;
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    assert_eq!(packed.headers()["vary"], "Accept-Encoding");
    assert_ne!(packed.headers()["etag"], plain.headers()["etag"], "one tag, one text");
    let mut text = Vec::new();
    let bytes = packed.bytes().await.unwrap();
    flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
    assert_eq!(text, plain.bytes().await.unwrap());
    let bundle: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(bundle, lottery.bundle().await);
}

#[actix_web::test]
async fn downloads_are_counted_by_address_while_they_last() {
    let settings = [("limits.enabled", "true"), ("limits.bundle_downloads_per_address", "1")];
    let lottery = Lottery::with(2, &settings).await;
    lottery.admin(reqwest::Method::POST, "draw", json!({"public_source": "指数"})).await;
    lottery.enter(&[1]).await;
    lottery.admin(reqwest::Method::POST, "draw/close", Value::Null).await;
    let context = &lottery.app.context;
    let address = actors::domain::caller_address::CallerAddress::known("127.0.0.1".parse().unwrap());
    let held = matchday::service::draws::begin_download(context, address).unwrap();
    let refused = fetch(&lottery, &[]).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers().contains_key("retry-after"));
    drop(held);
    // One that was read to its end no longer counts.
    for _ in 0..3 {
        let answer = fetch(&lottery, &[]).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.bytes().await.unwrap();
        crate::support::eventually("the download is over", async || {
            matchday::service::draws::begin_download(context, address).is_ok()
        })
        .await;
    }
}
