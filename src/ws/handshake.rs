//! From an HTTP request to an open socket with a session behind it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, StreamHandler};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws;
use actors::domain::ids::AccountId;
use actors::error::{DomainError, Result};
use actors::outbox::Outbox;
use actors::user_session::{SessionLimits, SessionParts, SocketSlot, UserSession, close};
use tracing::debug;

use crate::api::client_address::ClientAddress;
use crate::config::{Config, Environment};
use crate::context::Context;
use crate::service::live::{Admitted, LiveGate};

use super::body::SocketBody;
use super::inbound::InboundStream;
use super::{frame, uuid};

/// Opens a socket, or says in plain HTTP why not.
pub async fn open(
    request: HttpRequest,
    payload: web::Payload,
    client: ClientAddress,
    context: web::Data<Context>,
) -> HttpResponse {
    let mut accepted = match ws::handshake(&request) {
        Ok(accepted) => accepted,
        Err(error) => return HttpResponse::from_error(error),
    };
    if !origin_allowed(&request, &context.config) {
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
    let local: SocketAddr = request.app_config().local_addr();
    let parts = SessionParts {
        wire: Arc::clone(context.rooms.wire()),
        outbox: Arc::clone(&outbox),
        slot: Box::new(Slot(admitted)),
        connection,
        uuid: uuid::encode(local, connection).into(),
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

/// A browser names its page's origin; other clients name none. Without a list, production takes its own pages only.
fn origin_allowed(request: &HttpRequest, config: &Config) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return true;
    };
    let allowed = &config.chat.allowed_origins;
    if allowed.is_empty() && config.environment == Environment::Development {
        return true;
    }
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    if !allowed.is_empty() {
        return allowed.iter().any(|one| one.eq_ignore_ascii_case(origin));
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let same_host = match (origin.split_once("://"), host) {
        (Some((_, page)), Some(host)) => page.eq_ignore_ascii_case(host),
        _ => false,
    };
    same_host || origin.eq_ignore_ascii_case(&config.server.public_url)
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
    fn address(&self) -> IpAddr {
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
