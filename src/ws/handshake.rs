//! From an HTTP request to an open socket with a session behind it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, StreamHandler};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use actors::domain::caller_address::CallerAddress;
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};
use actors::outbox::Outbox;
use actors::user_session::{SessionLimits, SessionParts, SocketSlot, UserSession, close};
use tracing::debug;

use crate::api::client_address::ClientAddress;
use crate::api::public_address::SeenAddress;
use crate::config::origin::Origin;
use crate::config::{Config, Environment};
use crate::context::Context;
use crate::service::live::{Admitted, LiveGate};

use super::body::SocketBody;
use super::inbound::InboundStream;
use super::{frame, uuid};

/// Opens a socket on the port of the pages, or says in plain HTTP why not.
pub async fn open(
    request: HttpRequest,
    payload: web::Payload,
    client: ClientAddress,
    context: web::Data<Context>,
) -> HttpResponse {
    open_at(Door::Http, request, payload, client, context)
}

/// As `open`, on the chat port.
pub async fn open_chat(
    request: HttpRequest,
    payload: web::Payload,
    client: ClientAddress,
    context: web::Data<Context>,
) -> HttpResponse {
    open_at(Door::Chat, request, payload, client, context)
}

fn open_at(
    door: Door,
    request: HttpRequest,
    payload: web::Payload,
    client: ClientAddress,
    context: web::Data<Context>,
) -> HttpResponse {
    let mut accepted = match ws::handshake(&request) {
        Ok(accepted) => accepted,
        Err(error) => return HttpResponse::from_error(error),
    };
    if !origin_allowed(&request, &context.config, door) {
        return HttpResponse::Forbidden().body("origin not allowed");
    }
    let context = context.into_inner();
    let outbox = Arc::new(Outbox::new(context.config.chat.outbox_bytes, frame::close(close::TOO_SLOW, "too slow")));
    let admitted = match context.sockets.admit(client.0, &outbox) {
        Ok(admitted) => admitted,
        Err(error) => return refused(&error),
    };
    let opened = Instant::now();
    let connection = admitted.connection;
    let parts = SessionParts {
        wire: Arc::clone(context.rooms.wire()),
        outbox: Arc::clone(&outbox),
        slot: Box::new(Slot(admitted)),
        connection,
        uuid: uuid::encode(connection).into(),
        limits: limits(&context.config),
        gate: Arc::new(LiveGate(context)),
    };
    let session = UserSession::create(|session_context| {
        UserSession::add_stream(InboundStream::new(payload), session_context);
        UserSession::new(parts)
    });
    debug!(connection = connection.0, took = ?opened.elapsed(), "socket opened");
    accepted.body(SocketBody { outbox, session })
}

fn refused(error: &DomainError) -> HttpResponse {
    let (mut response, wait) = match error {
        DomainError::RateLimited { retry_after_seconds } => (HttpResponse::TooManyRequests(), *retry_after_seconds),
        _ => (HttpResponse::ServiceUnavailable(), 1),
    };
    response.insert_header((header::RETRY_AFTER, wait.to_string())).body(error.to_string())
}

/// The port that a socket is opened on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// That of the pages.
    Http,
    /// The seed's.
    Chat,
}

/// A browser names its page's origin; other clients name none. Without a list, production takes its own pages only.
fn origin_allowed(request: &HttpRequest, config: &Config, door: Door) -> bool {
    let mut origins = request.headers().get_all(header::ORIGIN);
    let Some(origin) = origins.next() else {
        return true;
    };
    let allowed = &config.chat.allowed_origins;
    if allowed.is_empty() && config.environment == Environment::Development {
        return true;
    }
    let Some(origin) = origin.to_str().ok().and_then(|text| text.parse::<Origin>().ok()) else {
        return false;
    };
    if origins.next().is_some() {
        return false;
    }
    if !allowed.is_empty() {
        return allowed.iter().any(|one| one.parse().as_ref() == Ok(&origin));
    }
    let own = SeenAddress::of(request).is_some_and(|seen| is_own(&origin, &seen, door));
    own || config.server.public_url.parse().as_ref() == Ok(&origin)
}

/// Whether a page of `origin` came from where this request went. A proxy that says which port it has may itself stand
/// behind another, so the port of the `Host` counts as well.
fn is_own(origin: &Origin, seen: &SeenAddress, door: Door) -> bool {
    let same_port = match door {
        // No page comes from the chat port.
        Door::Chat => true,
        Door::Http => origin.has_port(seen.port) || seen.forwarded_port.is_some_and(|port| origin.has_port(Some(port))),
    };
    same_port && origin.has_host(seen.host) && seen.scheme.is_none_or(|scheme| scheme == origin.scheme)
}

fn limits(config: &Config) -> SessionLimits {
    let chat = &config.chat;
    SessionLimits {
        login_timeout: Duration::from_secs(chat.login_timeout_seconds),
        ping_every: Duration::from_secs(chat.ping_seconds),
        pong_timeout: Duration::from_secs(chat.pong_timeout_seconds),
        linger: Duration::from_secs(chat.close_timeout_seconds),
        messages: config.limits.enabled.then_some(chat.messages_per_30_seconds),
        moderator_messages: config.limits.enabled.then_some(chat.moderator_messages_per_30_seconds),
        frames: config.limits.enabled.then_some(chat.frames_per_10_seconds),
        max_characters: chat.max_characters,
    }
}

struct Slot(Admitted);

impl SocketSlot for Slot {
    fn address(&self) -> CallerAddress {
        self.0.address()
    }

    fn belongs_to(&mut self, account: AccountId) -> Result<()> {
        self.0.belongs_to(account)
    }

    fn take_line(&self, account: AccountId, limit: u32, now: Instant) -> Result<()> {
        self.0.take_line(account, limit, now)
    }

    fn take_lookup(&self, now: Instant) -> Result<()> {
        self.0.take_lookup(now)
    }
}
