//! What every request can reach: settings, the database, the actors' directories, the outside services. Built once in
//! `startup`, shared by reference; nothing global.

use std::sync::Arc;

use actors::ports::Bus;
use tokio::sync::Semaphore;

use crate::clients::Outside;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::service::accounts::SessionCache;
use crate::service::admins::AdminGate;
use crate::service::body_budget::BodyBudget;
use crate::service::browse::BrowseCounts;
use crate::service::catalog::Catalog;
use crate::service::draws::Draws;
use crate::service::js_config::TicketDesk;
use crate::service::large_bodies::LargeBodies;
use crate::service::limits::RateLimits;
use crate::service::live::{HistoryReads, InProgress, Rooms, Sockets, ViewerCache};
use crate::service::lobby::LobbyCache;
use crate::service::passwords::Passwords;
use crate::service::picture_quota::Senders;
use crate::service::queues::Queues;
use crate::service::registration::{Streams, Waits};
use crate::service::rich_text::RichText;
use crate::service::sms_budget::SmsBudget;
use crate::service::writability::Writability;
use crate::shutdown::Shutdown;
use crate::store::sql::db::Db;
use crate::vault::Vault;

pub struct Context {
    pub config: Config,
    pub db: Db,
    pub vault: Vault,
    pub bus: Arc<dyn Bus>,
    pub queues: Queues,
    /// The callers that wait for their token's outcome.
    pub waits: Waits,
    pub catalog: Catalog,
    pub browse: BrowseCounts,
    /// The request bodies that are in memory.
    pub bodies: Arc<BodyBudget>,
    pub limits: RateLimits,
    pub outside: Outside,
    pub sessions: SessionCache,
    /// Work on the passwords of accounts; administrators have their own, which a flood of registrations does not reach.
    pub passwords: Passwords,
    pub metrics: Metrics,
    pub sms_budget: SmsBudget,
    pub shutdown: Shutdown,
    pub admin_gate: AdminGate,
    pub lobby: LobbyCache,
    /// The event streams that are open here.
    pub streams: Streams,
    pub draws: Draws,
    /// The chat rooms that run here.
    pub rooms: Rooms,
    /// The chat sockets that are open here.
    pub sockets: Sockets,
    pub in_progress: InProgress,
    /// Old lines that are being read.
    pub histories: HistoryReads,
    /// What the streaming provider said about viewers lately.
    pub viewers: ViewerCache,
    pub writability: Writability,
    /// The ticket by which pages call WeChat.
    pub ticket_desk: TicketDesk,
    /// Room for pictures that are being decoded.
    pub pictures: Arc<Semaphore>,
    /// Those whose picture is on its way.
    pub picture_senders: Senders,
    /// Room for files that are being read.
    pub imports: Arc<Semaphore>,
    pub rich_text: RichText,
    /// Room for files that are arriving.
    pub large_bodies: LargeBodies,
}
