//! Glue around the session: parsed frames in, commands to the room out. A command that must ask the database stops the
//! reading of this socket until it is answered, so that order is kept and nothing piles up; never longer than `PATIENCE`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::chat_room::{Answer, ChatRoom, ChatWire, Event, Greeting, NewLine, Publish, Subscription, Whisper};
use crate::domain::account::Account;
use crate::domain::chat::{ConnectionId, RoomForm};
use crate::domain::ids::LiveId;
use crate::error::{DomainError, Entity, Result};
use crate::outbox::Outbox;

use super::messages::{Command, Inbound, RoomRef};
use super::ports::{Rights, SessionGate, SocketSlot, Watching};
use super::state::{Due, Heed, SessionLimits, SessionState, close};

#[path = "entry.rs"]
mod entry;
#[path = "overhear.rs"]
mod overhear;
use overhear::Overheard;

/// How long one command may wait for the server.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long an identity is believed before its token is looked at again.
const IDENTITY_TTL: Duration = Duration::from_secs(15);
/// Queue tokens one connection may watch.
const WATCHES: usize = 5;

pub struct SessionParts {
    pub gate: Arc<dyn SessionGate>,
    pub wire: Arc<dyn ChatWire>,
    pub outbox: Arc<Outbox>,
    pub slot: Box<dyn SocketSlot>,
    pub connection: ConnectionId,
    /// `connection` as others see it.
    pub uuid: Arc<str>,
    pub limits: SessionLimits,
}

struct Identity {
    token: String,
    account: Arc<Account>,
    checked: Instant,
    /// Of the gate, before it was checked.
    generation: u64,
}

struct Place {
    room: LiveId,
    address: Addr<ChatRoom>,
    subscription: Arc<Subscription>,
}

/// What a command needs before it can be done.
struct Resolved {
    account: Option<Result<Arc<Account>>>,
    room: Option<Result<Addr<ChatRoom>>>,
    rights: Result<Rights>,
    /// Of the gate, before it was asked.
    generation: u64,
}

pub struct UserSession {
    parts: SessionParts,
    state: SessionState,
    identity: Option<Identity>,
    place: Option<Place>,
    overheard: Overheard,
    /// A LOGIN was sent: the seed's rule of the first message is over.
    logged_in: bool,
    /// In `place`.
    rights: Rights,
    /// With their tokens.
    watches: Vec<(String, Box<dyn Watching>)>,
}

impl UserSession {
    pub fn new(parts: SessionParts) -> Self {
        let state = SessionState::new(parts.limits, Instant::now());
        Self {
            parts,
            state,
            identity: None,
            place: None,
            overheard: Overheard::default(),
            logged_in: false,
            rights: Rights::default(),
            watches: Vec::new(),
        }
    }

    // ------------------------------------------------------------ answers

    fn say(&self, event: &Event<'_>) {
        self.parts.outbox.push(event.frame(&self.parts.wire));
    }

    fn refuse(&self, error: &DomainError, client_id: Option<&str>) {
        self.say(&Event::Refused { error, client_id });
    }

    fn answer(&self, client_id: Option<String>, form: RoomForm) -> Answer {
        Answer::new(Arc::clone(&self.parts.outbox), Arc::clone(&self.parts.wire), client_id, form)
    }

    fn close(&mut self, code: u16, reason: &str) {
        let event = Event::Close { code, reason };
        self.parts.outbox.close(event.frame(&self.parts.wire));
        self.state.closing(Instant::now());
    }

    // ------------------------------------------------------------ commands

    fn command(&mut self, mut command: Command, ctx: &mut Context<Self>) {
        let client_id = match &command {
            Command::Say { client_id, .. } | Command::Whisper { client_id, .. } | Command::Count { client_id, .. } => {
                client_id.clone()
            }
            _ => None,
        };
        let cheap = !matches!(command, Command::Login { .. } | Command::Say { .. } | Command::Whisper { .. });
        if cheap && !self.heeds(client_id.as_deref()) {
            return;
        }
        if let Err(error) = self.admit(&mut command) {
            // A refusal costs as little as the cheap ones, and could be asked for as fast.
            if cheap || self.heeds(client_id.as_deref()) {
                self.refuse(&error, client_id.as_deref());
            }
            return;
        }
        match command {
            Command::Count { form, content, client_id } if self.begins_to_overhear() => {
                self.overhear(ctx, move |session| session.count(form, &content, client_id.as_deref()));
            }
            Command::Count { form, content, client_id } => self.count(form, &content, client_id.as_deref()),
            Command::Logout { room } => self.logout(room),
            Command::History { room, before, limit } => self.history(room, before, limit, ctx),
            Command::WatchQueue { token } => self.watch_queue(token, ctx),
            Command::Login { .. } | Command::Say { .. } | Command::Whisper { .. } => {
                self.resolve(command, ctx);
            }
            Command::Unknown { room } => {
                let error = DomainError::field("type", "unknown");
                self.refuse(&error, None);
                if let Some(room) = room.filter(|_| self.place.is_none() && !self.logged_in) {
                    let resume = None;
                    let token = None;
                    let quiet = Command::Login { room, token, resume };
                    self.resolve_as(quiet, Greeting::Quiet, ctx);
                }
            }
        }
    }

    /// Lengths and rates, before anything is asked of the server; a line becomes what others see of it.
    fn admit(&mut self, command: &mut Command) -> Result<()> {
        let now = Instant::now();
        match command {
            Command::Say { content, .. } | Command::Whisper { content, .. } => {
                self.state.spoke();
                self.state.may_say(content)
            }
            Command::Login { .. } => {
                self.state.spoke();
                self.may_ask(now)
            }
            Command::Count { .. } => {
                self.state.spoke();
                Ok(())
            }
            Command::History { .. } | Command::WatchQueue { .. } | Command::Unknown { .. } => self.may_ask(now),
            Command::Logout { .. } => Ok(()),
        }
    }

    /// Takes a request that may read the database. Connections without an account share a rate of their address besides
    /// their own: sockets are cheap.
    fn may_ask(&mut self, now: Instant) -> Result<()> {
        self.state.may_ask(now)?;
        match self.identity {
            Some(_) => Ok(()),
            None => self.parts.slot.take_lookup(now),
        }
    }

    /// Whether one more frame that costs its sender nothing is taken. If not, it was answered or is passed over.
    fn heeds(&mut self, client_id: Option<&str>) -> bool {
        match self.state.heed(Instant::now()) {
            Heed::Take => true,
            Heed::Refuse(error) => {
                self.refuse(&error, client_id);
                false
            }
            Heed::PassOver => false,
        }
    }

    fn count(&self, form: RoomForm, content: &str, client_id: Option<&str>) {
        let room = self.place.as_ref().map(|place| place.room);
        self.say(&Event::Count {
            form,
            uuid: &self.parts.uuid,
            content,
            client_id,
            sent_at: self.parts.gate.now_ms(),
            // Who asks is here, counted already or not.
            online: self.parts.gate.online(room).max(1),
        });
    }

    fn logout(&mut self, room: RoomRef) {
        let here = self.place.as_ref().map(|place| place.room);
        if here.is_some() && here == room.id {
            self.leave();
        }
    }

    fn history(&mut self, room: RoomRef, before: Option<i64>, limit: u32, ctx: &mut Context<Self>) {
        let Some(id) = room.id else {
            return self.refuse(&DomainError::NotFound(Entity::Live), None);
        };
        let gate = Arc::clone(&self.parts.gate);
        let read = patiently(async move { gate.history(id, before, limit).await });
        ctx.wait(read.into_actor(self).map(move |lines, session, _| match lines {
            Ok(lines) => session.say(&Event::History {
                room: id,
                form: room.form,
                lines: &lines,
                viewer: session.identity.as_ref().map(|identity| identity.account.id),
            }),
            Err(error) => session.refuse(&error, None),
        }));
    }

    fn watch_queue(&mut self, token: String, ctx: &mut Context<Self>) {
        self.watches.retain(|(_, watching)| !watching.is_over());
        let others = self.watches.iter().filter(|(watched, _)| *watched != token).count();
        if others >= WATCHES {
            return self.refuse(&DomainError::field("token", "5 other tokens are watched"), None);
        }
        let gate = Arc::clone(&self.parts.gate);
        let outbox = Arc::clone(&self.parts.outbox);
        let watch = async move {
            let watching = patiently(gate.watch_queue(&token, &outbox)).await;
            (token, watching)
        };
        ctx.wait(watch.into_actor(self).map(|(token, watching), session, _| match watching {
            Ok(watching) => {
                session.state.spoke();
                session.watches.retain(|(watched, _)| *watched != token);
                session.watches.push((token, watching));
            }
            Err(error) => session.refuse(&error, None),
        }));
    }

    fn resolve(&mut self, command: Command, ctx: &mut Context<Self>) {
        self.resolve_as(command, Greeting::Welcome, ctx);
    }

    /// Finds the account and the room of a command: from what the session knows, else from the server.
    fn resolve_as(&mut self, command: Command, greeting: Greeting, ctx: &mut Context<Self>) {
        let (room, token, is_login) = match &command {
            Command::Login { room, token, .. } => (room.id, token.clone(), true),
            Command::Say { room, token, .. } | Command::Whisper { room, token, .. } => (room.id, token.clone(), false),
            _ => return,
        };
        // A line without a token is its session's; a LOGIN without one makes a guest.
        let token = match token {
            None if !is_login => self.identity.as_ref().map(|identity| identity.token.clone()),
            token => token,
        };
        let generation = self.parts.gate.generation();
        let account = self.known_account(token.as_deref());
        let address = self.known_room(room);
        if !is_login && account.is_some() && address.is_some() {
            let resolved =
                Resolved { account: account.map(Ok), room: address.map(Ok), rights: Ok(self.rights), generation };
            return self.act(command, token, resolved, greeting);
        }
        // A LOGIN was counted as a request already.
        if let Command::Say { client_id, .. } | Command::Whisper { client_id, .. } = &command
            && let Err(error) = self.may_ask(Instant::now())
        {
            if self.heeds(client_id.as_deref()) {
                self.refuse(&error, client_id.as_deref());
            }
            return;
        }
        let gate = Arc::clone(&self.parts.gate);
        let ip = self.parts.slot.address();
        let ask = async move {
            let account = match (account, &token) {
                (Some(account), _) => Some(Ok(account)),
                (None, Some(token)) => Some(patiently(gate.authenticate(token)).await),
                (None, None) => None,
            };
            let id = account.as_ref().and_then(|account| account.as_ref().ok()).map(|account| account.id);
            let rights = patiently(gate.rights(id, ip, room)).await;
            let room = match (address, room) {
                (Some(address), _) => Some(Ok(address)),
                (None, Some(room)) => Some(patiently(gate.room(room)).await),
                (None, None) => None,
            };
            (token, Resolved { account, room, rights, generation })
        };
        ctx.wait(ask.into_actor(self).map(move |(token, resolved), session, _| {
            session.act(command, token, resolved, greeting);
        }));
    }

    fn known_account(&self, token: Option<&str>) -> Option<Arc<Account>> {
        let identity = self.identity.as_ref()?;
        let fresh = identity.checked.elapsed() < IDENTITY_TTL && identity.generation == self.parts.gate.generation();
        (fresh && token == Some(identity.token.as_str())).then(|| Arc::clone(&identity.account))
    }

    fn known_room(&self, room: Option<LiveId>) -> Option<Addr<ChatRoom>> {
        let place = self.place.as_ref()?;
        (Some(place.room) == room && place.address.connected()).then(|| place.address.clone())
    }

    fn act(&mut self, command: Command, token: Option<String>, resolved: Resolved, greeting: Greeting) {
        let outcome = match command {
            Command::Login { room, resume, .. } => self.login(room, resume, token, resolved, greeting),
            Command::Say { room, content, client_id, .. } => {
                match self.speaker(room, token, resolved) {
                    Ok((address, speaker)) => {
                        let answer = self.answer(client_id.clone(), room.form);
                        let line = NewLine { uuid: Arc::clone(&self.parts.uuid), speaker, client_id, content };
                        let connection = self.parts.connection;
                        // A message that does not fit is dropped, and its answer tells so.
                        let _ = address.try_send(Publish { connection, line, answer });
                        Ok(())
                    }
                    Err(error) => {
                        self.turn_down(&error, client_id.as_deref());
                        Ok(())
                    }
                }
            }
            Command::Whisper { room, to_uuid, to, content, client_id, .. } => {
                match self.speaker(room, token, resolved) {
                    Ok((address, from)) => {
                        if let Some(place) = &self.place {
                            let answer = self.answer(client_id.clone(), room.form);
                            let _ = address.try_send(Whisper {
                                subscription: Arc::clone(&place.subscription),
                                from,
                                to_uuid,
                                to,
                                content,
                                client_id,
                                sent_at: self.parts.gate.now_ms(),
                                answer,
                            });
                        }
                        Ok(())
                    }
                    Err(error) => {
                        self.turn_down(&error, client_id.as_deref());
                        Ok(())
                    }
                }
            }
            _ => Ok(()),
        };
        if let Err(error) = outcome {
            self.refuse(&error, None);
        }
    }

    /// Refuses a line. What is over its rate was not counted, and could be asked for as fast as the cheap frames.
    fn turn_down(&mut self, error: &DomainError, client_id: Option<&str>) {
        let too_fast = matches!(error, DomainError::RateLimited { .. });
        if !too_fast || self.heeds(client_id) {
            self.refuse(error, client_id);
        }
    }

    // ------------------------------------------------------------ time

    fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = Instant::now();
        if !self.parts.outbox.is_open() {
            // Closed from outside: too slow, or the server stops.
            self.state.closing(now);
        }
        match self.state.due(now, self.place.is_some() || !self.overheard.places.is_empty()) {
            Due::Nothing if self.overhears_anew() => self.overhear(ctx, |_| {}),
            Due::Nothing => self.return_to_room(ctx),
            Due::Ping => self.say(&Event::Ping),
            Due::Close { code, reason } => self.close(code, reason),
            Due::End => ctx.stop(),
        }
    }
}

/// Waits for the server, but not for ever.
async fn patiently<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or(Err(DomainError::BUSY))
}

impl Actor for UserSession {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(self.parts.limits.tick(), Self::tick);
    }
}

impl StreamHandler<Inbound> for UserSession {
    fn handle(&mut self, inbound: Inbound, ctx: &mut Self::Context) {
        self.state.heard();
        if let Inbound::Closed { code } = inbound {
            let event = Event::Close { code: code.unwrap_or(1000), reason: "" };
            self.parts.outbox.close(event.frame(&self.parts.wire));
            self.parts.outbox.finish();
            ctx.stop();
            return;
        }
        if self.state.is_closing() || !self.parts.outbox.is_open() {
            return;
        }
        if !self.state.takes_frame(Instant::now()) {
            return self.close(close::FLOOD, "too many frames");
        }
        match inbound {
            Inbound::Command(command) => self.command(command, ctx),
            Inbound::Malformed { reason, client_id } => {
                if self.heeds(client_id.as_deref()) {
                    self.refuse(&DomainError::Malformed(reason), client_id.as_deref());
                }
            }
            Inbound::Ping(payload) => self.say(&Event::Pong { payload: &payload }),
            Inbound::Pong | Inbound::Part | Inbound::Closed { .. } => {}
            Inbound::Violation { code, reason } => self.close(code, reason),
        }
    }
}

/// The socket's body was dropped: nobody can be told anything any more.
pub struct SocketGone;

impl Message for SocketGone {
    type Result = ();
}

impl Handler<SocketGone> for UserSession {
    type Result = ();

    fn handle(&mut self, _: SocketGone, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

impl Drop for UserSession {
    /// Also after a panic: the room forgets the connection, and the body ends instead of hanging.
    fn drop(&mut self) {
        self.leave();
        let event = Event::Close { code: close::FAULT, reason: "internal error" };
        self.parts.outbox.close(event.frame(&self.parts.wire));
        self.parts.outbox.finish();
    }
}

#[cfg(test)]
#[path = "actor_tests.rs"]
mod tests;
