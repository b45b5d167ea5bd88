//! The room as a pure machine: which lines are saved, who has seen which, what leaves when. Time is passed in, frames
//! come from the wire, the database's answers are arguments.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::domain::chat::{ConnectionId, Presence, Publication, RoomForm};
use crate::domain::ids::{AccountId, LiveId};
use crate::error::DomainError;

use super::messages::{Answer, Join, Publish, Subscription};
use super::ports::{ChatWire, NewLine, RoomSnapshot, Verdict};
use super::unsent::Unsent;
use super::wire::{Event, Greeting};

/// Newest lines kept in memory: the longest gap a client is given.
pub const KEPT_LINES: usize = 1000;
/// Lines given to a client whose gap is longer.
const LAST_LINES: usize = 100;
/// Lines that may wait to be saved; beyond it a sender is told `Busy`.
pub const PENDING_LINES: usize = 2048;
/// Lines in one transaction.
const BATCH_LINES: usize = 512;
/// Connections from which on comings and goings are only counted.
const NOTICES_BELOW: i64 = 200;

const WINDOW_PER_MEMBER: Duration = Duration::from_micros(20);
const SHORTEST_WINDOW: Duration = Duration::from_millis(10);
const LONGEST_WINDOW: Duration = Duration::from_millis(200);

/// Lines that did not fit to what the room has: some between are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap;

pub struct RoomState {
    room: LiveId,
    wire: Arc<dyn ChatWire>,
    epoch: String,
    tail: i64,
    /// The newest lines, ending at `tail`.
    recent: VecDeque<Publication>,
    /// The newest offset that went to everybody.
    fanned: i64,
    last_fan_out: Option<Instant>,
    /// Lines after `fanned`, by form (`Text`, `Number`).
    unsent: [Unsent; 2],
    members: HashMap<ConnectionId, Arc<Subscription>>,
    users: HashMap<AccountId, usize>,
    remote: Presence,
    told: Presence,
    pending: VecDeque<Publish>,
    in_flight: Option<Vec<(ConnectionId, Answer)>>,
}

impl RoomState {
    pub fn new(room: LiveId, wire: Arc<dyn ChatWire>, snapshot: RoomSnapshot) -> Self {
        Self {
            room,
            wire,
            epoch: snapshot.epoch,
            tail: snapshot.tail,
            recent: snapshot.recent.into(),
            fanned: snapshot.tail,
            last_fan_out: None,
            unsent: [Unsent::default(), Unsent::default()],
            members: HashMap::new(),
            users: HashMap::new(),
            remote: Presence::default(),
            told: Presence::default(),
            pending: VecDeque::new(),
            in_flight: None,
        }
    }

    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    pub fn tail(&self) -> i64 {
        self.tail
    }

    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub fn set_remote(&mut self, remote: Presence) {
        self.remote = remote;
    }

    /// The people on this node.
    pub fn local(&self) -> Presence {
        let of_users: usize = self.users.values().sum();
        Presence {
            connections: self.members.len() as i64,
            users: self.users.len() as i64,
            guests: (self.members.len() - of_users) as i64,
        }
    }

    /// The people on all nodes.
    pub fn total(&self) -> Presence {
        let mut total = self.local();
        total += self.remote;
        total
    }

    fn online(&self) -> i64 {
        self.total().connections
    }

    // ------------------------------------------------------------ saving

    /// Takes a line into the next batch, or refuses it.
    pub fn submit(&mut self, publish: Publish) {
        if self.pending.len() >= PENDING_LINES {
            publish.answer.refuse(&DomainError::BUSY);
        } else {
            self.pending.push_back(publish);
        }
    }

    /// What to save next: everything that waits, up to the cap. `None` while a batch is on its way.
    pub fn next_batch(&mut self) -> Option<Vec<NewLine>> {
        if self.in_flight.is_some() || self.pending.is_empty() {
            return None;
        }
        let count = self.pending.len().min(BATCH_LINES);
        let mut answers = Vec::with_capacity(count);
        let mut lines = Vec::with_capacity(count);
        for publish in self.pending.drain(..count) {
            answers.push((publish.connection, publish.answer));
            lines.push(publish.line);
        }
        self.in_flight = Some(answers);
        Some(lines)
    }

    pub fn batch_failed(&mut self, error: &DomainError) {
        for (_, answer) in self.in_flight.take().unwrap_or_default() {
            answer.refuse(error);
        }
    }

    /// The batch is durable: its senders get their echo at once, the others with the next fan-out. Returns the saved
    /// lines, for the other nodes.
    pub fn batch_saved(&mut self, verdicts: Vec<Verdict>, now: Instant) -> (Vec<Publication>, Result<(), Gap>) {
        let answers = self.in_flight.take().unwrap_or_default();
        let mut saved = Vec::with_capacity(verdicts.len());
        let mut senders = HashSet::new();
        for ((connection, answer), verdict) in answers.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Saved(line) => {
                    if self.members.contains_key(&connection) {
                        senders.insert(connection);
                        answer.given();
                    } else {
                        let echo = self.echo(&line, answer.form());
                        answer.give(echo);
                    }
                    saved.push(line);
                }
                Verdict::Repeated(line) => {
                    let echo = self.echo(&line, answer.form());
                    answer.give(echo);
                }
                Verdict::Refused(error) => answer.refuse(&error),
            }
        }
        let fitted = self.apply(saved.clone(), now);
        for connection in senders {
            if let Some(member) = self.members.get(&connection).cloned() {
                self.bring_up(&member);
            }
        }
        (saved, fitted)
    }

    fn echo(&self, line: &Publication, form: RoomForm) -> Bytes {
        let event = Event::Line { room: self.room, form, line, myself: true, online: Some(self.online()) };
        event.frame(&self.wire)
    }

    /// Takes lines that are saved, oldest first, from whatever source; those it has are skipped.
    pub fn apply(&mut self, lines: Vec<Publication>, now: Instant) -> Result<(), Gap> {
        for line in lines {
            if line.offset <= self.tail {
                continue;
            }
            if line.offset != self.tail + 1 {
                return Err(Gap);
            }
            if self.tail - self.fanned >= (KEPT_LINES / 2) as i64 {
                // A line must not fall out of memory before everybody has it.
                self.fan_out(now);
            }
            self.tail = line.offset;
            self.recent.push_back(line);
            if self.recent.len() > KEPT_LINES {
                self.recent.pop_front();
            }
        }
        Ok(())
    }

    // ------------------------------------------------------------ delivering

    /// How long the lines that wait must wait still; `None` when there are none.
    pub fn due_in(&self, now: Instant) -> Option<Duration> {
        if self.tail == self.fanned {
            return None;
        }
        let Some(last) = self.last_fan_out else {
            return Some(Duration::ZERO);
        };
        let members = u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let window = WINDOW_PER_MEMBER.saturating_mul(members).clamp(SHORTEST_WINDOW, LONGEST_WINDOW);
        Some(window.saturating_sub(now.saturating_duration_since(last)))
    }

    /// Gives everybody what they have not seen.
    pub fn fan_out(&mut self, now: Instant) {
        if self.tail == self.fanned {
            return;
        }
        let mut wholes: [Option<Bytes>; 2] = [None, None];
        let senders: HashSet<Arc<str>> = self.lines_after(self.fanned).map(|line| Arc::clone(&line.uuid)).collect();
        let members: Vec<Arc<Subscription>> = self.members.values().cloned().collect();
        for member in members {
            if member.seen() == Some(self.fanned) && !senders.contains(&member.uuid) {
                let form = member.form;
                let whole = wholes[form as usize].get_or_insert_with(|| {
                    self.encode_unsent(form);
                    self.unsent[form as usize].whole()
                });
                member.outbox.push(whole.clone());
                member.set_seen(self.tail);
            } else {
                self.bring_up(&member);
            }
        }
        self.fanned = self.tail;
        self.last_fan_out = Some(now);
        self.unsent.iter_mut().for_each(Unsent::clear);
    }

    fn lines_after(&self, offset: i64) -> impl Iterator<Item = &Publication> {
        let behind = usize::try_from(self.tail - offset).unwrap_or(0);
        self.recent.iter().skip(self.recent.len().saturating_sub(behind))
    }

    /// Up to `limit` lines before the offset `before` that were not deleted, oldest first. None when memory does not reach
    /// back that far.
    pub fn lines_before(&self, before: Option<i64>, limit: usize) -> Option<Vec<Publication>> {
        let shown = |line: &&Publication| !line.deleted && before.is_none_or(|before| line.offset < before);
        let mut lines: Vec<Publication> = self.recent.iter().rev().filter(shown).take(limit).cloned().collect();
        let is_whole = self.tail == self.recent.len() as i64;
        lines.reverse();
        (is_whole || lines.len() == limit).then_some(lines)
    }

    fn encode_unsent(&mut self, form: RoomForm) {
        let (room, wire) = (self.room, Arc::clone(&self.wire));
        let unsent = &mut self.unsent[form as usize];
        let waiting = usize::try_from(self.tail - self.fanned).unwrap_or(0);
        let fresh = waiting - unsent.len();
        let skip = self.recent.len() - fresh;
        unsent.extend(self.recent.iter().skip(skip), |line, out| {
            let event = Event::Line { room, form, line, myself: false, online: None };
            wire.encode(&event, out);
        });
    }

    /// Gives one member everything up to the tail, its own lines as echoes.
    fn bring_up(&mut self, member: &Subscription) {
        let seen = member.seen().unwrap_or(self.tail);
        if seen >= self.tail {
            return;
        }
        self.encode_unsent(member.form);
        let frames = self.frames_after(seen, member);
        member.outbox.push(frames);
        member.set_seen(self.tail);
    }

    fn frames_after(&self, offset: i64, member: &Subscription) -> Bytes {
        let (room, form) = (self.room, member.form);
        let account = member.profile.as_ref().map(|profile| profile.account);
        let mut out = BytesMut::new();
        for line in self.lines_after(offset) {
            let event = if line.deleted {
                Event::Deleted { room, form, offset: line.offset }
            } else if line.uuid == member.uuid {
                Event::Line { room, form, line, myself: true, online: Some(self.online()) }
            } else {
                let index = usize::try_from(line.offset - self.fanned - 1).ok();
                let shared = index.and_then(|index| self.unsent[form as usize].line(index));
                if let Some(frame) = shared {
                    out.extend_from_slice(frame);
                    continue;
                }
                Event::Line { room, form, line, myself: Some(line.account) == account, online: None }
            };
            self.wire.encode(&event, &mut out);
        }
        out.freeze()
    }

    // ------------------------------------------------------------ members

    /// Lets a connection in (or in again), tells it where the room stands and gives it what it missed.
    pub fn join(&mut self, join: Join) {
        let member = join.subscription;
        if member.is_over() {
            return;
        }
        let before = self.forget(member.connection);
        let known = before.as_ref().and_then(|before| before.seen());
        if let Some(profile) = &member.profile {
            *self.users.entry(profile.account).or_default() += 1;
        }
        self.members.insert(member.connection, Arc::clone(&member));

        let (start, asked) = match &join.resume {
            Some(resume) if resume.epoch == self.epoch => (Some(resume.offset), true),
            Some(_) => (None, true),
            None => match known.or(member.seen()) {
                Some(seen) => (Some(seen), true),
                None => (Some(self.tail), false),
            },
        };
        let missed = start.and_then(|start| self.gap_after(start, &member));
        let recovered = asked && missed.is_some();
        if join.greeting == Greeting::Welcome || missed.is_none() {
            let event = Event::Welcome {
                room: self.room,
                form: member.form,
                uuid: &member.uuid,
                presence: self.total(),
                offset: self.tail,
                epoch: &self.epoch,
                recovered,
            };
            member.outbox.push(event.frame(&self.wire));
        }
        let lines = missed.unwrap_or_else(|| self.last_lines(&member));
        if !lines.is_empty() {
            member.outbox.push(lines);
        }
        member.set_seen(self.tail);
        if before.is_none() {
            self.notify(&member, true);
        }
    }

    /// The frames after `start`, or `None` when they are too many or not in memory.
    fn gap_after(&self, start: i64, member: &Subscription) -> Option<Bytes> {
        if start < 0 || start > self.tail || self.tail - start > self.recent.len() as i64 {
            return None;
        }
        let frames = self.frames_after(start, member);
        self.fits(&frames, member).then_some(frames)
    }

    fn last_lines(&self, member: &Subscription) -> Bytes {
        let mut count = LAST_LINES.min(self.recent.len()) as i64;
        loop {
            let frames = self.frames_after(self.tail - count, member);
            if count == 0 || self.fits(&frames, member) {
                return frames;
            }
            count /= 2;
        }
    }

    /// A gap that filled the outbox would close the connection, which would come back and ask for it again.
    fn fits(&self, frames: &Bytes, member: &Subscription) -> bool {
        frames.len() <= member.outbox.limit() / 2
    }

    pub fn leave(&mut self, subscription: &Subscription) {
        if let Some(member) = self.forget(subscription.connection) {
            self.notify(&member, false);
        }
    }

    fn forget(&mut self, connection: ConnectionId) -> Option<Arc<Subscription>> {
        let member = self.members.remove(&connection)?;
        if let Some(profile) = &member.profile
            && let Some(count) = self.users.get_mut(&profile.account)
        {
            *count -= 1;
            if *count == 0 {
                self.users.remove(&profile.account);
            }
        }
        Some(member)
    }

    /// Tells the others who came or went, while the room is small.
    fn notify(&self, who: &Subscription, arrived: bool) {
        let online = self.online();
        if online >= NOTICES_BELOW {
            return;
        }
        self.broadcast(Some(who.connection), |room, form| Event::Notice {
            room,
            form,
            uuid: &who.uuid,
            profile: who.profile.as_ref(),
            arrived,
            online,
        });
    }

    fn broadcast<'a>(&self, but: Option<ConnectionId>, event: impl Fn(LiveId, RoomForm) -> Event<'a>) {
        let mut frames: [Option<Bytes>; 2] = [None, None];
        for member in self.members.values() {
            if Some(member.connection) == but {
                continue;
            }
            let frame =
                frames[member.form as usize].get_or_insert_with(|| event(self.room, member.form).frame(&self.wire));
            member.outbox.push(frame.clone());
        }
    }

    /// Frames for everybody, made elsewhere.
    pub fn announce(&self, text_form: &Bytes, number_form: &Bytes) {
        for member in self.members.values() {
            member.outbox.push(match member.form {
                RoomForm::Text => text_form.clone(),
                RoomForm::Number => number_form.clone(),
            });
        }
    }

    /// Empties an account's lines and tells everybody that they were deleted.
    pub fn forget_account(&mut self, account: AccountId, now: Instant) {
        // Everybody first has the lines that are on their way, so that no deletion overtakes its line.
        self.fan_out(now);
        let mut frames = [BytesMut::new(), BytesMut::new()];
        for line in self.recent.iter_mut().filter(|line| line.account == account) {
            let known = line.deleted;
            (line.content, line.username, line.head_img) = Default::default();
            (line.uuid, line.client_id, line.deleted) = ("".into(), None, true);
            for form in [RoomForm::Text, RoomForm::Number].into_iter().filter(|_| !known) {
                let event = Event::Deleted { room: self.room, form, offset: line.offset };
                self.wire.encode(&event, &mut frames[form as usize]);
            }
        }
        let [text, number] = frames.map(BytesMut::freeze);
        if !text.is_empty() {
            self.announce(&text, &number);
        }
    }

    pub fn member(&self, connection: ConnectionId, uuid: &str) -> Option<&Arc<Subscription>> {
        self.members.get(&connection).filter(|member| *member.uuid == *uuid)
    }

    /// Once a second: forgets connections that ended without a word, and tells the number if it changed.
    pub fn tick(&mut self) {
        let over: Vec<Arc<Subscription>> = self.members.values().filter(|member| member.is_over()).cloned().collect();
        for member in over {
            self.leave(&member);
        }
        let presence = self.total();
        if presence != self.told {
            self.told = presence;
            self.broadcast(None, |room, form| Event::Online { room, form, presence });
        }
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;
