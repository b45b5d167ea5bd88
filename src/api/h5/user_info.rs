//! Item 2, `GET user/info`: the caller's own account.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::links;
use crate::api::times;
use crate::context::Context;
use crate::service::accounts;

#[derive(Serialize)]
pub struct UserInfo {
    username: String,
    mobile: String,
    sex: &'static str,
    country: String,
    province: String,
    city: String,
    head_img: String,
    is_member: bool,
    register_time: String,
    last_login_time: String,
    member_status: i64,
    member_expire_time: String,
}

pub async fn user_info(
    context: Data<Context>,
    request: HttpRequest,
    caller: Caller,
) -> Result<Json<UserInfo>, H5Error> {
    let profile = accounts::profile(&context, caller.0.id).await?;
    Ok(Json(UserInfo {
        mobile: accounts::mobile(&context, &profile)?,
        sex: sex(profile.sex),
        head_img: links::absolute(&context, &request, &profile.head_img),
        is_member: profile.member_status == 1,
        register_time: times::seconds(profile.register_time),
        last_login_time: optional(profile.last_login_time),
        member_expire_time: optional(profile.member_expire_time),
        username: profile.username,
        country: profile.country,
        province: profile.province,
        city: profile.city,
        member_status: profile.member_status,
    }))
}

/// As a word.
pub fn sex(stored: i64) -> &'static str {
    match stored {
        1 => "男",
        2 => "女",
        _ => "保密",
    }
}

/// Empty when unset: the page splits the text at its space.
fn optional(at_ms: Option<i64>) -> String {
    at_ms.map(times::seconds).unwrap_or_default()
}
