//! Registering for a game: joining its line, asking for a token's state, looking orders up, setting its places.

mod line;
mod lookup;
mod places;
pub mod replay;

pub use line::{Ticket, enqueue, leave, token_standing};
pub use lookup::{order_by_certificate, orders_of};
pub use places::{Places, QueueStats, all_places, places, places_changed, queue_stats, set_places, set_queue_state};
