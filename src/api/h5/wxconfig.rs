//! Item 31, `POST wxconfig`: the signature by which a page may call WeChat's functions. The account-wide access token is
//! a secret and its member always "".

use actix_web::web::{Data, Json};
use actors::error::DomainError;
use serde::Serialize;

use super::auth::Signed;
use super::envelope::H5Error;
use crate::context::Context;
use crate::service::js_config;

const MAX_URL_BYTES: usize = 2_048;

#[derive(Serialize)]
pub struct PageConfig {
    #[serde(rename = "appId")]
    app_id: String,
    #[serde(rename = "nonceStr")]
    nonce_str: String,
    timestamp: i64,
    url: String,
    signature: String,
    #[serde(rename = "rawString")]
    raw_string: String,
    access_token: &'static str,
}

pub async fn wxconfig(context: Data<Context>, signed: Signed) -> Result<Json<PageConfig>, H5Error> {
    context.limits.page_config(signed.account.id).await?;
    let given = signed.params.text("cur_url")?.ok_or_else(|| DomainError::field("cur_url", "不能为空"))?;
    let url = page_url(&given).ok_or_else(|| DomainError::field("cur_url", "不是网页地址"))?;
    let page = js_config::page_config(&context, &url).await?;
    Ok(Json(PageConfig {
        app_id: page.app_id,
        nonce_str: page.nonce,
        timestamp: page.timestamp,
        url: page.url,
        signature: page.signature,
        raw_string: page.raw,
        access_token: "",
    }))
}

/// The address that the browser shows, without what follows `#`. The page encodes it once more than a form does; one
/// that reads as an address already is left as it is.
fn page_url(given: &str) -> Option<String> {
    let decoded = if given.contains("://") { given.to_owned() } else { percent_decoded(given)? };
    let url = decoded.split('#').next().unwrap_or_default();
    let fine = url.len() <= MAX_URL_BYTES
        && (url.starts_with("https://") || url.starts_with("http://"))
        && !url.chars().any(|it| it.is_control() || it.is_whitespace());
    fine.then(|| url.to_owned())
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, after) = after.split_first_chunk::<2>()?;
        bytes.extend(hex::decode(digits).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_decoded_once_and_cut() {
        let read = |given: &str| page_url(given);
        for (given, url) in [
            ("http%3A%2F%2Fa.cn%2Fh5%3Fid%3D1%23top", "http://a.cn/h5?id=1"),
            ("http://a.cn/h5?next=%2Fx%23y#top", "http://a.cn/h5?next=%2Fx%23y"),
            ("https%3A%2F%2Fa.cn%2F%3Fq%3D%25E4%25B8%25AD", "https://a.cn/?q=%E4%B8%AD"),
            ("https%3a%2f%2fa.cn%2f%e4%b8%ad", "https://a.cn/中"),
        ] {
            assert_eq!(read(given).as_deref(), Some(url));
        }
        let long = format!("https://a.cn/{}", "x".repeat(MAX_URL_BYTES));
        for bad in
            ["", "a.cn", "ftp://a.cn", "javascript:alert(1)", "http%3A%2", "http%3A%2F%2F%FF", "http://a b", &long]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
