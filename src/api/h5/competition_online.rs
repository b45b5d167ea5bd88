//! Item 25, `GET competition/online/:id`: how many watch, in the members of the streaming provider's own answer. The
//! numbers are those of our room, or the provider's.

use actix_web::web::{Data, Json, Path};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::live_id;
use crate::context::Context;
use crate::service::live;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Online {
    total_user_number: i64,
    online_user_info: OnlineUserInfo,
    request_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct OnlineUserInfo {
    live_stream_online_user_num_info: Vec<StreamUsers>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamUsers {
    /// UTC.
    time: String,
    stream_url: String,
    user_number: i64,
}

pub async fn online(context: Data<Context>, _: Caller, id: Path<String>) -> Result<Json<Online>, H5Error> {
    let viewers = live::viewers(&context, live_id(&id)?).await?;
    let users = |(time, stream_url, user_number)| StreamUsers { time, stream_url, user_number };
    Ok(Json(Online {
        total_user_number: viewers.total,
        online_user_info: OnlineUserInfo {
            live_stream_online_user_num_info: viewers.streams.into_iter().map(users).collect(),
        },
        request_id: viewers.request_id,
    }))
}
