//! Events of rooms and sessions as framed JSON.

use actors::chat_room::{ChatWire, Event};
use actors::domain::chat::{Profile, Publication, RoomForm};
use actors::domain::ids::LiveId;
use bytes::BytesMut;

use super::protocol::{Line, Notice, RoomId, ServerMessage, User};
use super::{codes, escape, frame};

pub struct JsonWire {
    /// Put before the paths of pictures, `https://example.org`; empty = left as paths.
    pub public_url: String,
}

impl JsonWire {
    fn user<'a>(&self, username: &'a str, head_img: &'a str) -> User<'a> {
        let head_img = escape::address(head_img);
        User {
            username: escape::plain(username),
            head_img: if head_img.starts_with('/') && !self.public_url.is_empty() {
                format!("{}{head_img}", self.public_url.trim_end_matches('/')).into()
            } else {
                head_img.into()
            },
        }
    }

    fn profile<'a>(&self, profile: &'a Profile) -> User<'a> {
        self.user(&profile.username, &profile.head_img)
    }

    fn line<'a>(
        &self,
        room: LiveId,
        form: RoomForm,
        line: &'a Publication,
        myself: bool,
        online: Option<i64>,
    ) -> ServerMessage<'a> {
        ServerMessage::SendAll(Line {
            room_id: RoomId::new(room, form),
            uuid: &line.uuid,
            send_to_one: None,
            content: escape::content(&line.content),
            user: Some(self.user(&line.username, &line.head_img)),
            msg_time: line.sent_at.div_euclid(1000),
            myself,
            offset: Some(line.offset),
            client_id: line.client_id.as_deref().filter(|_| myself),
            online,
        })
    }

    /// `None` for control frames.
    fn message<'a>(&self, event: &Event<'a>) -> Option<ServerMessage<'a>> {
        Some(match *event {
            Event::Line { room, form, line, myself, online } => self.line(room, form, line, myself, online),
            Event::Whisper { room, form, from_uuid, to_uuid, from, content, client_id, sent_at, online } => {
                ServerMessage::SendOne(Line {
                    room_id: RoomId::new(room, form),
                    uuid: from_uuid,
                    send_to_one: Some(to_uuid),
                    content: escape::content(content),
                    user: Some(self.profile(from)),
                    msg_time: sent_at.div_euclid(1000),
                    myself: online.is_some(),
                    offset: None,
                    client_id,
                    online,
                })
            }
            Event::Count { form, uuid, content, client_id, sent_at, online } => ServerMessage::SendAll(Line {
                room_id: RoomId::count_question(form),
                uuid,
                send_to_one: None,
                content: escape::content(content),
                user: None,
                msg_time: sent_at.div_euclid(1000),
                myself: true,
                offset: None,
                client_id,
                online: Some(online),
            }),
            Event::Welcome { room, form, uuid, presence, offset, epoch, recovered } => ServerMessage::Welcome {
                room_id: RoomId::new(room, form),
                uuid,
                online: presence.connections,
                users: presence.users,
                guests: presence.guests,
                offset,
                epoch,
                recovered,
            },
            Event::Notice { room, form, uuid, profile, arrived, online } => {
                let what = if arrived { "上线" } else { "下线" };
                let who = if arrived { "新用户" } else { "用户" };
                let notice = Notice {
                    room_id: RoomId::new(room, form),
                    uuid,
                    user: profile.map(|profile| self.profile(profile)),
                    content: format!("{who}{uuid}已经{what}"),
                    online,
                };
                if arrived { ServerMessage::Login(notice) } else { ServerMessage::Logout(notice) }
            }
            Event::Online { room, form, presence } => ServerMessage::Online {
                room_id: RoomId::new(room, form),
                online: presence.connections,
                users: presence.users,
                guests: presence.guests,
            },
            Event::Deleted { room, form, offset } => ServerMessage::Delete { room_id: RoomId::new(room, form), offset },
            Event::History { room, form, lines, viewer } => ServerMessage::History {
                room_id: RoomId::new(room, form),
                lines: lines
                    .iter()
                    .map(|line| self.line(room, form, line, Some(line.account) == viewer, None))
                    .collect(),
            },
            Event::Queue { token, standing } => ServerMessage::Queue { token, standing, msg: &standing.msg },
            Event::Refused { error, client_id } => {
                let (code, msg, retry_after) = codes::code(error);
                ServerMessage::Error { code, msg: msg.into(), retry_after, client_id }
            }
            Event::Ping | Event::Pong { .. } | Event::Close { .. } => return None,
        })
    }
}

impl ChatWire for JsonWire {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        match *event {
            Event::Ping => frame::ping(out),
            Event::Pong { payload } => frame::pong(payload, out),
            Event::Close { code, reason } => frame::put_close(code, reason, out),
            _ => {
                let Some(message) = self.message(event) else {
                    return;
                };
                match serde_json::to_vec(&message) {
                    Ok(json) => frame::text(&json, out),
                    Err(error) => tracing::error!(%error, "a chat message could not be encoded"),
                }
            }
        }
    }
}
