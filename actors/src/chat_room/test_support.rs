//! A log in memory and frames as short texts, for the tests of rooms.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};

use crate::domain::chat::{ConnectionId, Profile, Publication, RoomForm};
use crate::domain::ids::{AccountId, LiveId};
use crate::error::{DomainError, Result};
use crate::outbox::Outbox;

use super::messages::{Answer, Publish, Subscription};
use super::ports::{ChatLog, ChatWire, NewLine, RoomSnapshot, Verdict};
use super::wire::Event;

/// `L5;` a line, `E5;` its echo, `M5;` an own line recovered, `W5+;` WELCOME at 5 and recovered, `X;` an ERROR.
pub struct TextWire;

impl ChatWire for TextWire {
    fn encode(&self, event: &Event<'_>, out: &mut BytesMut) {
        let text = match event {
            Event::Line { line, online: Some(_), .. } => format!("E{};", line.offset),
            Event::Line { line, myself: true, .. } => format!("M{};", line.offset),
            Event::Line { line, .. } => format!("L{};", line.offset),
            Event::Welcome { offset, recovered, .. } => format!("W{offset}{};", if *recovered { '+' } else { '-' }),
            Event::Refused { .. } => "X;".to_owned(),
            Event::Deleted { offset, .. } => format!("D{offset};"),
            Event::Close { code, .. } => format!("C{code};"),
            _ => return,
        };
        out.extend_from_slice(text.as_bytes());
    }
}

pub fn wire() -> Arc<dyn ChatWire> {
    Arc::new(TextWire)
}

pub fn outbox(limit: usize) -> Arc<Outbox> {
    Arc::new(Outbox::new(limit, Bytes::from_static(b"C4001;")))
}

/// What waits in an outbox, taken out of it.
pub fn read(outbox: &Outbox) -> Vec<String> {
    let mut text = Vec::new();
    while let Poll::Ready(Some(frames)) = outbox.poll_next(&mut Context::from_waker(Waker::noop())) {
        text.extend_from_slice(&frames);
    }
    let text = String::from_utf8(text).unwrap();
    text.split_terminator(';').map(str::to_owned).collect()
}

pub fn profile(account: i64) -> Profile {
    Profile { account: AccountId(account), username: String::new(), head_img: String::new() }
}

pub fn subscription(connection: u64, limit: usize) -> Arc<Subscription> {
    let uuid = format!("u{connection}").into();
    let form = if connection.is_multiple_of(3) { RoomForm::Number } else { RoomForm::Text };
    Arc::new(Subscription::new(ConnectionId(connection), uuid, form, Some(profile(connection as i64)), outbox(limit)))
}

pub fn publish(from: &Subscription, content: &str) -> Publish {
    let speaker = from.profile.clone().unwrap();
    let line = NewLine { uuid: Arc::clone(&from.uuid), speaker, client_id: None, content: content.to_owned() };
    let answer = Answer::new(Arc::clone(&from.outbox), wire(), None, from.form);
    Publish { connection: from.connection, line, answer }
}

pub fn saved(offset: i64, line: NewLine) -> Publication {
    Publication {
        offset,
        account: line.speaker.account,
        uuid: line.uuid,
        client_id: line.client_id,
        content: line.content,
        username: line.speaker.username,
        head_img: line.speaker.head_img,
        sent_at: 0,
        deleted: false,
    }
}

/// Panics on the line `/die` and fails on `/fail`.
#[derive(Default)]
pub struct MemoryLog(pub Mutex<Vec<Publication>>);

#[async_trait]
impl ChatLog for MemoryLog {
    async fn open(&self, _: LiveId, keep: u32) -> Result<RoomSnapshot> {
        let lines = self.0.lock().unwrap();
        let skip = lines.len().saturating_sub(keep as usize);
        let recent = lines[skip..].to_vec();
        Ok(RoomSnapshot { epoch: "e".to_owned(), tail: lines.len() as i64, recent })
    }

    async fn append(&self, _: LiveId, new: Vec<NewLine>) -> Result<Vec<Verdict>> {
        assert!(!new.iter().any(|line| line.content == "/die"), "a test lets the room die");
        if new.iter().any(|line| line.content == "/fail") {
            return Err(DomainError::BUSY);
        }
        let mut lines = self.0.lock().unwrap();
        let mut verdicts = Vec::new();
        for line in new {
            let line = saved(lines.len() as i64 + 1, line);
            verdicts.push(Verdict::Saved(line.clone()));
            lines.push(line);
        }
        Ok(verdicts)
    }

    async fn after(&self, _: LiveId, after: i64, limit: u32) -> Result<Vec<Publication>> {
        let lines = self.0.lock().unwrap();
        Ok(lines.iter().skip(after as usize).take(limit as usize).cloned().collect())
    }

    async fn tail(&self, _: LiveId) -> Result<(String, i64)> {
        Ok(("e".to_owned(), self.0.lock().unwrap().len() as i64))
    }
}
