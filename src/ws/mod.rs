//! Live chat over WebSocket. This layer parses and encodes: `handshake` opens a socket, `inbound` reads frames,
//! `protocol` is the JSON, `wire` makes frames, `body` writes them. Who speaks where is decided by the user session.
//!
//! Quirks, on purpose: `type` in any case; a room's id comes back in the JSON type it was sent in; the seed's port takes
//! any path; room 99999999 is the question of how many are here.

mod body;
mod codes;
pub mod escape;
mod frame;
mod handshake;
mod inbound;
mod protocol;
mod uuid;
mod wire;

use actix_web::web::{self, ServiceConfig};

use crate::context::Context;

pub use wire::JsonWire;

/// `/ws`. Needs `web::Data<Context>` in the application.
pub fn routes(config: &mut ServiceConfig) {
    config.route("/ws", web::get().to(handshake::open));
}

/// The seed's port: every path is a socket.
pub fn seed_routes(config: &mut ServiceConfig) {
    config.route("/{any:.*}", web::get().to(handshake::open_chat));
}

/// Closes every socket with 1012 and a hint when to come back; their bodies end. Call it on the first stop signal.
pub fn close_all(context: &Context) {
    // Spread the return of thousands of clients; each draws its own moment below this.
    const RECONNECT_WITHIN_MS: u32 = 10_000;
    let reason = format!("restart, reconnect_within_ms={RECONNECT_WITHIN_MS}");
    let close = frame::close(actors::user_session::close::RESTART, &reason);
    context.sockets.close_all(&close);
}
