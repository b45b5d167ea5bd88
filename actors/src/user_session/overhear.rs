//! Connections of the seed's client that only watch: they never name a room, ask how many are here, and expect every
//! line. Such a connection hears the lives in progress until it names a room.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use crate::chat_room::{ChatRoom, Greeting, Join, Leave, Subscription};
use crate::domain::chat::RoomForm;
use crate::domain::ids::LiveId;
use crate::error::Result;

use super::{Place, UserSession, patiently};

/// Lives that one connection hears at once.
pub(super) const MOST: usize = 4;
/// How often it is looked which lives are in progress.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// The rooms of a connection that named none.
#[derive(Default)]
pub(super) struct Overheard {
    pub(super) places: Vec<Place>,
    /// When it was looked last; `None`: it never asked.
    looked: Option<Instant>,
}

/// What a look found.
type Found = Result<Vec<(LiveId, Addr<ChatRoom>)>>;

impl UserSession {
    /// Whether the question of how many are here makes this connection a watcher.
    pub(super) fn begins_to_overhear(&self) -> bool {
        self.overheard.looked.is_none() && self.place.is_none() && !self.logged_in
    }

    /// Whether it is time to see which lives began, ended or were replaced.
    pub(super) fn overhears_anew(&self) -> bool {
        let due = self.overheard.looked.is_some_and(|at| at.elapsed() >= LOOK_EVERY);
        let dead = self.overheard.places.iter().any(|place| !place.address.connected());
        self.place.is_none() && !self.logged_in && (due || dead) && !self.state.is_closing()
    }

    /// Finds the lives in progress, comes into their rooms, and then does `next`.
    pub(super) fn overhear(&mut self, ctx: &mut Context<Self>, next: impl FnOnce(&mut Self) + 'static) {
        self.overheard.looked = Some(Instant::now());
        let gate = Arc::clone(&self.parts.gate);
        let ip = self.parts.slot.address();
        let here: Vec<LiveId> =
            self.overheard.places.iter().filter(|place| place.address.connected()).map(|place| place.room).collect();
        let look = patiently(async move {
            let lives = gate.in_progress().await?;
            // Coming in asks for a ban of the address; staying, which thousands do every few seconds, asks nothing.
            if lives.iter().take(MOST).any(|id| !here.contains(id)) || here.is_empty() {
                gate.rights(None, ip, None).await?;
            }
            let mut rooms = Vec::new();
            for id in lives.into_iter().take(MOST) {
                if let Ok(address) = gate.room(id).await {
                    rooms.push((id, address));
                }
            }
            Ok(rooms)
        });
        ctx.wait(look.into_actor(self).map(move |found, session, _| {
            session.stand_in(found);
            next(session);
        }));
    }

    fn stand_in(&mut self, found: Found) {
        let rooms = match found {
            Ok(rooms) => rooms,
            Err(error) => {
                if let Err(error) = self.banned(error) {
                    tracing::debug!(%error, "lives in progress are not known, looked for at a later tick");
                }
                return;
            }
        };
        let known = std::mem::take(&mut self.overheard.places);
        let (stay, gone): (Vec<_>, Vec<_>) = known
            .into_iter()
            .partition(|place| place.address.connected() && rooms.iter().any(|(id, _)| *id == place.room));
        gone.into_iter().for_each(Place::leave);
        self.overheard.places = stay;
        for (room, address) in rooms {
            if self.overheard.places.iter().any(|place| place.room == room) {
                continue;
            }
            let subscription = Arc::new(Subscription::new(
                self.parts.connection,
                Arc::clone(&self.parts.uuid),
                RoomForm::Text,
                None,
                Arc::clone(&self.parts.outbox),
            ));
            let join = Join { subscription: Arc::clone(&subscription), resume: None, greeting: Greeting::Quiet };
            // One that is too busy is tried at the next look.
            if address.try_send(join).is_ok() {
                self.overheard.places.push(Place { room, address, subscription });
            }
        }
    }

    /// The connection named a room: it hears that one only. Its place there is taken over, not left.
    pub(super) fn overhear_no_more(&mut self, named: Option<LiveId>) {
        for place in self.overheard.places.drain(..).filter(|place| Some(place.room) != named) {
            place.leave();
        }
    }
}

impl Place {
    pub(super) fn leave(self) {
        self.subscription.leave();
        // A full mailbox loses this; the room looks at `leave` once a second.
        let subscription = self.subscription;
        let _ = self.address.try_send(Leave { subscription });
    }
}
