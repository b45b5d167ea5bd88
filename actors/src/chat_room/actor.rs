//! Glue around the room's machine: one batch in flight, the fan-out's timer, the news of other nodes, presence. While
//! the room reads SQL at its start the mailbox waits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::Bytes;

use crate::domain::chat::{ConnectionId, Presence, RoomForm};
use crate::domain::ids::LiveId;
use crate::error::{DomainError, Entity, Result};
use crate::ports::{Bus, Topic};

use super::closed::ClosedRooms;
use super::messages::{Announce, BusNews, Forget, History, Join, Leave, Publish, RoomNews, Whisper};
use super::ports::{ChatLog, ChatWire, Verdict};
use super::presence::{NodePresence, OnlineBoard, PRESENCE_REFRESH};
use super::state::{Gap, KEPT_LINES, RoomState};
use super::wire::Event;

/// How often a room looks around: presence, dead connections, the tail in SQL when there are other nodes.
const TICK: Duration = Duration::from_secs(1);
/// Lines read at once when the room is behind.
const CATCH_UP_LINES: u32 = 500;

/// What everybody in the room of a deleted live is told.
const GONE: DomainError = DomainError::NotFound(Entity::Live);

/// What all rooms of a node share.
#[derive(Clone)]
pub struct RoomParts {
    pub log: Arc<dyn ChatLog>,
    pub wire: Arc<dyn ChatWire>,
    pub bus: Arc<dyn Bus>,
    pub board: Arc<OnlineBoard>,
    pub closed: Arc<ClosedRooms>,
    /// 31 random bits, the upper half of this node's connection ids.
    pub node: u32,
}

pub struct ChatRoom {
    room: LiveId,
    parts: RoomParts,
    /// `None` until SQL has been read.
    state: Option<RoomState>,
    fan_out_timer: bool,
    catching_up: bool,
    presence_told: (Presence, Option<Instant>),
}

impl ChatRoom {
    /// `room` must be a row that exists.
    pub fn new(room: LiveId, parts: RoomParts) -> Self {
        Self {
            room,
            parts,
            state: None,
            fan_out_timer: false,
            catching_up: false,
            presence_told: (Presence::default(), None),
        }
    }

    fn is_closed(&self) -> bool {
        self.parts.closed.contains(self.room)
    }

    /// Takes note when the database says that the live was deleted, maybe by another node.
    fn note(&self, error: &DomainError) {
        if *error == GONE {
            self.parts.closed.close(self.room);
        }
    }

    fn enter(&mut self, join: Join) {
        if self.is_closed() {
            let event = Event::Refused { error: &GONE, client_id: None };
            join.subscription.outbox.push(event.frame(&self.parts.wire));
        } else if let Some(state) = &mut self.state {
            state.join(join);
        }
        self.set_local();
    }

    fn save_next(&mut self, ctx: &mut Context<Self>) {
        let Some(lines) = self.state.as_mut().and_then(RoomState::next_batch) else {
            return;
        };
        let (log, room) = (Arc::clone(&self.parts.log), self.room);
        let saved = async move { log.append(room, lines).await }.into_actor(self);
        ctx.spawn(saved.map(|outcome, actor, ctx| actor.saved(outcome, ctx)));
    }

    fn saved(&mut self, outcome: Result<Vec<Verdict>>, ctx: &mut Context<Self>) {
        let Some(state) = &mut self.state else { return };
        match outcome {
            Err(error) => {
                state.batch_failed(&error);
                self.note(&error);
            }
            Ok(verdicts) => {
                let (lines, fitted) = state.batch_saved(verdicts, Instant::now());
                if !lines.is_empty() && !self.parts.bus.is_single_node() {
                    let epoch = state.epoch().to_owned();
                    self.tell_nodes(&RoomNews::Lines { epoch, lines });
                }
                if fitted == Err(Gap) {
                    self.catch_up(ctx);
                }
                self.deliver(ctx);
            }
        }
        self.save_next(ctx);
    }

    fn tell_nodes(&self, news: &RoomNews) {
        match serde_json::to_vec(news) {
            Ok(payload) => self.parts.bus.publish(Topic::Room(self.room.0), payload.into()),
            Err(error) => tracing::error!(%error, "room news"),
        }
    }

    /// Fans out now, or sets the timer for the moment it is due.
    fn deliver(&mut self, ctx: &mut Context<Self>) {
        let Some(state) = &mut self.state else { return };
        let now = Instant::now();
        match state.due_in(now) {
            None => {}
            Some(Duration::ZERO) => state.fan_out(now),
            Some(_) if self.fan_out_timer => {}
            Some(wait) => {
                self.fan_out_timer = true;
                ctx.run_later(wait, |actor, ctx| {
                    actor.fan_out_timer = false;
                    actor.deliver(ctx);
                });
            }
        }
    }

    /// Reads the lines that this room does not have, in the background.
    fn catch_up(&mut self, ctx: &mut Context<Self>) {
        if self.catching_up {
            return;
        }
        self.catching_up = true;
        ctx.spawn(self.catch_up_once());
    }

    fn catch_up_once(&mut self) -> ResponseActFuture<Self, ()> {
        let (log, room) = (Arc::clone(&self.parts.log), self.room);
        let (epoch, tail) =
            self.state.as_ref().map(|state| (state.epoch().to_owned(), state.tail())).unwrap_or_default();
        let read = async move {
            let (now_epoch, now_tail) = log.tail(room).await?;
            if now_epoch != epoch || now_tail < tail {
                return Ok(None);
            }
            if now_tail == tail {
                return Ok(Some(Vec::new()));
            }
            log.after(room, tail, CATCH_UP_LINES).await.map(Some)
        };
        let applied = read.into_actor(self).map(
            move |lines: Result<Option<Vec<_>>>, actor: &mut Self, ctx: &mut Context<Self>| {
                actor.catching_up = false;
                match lines {
                    Ok(Some(lines)) => {
                        let more = lines.len() as u32 == CATCH_UP_LINES;
                        if let Some(state) = &mut actor.state
                            && state.apply(lines, Instant::now()) == Err(Gap)
                        {
                            tracing::error!(room = room.0, "hole in a room's offsets");
                        }
                        actor.deliver(ctx);
                        if more {
                            actor.catch_up(ctx);
                        }
                    }
                    Ok(None) => {
                        // Another history: the next actor starts from it, and the sessions come to it by themselves.
                        tracing::warn!(room = room.0, "the room's history was replaced");
                        ctx.stop();
                    }
                    Err(error) => {
                        actor.note(&error);
                        tracing::warn!(room = room.0, %error, "reading missed lines");
                    }
                }
            },
        );
        Box::pin(applied)
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        let alone = self.parts.bus.is_single_node();
        let Some(state) = &mut self.state else { return };
        state.set_remote(self.parts.board.remote(self.room, now));
        state.tick();
        let inhabited = !state.is_empty();
        self.publish_presence(now);
        if !alone && inhabited && !self.is_closed() {
            self.catch_up(ctx);
        }
        self.deliver(ctx);
    }

    fn publish_presence(&mut self, now: Instant) {
        let Some(state) = &self.state else { return };
        let presence = state.local();
        self.parts.board.set_local(self.room, presence);
        if self.parts.bus.is_single_node() {
            return;
        }
        let (told, at) = self.presence_told;
        let stale = at.is_none_or(|at| now.duration_since(at) >= PRESENCE_REFRESH);
        if presence == told && (!stale || presence == Presence::default()) {
            return;
        }
        self.presence_told = (presence, Some(now));
        let node = u64::from(self.parts.node);
        if let Ok(payload) = serde_json::to_vec(&NodePresence { node, presence }) {
            let topic = Topic::Presence(self.room.0);
            self.parts.bus.publish(topic, payload.into());
        }
    }

    fn set_local(&self) {
        if let Some(state) = &self.state {
            self.parts.board.set_local(self.room, state.local());
        }
    }
}

impl Actor for ChatRoom {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (log, room) = (Arc::clone(&self.parts.log), self.room);
        let open = async move { log.open(room, KEPT_LINES as u32).await }.into_actor(self);
        ctx.wait(open.map(|snapshot, actor, ctx| match snapshot {
            Ok(snapshot) => {
                let wire = Arc::clone(&actor.parts.wire);
                let mut state = RoomState::new(actor.room, wire, snapshot);
                let board = &actor.parts.board;
                state.set_remote(board.remote(actor.room, Instant::now()));
                actor.state = Some(state);
                ctx.run_interval(TICK, Self::tick);
            }
            // Stays and says so to whoever comes.
            Err(GONE) => actor.note(&GONE),
            Err(error) => {
                tracing::warn!(room = actor.room.0, %error, "a room could not be read");
                ctx.stop();
            }
        }));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.parts.board.set_local(self.room, Presence::default());
    }
}

impl Handler<Join> for ChatRoom {
    type Result = ();

    fn handle(&mut self, join: Join, ctx: &mut Self::Context) {
        let Some(state) = self.state.as_mut().filter(|_| !self.parts.closed.contains(self.room)) else {
            return self.enter(join);
        };
        let ahead = join.resume.as_ref().is_some_and(|resume| resume.offset > state.tail());
        if !self.parts.bus.is_single_node() && (state.is_empty() || ahead) {
            // Other nodes may have saved lines that nobody here was told of.
            let read = self.catch_up_once();
            ctx.wait(read.map(move |(), actor, _| actor.enter(join)));
        } else {
            self.enter(join);
        }
    }
}

impl Handler<Leave> for ChatRoom {
    type Result = ();

    fn handle(&mut self, leave: Leave, _: &mut Self::Context) {
        if let Some(state) = &mut self.state {
            state.leave(&leave.subscription);
        }
        self.set_local();
    }
}

impl Handler<Publish> for ChatRoom {
    type Result = ();

    fn handle(&mut self, publish: Publish, ctx: &mut Self::Context) {
        if self.is_closed() {
            publish.answer.refuse(&GONE);
        } else if let Some(state) = &mut self.state {
            state.submit(publish);
            self.save_next(ctx);
        }
    }
}

impl Handler<Announce> for ChatRoom {
    type Result = ();

    fn handle(&mut self, frames: Announce, _: &mut Self::Context) {
        if let Some(state) = &self.state {
            state.announce(&frames.text_form, &frames.number_form);
        }
    }
}

impl Handler<Forget> for ChatRoom {
    type Result = ();

    fn handle(&mut self, Forget(account): Forget, _: &mut Self::Context) {
        if let Some(state) = &mut self.state {
            state.forget_account(account, Instant::now());
        }
    }
}

impl Handler<History> for ChatRoom {
    type Result = ();

    fn handle(&mut self, History { before, limit, reply }: History, _: &mut Self::Context) {
        let lines = match &self.state {
            _ if self.is_closed() => Err(GONE),
            Some(state) => Ok(state.lines_before(before, limit as usize)),
            None => Ok(None),
        };
        // Whoever asked may have left.
        let _ = reply.send(lines);
    }
}

impl Handler<Whisper> for ChatRoom {
    type Result = ();

    fn handle(&mut self, whisper: Whisper, _: &mut Self::Context) {
        if self.is_closed() {
            return whisper.answer.refuse(&GONE);
        }
        let Some(state) = &self.state else { return };
        let event = |form: RoomForm, online: Option<i64>| Event::Whisper {
            room: self.room,
            form,
            from_uuid: &whisper.subscription.uuid,
            to_uuid: &whisper.to_uuid,
            from: &whisper.from,
            content: &whisper.content,
            client_id: online.and(whisper.client_id.as_deref()),
            sent_at: whisper.sent_at,
            online,
        };
        let here = whisper.to.and_then(|to| state.member(to, &whisper.to_uuid));
        if let Some(member) = here {
            let frame = event(member.form, None).frame(&self.parts.wire);
            member.outbox.push(frame);
        } else if let Some(to) = whisper.to
            && self.parts.board.knows_node(self.room, to.0 >> 32, Instant::now())
        {
            self.tell_nodes(&RoomNews::Whisper {
                from_uuid: whisper.subscription.uuid.to_string(),
                from: whisper.from.clone(),
                to_uuid: whisper.to_uuid.clone(),
                to: to.0,
                content: whisper.content.clone(),
                sent_at: whisper.sent_at,
            });
        } else {
            let error = DomainError::field("send_to_one", "nobody here has this uuid");
            whisper.answer.refuse(&error);
            return;
        }
        let online = state.total().connections;
        let echo: Bytes = event(whisper.answer.form(), Some(online)).frame(&self.parts.wire);
        whisper.answer.give(echo);
    }
}

impl Handler<BusNews> for ChatRoom {
    type Result = ();

    fn handle(&mut self, news: BusNews, ctx: &mut Self::Context) {
        let Some(state) = &mut self.state else { return };
        // Another version's news is not a fault: what matters is in SQL.
        let Ok(news) = serde_json::from_slice::<RoomNews>(&news.0) else {
            return;
        };
        match news {
            RoomNews::Lines { epoch, lines } if epoch == state.epoch() => {
                if state.apply(lines, Instant::now()) == Err(Gap) {
                    self.catch_up(ctx);
                }
                self.deliver(ctx);
            }
            RoomNews::Lines { .. } => self.catch_up(ctx),
            RoomNews::Forget { account } => state.forget_account(account, Instant::now()),
            RoomNews::Whisper { from_uuid, from, to_uuid, to, content, sent_at } => {
                let to = ConnectionId(to);
                if let Some(member) = state.member(to, &to_uuid) {
                    let event = Event::Whisper {
                        room: self.room,
                        form: member.form,
                        from_uuid: &from_uuid,
                        to_uuid: &to_uuid,
                        from: &from,
                        content: &content,
                        client_id: None,
                        sent_at,
                        online: None,
                    };
                    member.outbox.push(event.frame(&self.parts.wire));
                }
            }
        }
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
