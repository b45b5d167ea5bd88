//! Item 34, `GET guest/:id`: the last 100 lines of a live's room, oldest first. `user` is a JSON text here, while it is
//! an object over the socket; the other members are as there.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use actors::domain::chat::Publication;
use actors::domain::ids::LiveId;
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use super::{links, live_id};
use crate::context::Context;
use crate::service::live;
use crate::ws::escape;

const LINES: u32 = 100;

#[derive(Serialize)]
pub struct Line {
    #[serde(rename = "type")]
    kind: &'static str,
    room_id: String,
    uuid: String,
    content: String,
    user: String,
    /// Seconds since 1970.
    msg_time: i64,
    myself: bool,
    offset: i64,
}

pub async fn last_lines(
    context: Data<Context>,
    request: HttpRequest,
    caller: Caller,
    id: Path<String>,
) -> Result<Json<Vec<Line>>, H5Error> {
    let id = live_id(&id)?;
    let encode = |line: &Publication| {
        let picture = links::absolute(&context, &request, escape::address(&line.head_img));
        encode(id, line, &picture, line.account == caller.0.id)
    };
    let lines = live::last_lines(&context, &id, LINES).await?;
    Ok(Json(lines.iter().map(encode).collect()))
}

fn encode(room: LiveId, line: &Publication, picture: &str, myself: bool) -> Line {
    let user = serde_json::json!({"username": escape::plain(&line.username), "head_img": picture});
    Line {
        kind: "SEND_ALL",
        room_id: room.to_string(),
        uuid: line.uuid.to_string(),
        content: escape::content(&line.content).into_owned(),
        user: user.to_string(),
        msg_time: line.sent_at.div_euclid(1000),
        myself,
        offset: line.offset,
    }
}
