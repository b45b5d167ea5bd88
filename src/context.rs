//! What every request can reach: settings, the database, the actors' directories, the outside services. Built once in
//! `startup`, shared by reference; nothing global.

use std::sync::Arc;

use actors::ports::Bus;

use crate::config::Config;
use crate::service::live::{Rooms, Sockets};
use crate::store::sql::db::Db;
use crate::vault::Vault;

pub struct Context {
    pub config: Config,
    pub db: Db,
    pub vault: Vault,
    pub bus: Arc<dyn Bus>,
    /// The chat rooms that run here.
    pub rooms: Rooms,
    /// The chat sockets that are open here.
    pub sockets: Sockets,
}
