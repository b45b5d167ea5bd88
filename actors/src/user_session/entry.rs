//! Coming into rooms, leaving them, and coming back to one that was replaced.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;

use crate::chat_room::{ChatRoom, Greeting, Join, Resume, Subscription};
use crate::domain::account::Account;
use crate::domain::chat::{Profile, RoomForm};
use crate::domain::ids::{AccountId, LiveId};
use crate::error::{DomainError, Entity, Result};

use super::super::messages::RoomRef;
use super::super::ports::Rights;
use super::super::state::close;
use super::{Identity, Place, Resolved, UserSession, patiently};

impl UserSession {
    pub(super) fn login(
        &mut self,
        room: RoomRef,
        resume: Option<Resume>,
        token: Option<String>,
        resolved: Resolved,
        greeting: Greeting,
    ) -> Result<()> {
        let rights = match resolved.rights {
            Ok(rights) => rights,
            Err(error) => return self.banned(error),
        };
        let account = resolved.account.transpose()?;
        let address = resolved.room.unwrap_or(Err(DomainError::NotFound(Entity::Live)))?;
        let id = room.id.ok_or(DomainError::NotFound(Entity::Live))?;
        if let (Some(account), Some(token)) = (&account, token) {
            self.identify(account, token, resolved.generation)?;
        } else {
            self.identity = None;
        }
        self.logged_in |= greeting == Greeting::Welcome;
        let profile = account.as_deref().map(Profile::from);
        self.enter(id, address, room.form, profile, resume, greeting)?;
        self.grant(rights);
        Ok(())
    }

    /// What the account may do in the room that it is in now.
    fn grant(&mut self, rights: Rights) {
        self.rights = rights;
    }

    pub(super) fn banned(&mut self, error: DomainError) -> Result<()> {
        if matches!(error, DomainError::Muted { .. }) {
            self.refuse(&error, None);
            self.close(close::BANNED, "banned");
            return Ok(());
        }
        Err(error)
    }

    fn identify(&mut self, account: &Arc<Account>, token: String, generation: u64) -> Result<()> {
        self.parts.slot.belongs_to(account.id)?;
        let known = self.known_account(Some(&token)).is_some();
        if !known {
            self.identity = Some(Identity { token, account: Arc::clone(account), checked: Instant::now(), generation });
        }
        Ok(())
    }

    fn enter(
        &mut self,
        room: LiveId,
        address: Addr<ChatRoom>,
        form: RoomForm,
        profile: Option<Profile>,
        resume: Option<Resume>,
        greeting: Greeting,
    ) -> Result<()> {
        let subscription = Arc::new(Subscription::new(
            self.parts.connection,
            Arc::clone(&self.parts.uuid),
            form,
            profile,
            Arc::clone(&self.parts.outbox),
        ));
        let join = Join { subscription: Arc::clone(&subscription), resume, greeting };
        address.try_send(join).map_err(|_| DomainError::BUSY)?;
        if self.place.as_ref().is_some_and(|place| place.room != room) {
            self.leave();
        }
        self.overhear_no_more(Some(room));
        self.place = Some(Place { room, address, subscription });
        Ok(())
    }

    /// Who says a line, after making sure that the connection is in the room it speaks in.
    pub(super) fn speaker(
        &mut self,
        room: RoomRef,
        token: Option<String>,
        resolved: Resolved,
    ) -> Result<(Addr<ChatRoom>, Profile)> {
        let rights = match resolved.rights {
            Ok(rights) => rights,
            Err(error) => {
                self.banned(error.clone())?;
                return Err(error);
            }
        };
        let address = resolved.room.unwrap_or(Err(DomainError::NotFound(Entity::Live)))?;
        let id = room.id.ok_or(DomainError::NotFound(Entity::Live))?;
        let elsewhere = self.place.as_ref().is_some_and(|place| place.room != id);
        if elsewhere && self.logged_in {
            return Err(DomainError::field("room_id", "LOGIN to this room first"));
        }
        let account = resolved.account.unwrap_or(Err(DomainError::Unauthenticated));
        let account = account.and_then(|account| {
            self.identify(&account, token.unwrap_or_default(), resolved.generation)?;
            Ok(account)
        });
        let profile = account.as_deref().ok().map(Profile::from);
        self.keep_place(id, address.clone(), room.form, profile.clone())?;
        self.grant(rights);
        self.take_line(account?.id)?;
        let profile = profile.ok_or(DomainError::Unauthenticated)?;
        Ok((address, profile))
    }

    fn take_line(&self, account: AccountId) -> Result<()> {
        let limits = &self.parts.limits;
        let limit = if self.rights.moderator { limits.moderator_messages } else { limits.messages };
        match limit {
            Some(limit) => self.parts.slot.take_line(account, limit, Instant::now()),
            None => Ok(()),
        }
    }

    /// Enters the room if the connection is not in it, or not as this person, or the room was replaced.
    fn keep_place(
        &mut self,
        room: LiveId,
        address: Addr<ChatRoom>,
        form: RoomForm,
        profile: Option<Profile>,
    ) -> Result<()> {
        if let Some(place) = &mut self.place
            && place.room == room
        {
            let same = profile.is_none() || place.subscription.profile == profile;
            if !same {
                return self.enter_as(room, address, profile);
            }
            if place.address != address {
                // A room that died before it answered owes the WELCOME still.
                let greeting = match place.subscription.seen() {
                    Some(_) => Greeting::Quiet,
                    None => Greeting::Welcome,
                };
                let join = Join { subscription: Arc::clone(&place.subscription), resume: None, greeting };
                address.try_send(join).map_err(|_| DomainError::BUSY)?;
                place.address = address;
            }
            return Ok(());
        }
        self.enter(room, address, form, profile, None, Greeting::Quiet)
    }

    /// The same place under another name.
    fn enter_as(&mut self, room: LiveId, address: Addr<ChatRoom>, profile: Option<Profile>) -> Result<()> {
        let Some(form) = self.place.as_ref().map(|place| place.subscription.form) else {
            return Ok(());
        };
        self.enter(room, address, form, profile, None, Greeting::Quiet)
    }

    pub(super) fn leave(&mut self) {
        if let Some(place) = self.place.take() {
            self.grant(Rights::default());
            place.leave();
        }
        self.overhear_no_more(None);
    }

    /// Comes back to a room that died and was replaced; the new one goes on where this connection stands.
    pub(super) fn return_to_room(&mut self, ctx: &mut Context<Self>) {
        let Some(place) = &self.place else { return };
        if place.address.connected() || self.state.is_closing() {
            return;
        }
        let (gate, room) = (Arc::clone(&self.parts.gate), place.room);
        let ask = patiently(async move { gate.room(room).await });
        ctx.wait(ask.into_actor(self).map(move |address, session, _| {
            let Some(place) = &session.place else { return };
            let form = place.subscription.form;
            if let Ok(address) = address
                && let Err(error) = session.keep_place(room, address, form, None)
            {
                tracing::debug!(room = room.0, %error, "room not ready, tried again at the next tick");
            }
        }));
    }
}
