//! Item 25, `GET competition/online/:id`: how many watch, in the members of the streaming provider's own answer. The
//! numbers are those of our room.

use actix_web::web::{Data, Json, Path};
use chrono::{DateTime, SecondsFormat};
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
    live_stream_online_user_num_info: [StreamUsers; 1],
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
    let id = live_id(&id)?;
    let live = live::detail(&context, id).await?;
    let connections = live::online(&context, id)?.connections;
    let now = DateTime::from_timestamp_millis(context.db.now_ms()).unwrap_or_default();
    let users = StreamUsers {
        time: now.to_rfc3339_opts(SecondsFormat::Secs, true),
        stream_url: live.play_rtmp,
        user_number: connections,
    };
    Ok(Json(Online {
        total_user_number: connections,
        online_user_info: OnlineUserInfo { live_stream_online_user_num_info: [users] },
        request_id: hex::encode_upper(rand::random::<[u8; 16]>()),
    }))
}
