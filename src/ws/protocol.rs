//! The chat's JSON: what clients send, and what they are sent, as types.

use std::borrow::Cow;

use actors::chat_room::Resume;
use actors::domain::chat::RoomForm;
use actors::domain::ids::LiveId;
use actors::domain::queue::QueueStanding;
use actors::user_session::{Command, Inbound, RoomRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::uuid;
use crate::byte_order_mark;

/// The seed's room that is none: a line to it asks how many are here.
const COUNT_ROOM: i64 = 99_999_999;
/// Characters of a sender's own name for a line.
const CLIENT_ID_CHARACTERS: usize = 64;
/// Lines of one HISTORY.
const HISTORY_LINES: u32 = 100;

/// Every member a client may send. Unknown ones are ignored, and so is all that the server knows better.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message {
    #[serde(rename = "type")]
    kind: Value,
    room_id: Value,
    content: Value,
    token: Value,
    client_id: Value,
    send_to_one: Value,
    last_offset: Value,
    epoch: Value,
    before: Value,
    limit: Value,
}

fn malformed(reason: &'static str, client_id: Option<String>) -> Inbound {
    Inbound::Malformed { reason: Cow::Borrowed(reason), client_id }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// An integer, also one written as text.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// A room in the form it was named in. Only the usual spelling names a room, because ids are compared as texts.
fn room(value: &Value) -> Option<RoomRef> {
    let (form, id) = match value {
        Value::String(text) => {
            let id = LiveId::parse(text).filter(|id| id.to_string() == *text);
            (RoomForm::Text, id)
        }
        Value::Number(number) => {
            let id = number.as_i64().filter(|id| *id > 0).map(LiveId);
            (RoomForm::Number, id)
        }
        _ => return None,
    };
    Some(RoomRef { id, form })
}

/// One text frame; a byte order mark is passed over.
pub fn parse(frame: &str) -> Inbound {
    let Ok(Value::Object(object)) = serde_json::from_str(byte_order_mark::without_in(frame)) else {
        return malformed("not a JSON object", None);
    };
    let Ok(message) = Message::deserialize(Value::Object(object)) else {
        return malformed("not a JSON object", None);
    };
    // It cannot be stored, and would take the lines that are saved together with it along.
    if [&message.content, &message.client_id].into_iter().any(|it| it.as_str().is_some_and(|text| text.contains('\0')))
    {
        return malformed("a text with the character U+0000", None);
    }
    let client_id = match &message.client_id {
        Value::Null => None,
        Value::String(id) if id.chars().count() <= CLIENT_ID_CHARACTERS => text(&message.client_id),
        Value::Number(number) => Some(number.to_string()),
        _ => return malformed("client_id must be a short text", None),
    };
    let Some(kind) = text(&message.kind) else {
        return malformed("type is missing", client_id);
    };
    match command(&kind.to_ascii_uppercase(), &message, client_id.clone()) {
        Ok(command) => Inbound::Command(command),
        Err(reason) => malformed(reason, client_id),
    }
}

fn command(kind: &str, message: &Message, client_id: Option<String>) -> Result<Command, &'static str> {
    let room = room(&message.room_id);
    let token = text(&message.token);
    let named = room.ok_or("room_id is missing");
    Ok(match kind {
        "LOGIN" => Command::Login {
            room: named?,
            token,
            resume: integer(&message.last_offset)
                .map(|offset| Resume { offset, epoch: text(&message.epoch).unwrap_or_default() }),
        },
        "SEND_ALL" | "SEND_ONE" => {
            let content = text(&message.content).ok_or("content is missing")?;
            let room = named?;
            if room.id == Some(LiveId(COUNT_ROOM)) {
                Command::Count { form: room.form, content, client_id }
            } else if kind == "SEND_ALL" {
                Command::Say { room, content, token, client_id }
            } else {
                let to_uuid = text(&message.send_to_one).ok_or("send_to_one is missing")?;
                Command::Whisper { room, to: uuid::decode(&to_uuid), to_uuid, content, token, client_id }
            }
        }
        "LOGOUT" => Command::Logout { room: named? },
        "HISTORY" => Command::History {
            room: named?,
            before: match &message.before {
                Value::Null => None,
                before => Some(integer(before).filter(|before| *before >= 0).ok_or("before must be an offset")?),
            },
            limit: match &message.limit {
                Value::Null => HISTORY_LINES,
                limit => integer(limit)
                    .filter(|limit| *limit >= 1)
                    .map(|limit| u32::try_from(limit).unwrap_or(u32::MAX).min(HISTORY_LINES))
                    .ok_or("limit must be a whole number from 1")?,
            },
        },
        "QUEUE" => Command::WatchQueue { token: token.ok_or("token is missing")? },
        _ => Command::Unknown { room },
    })
}

/// A room's id in the form its reader uses.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum RoomId {
    Text(String),
    Number(i64),
}

impl RoomId {
    pub fn new(room: LiveId, form: RoomForm) -> Self {
        match form {
            RoomForm::Text => Self::Text(room.to_string()),
            RoomForm::Number => Self::Number(room.0),
        }
    }

    pub fn count_question(form: RoomForm) -> Self {
        Self::new(LiveId(COUNT_ROOM), form)
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct User<'a> {
    pub username: Cow<'a, str>,
    pub head_img: Cow<'a, str>,
}

/// A line, saved or private.
#[derive(Debug, Clone, Serialize)]
pub struct Line<'a> {
    pub room_id: RoomId,
    pub uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_to_one: Option<&'a str>,
    pub content: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
    /// Unix seconds.
    pub msg_time: i64,
    pub myself: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<&'a str>,
    #[serde(rename = "ONLINE", skip_serializing_if = "Option::is_none")]
    pub online: Option<i64>,
}

/// Everything the server says.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type")]
pub enum ServerMessage<'a> {
    #[serde(rename = "SEND_ALL")]
    SendAll(Line<'a>),
    #[serde(rename = "SEND_ONE")]
    SendOne(Line<'a>),
    #[serde(rename = "WELCOME")]
    Welcome {
        room_id: RoomId,
        uuid: &'a str,
        #[serde(rename = "ONLINE")]
        online: i64,
        users: i64,
        guests: i64,
        offset: i64,
        epoch: &'a str,
        recovered: bool,
    },
    #[serde(rename = "LOGIN")]
    Login(Notice<'a>),
    #[serde(rename = "LOGOUT")]
    Logout(Notice<'a>),
    #[serde(rename = "ONLINE")]
    Online {
        room_id: RoomId,
        #[serde(rename = "ONLINE")]
        online: i64,
        users: i64,
        guests: i64,
    },
    #[serde(rename = "DELETE")]
    Delete { room_id: RoomId, offset: i64 },
    #[serde(rename = "HISTORY")]
    History { room_id: RoomId, lines: Vec<ServerMessage<'a>> },
    #[serde(rename = "QUEUE")]
    Queue {
        token: &'a str,
        #[serde(flatten)]
        standing: &'a QueueStanding,
        msg: &'a str,
    },
    #[serde(rename = "ERROR")]
    Error {
        code: i64,
        msg: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
}

#[derive(Debug, Clone, Serialize)]
pub struct Notice<'a> {
    pub room_id: RoomId,
    pub uuid: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User<'a>>,
    pub content: String,
    #[serde(rename = "ONLINE")]
    pub online: i64,
}

#[cfg(test)]
#[path = "protocol_tests.rs"]
mod tests;
