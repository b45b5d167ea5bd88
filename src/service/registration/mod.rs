//! Registering for a game: joining its line, asking for a token's state, leaving, looking orders up, setting places and
//! rules, and what the log tells.

mod follow;
mod line;
mod lookup;
mod places;
pub mod replay;
mod rules;
mod story;

pub use follow::{Follower, Stream as OpenStream, Streams, open as open_stream};
pub use line::{Ticket, enqueue, leave, token_standing};
pub use lookup::{order_by_certificate, orders_of};
pub use places::{Places, QueueStats, all_places, places, places_changed, queue_stats, set_places, set_queue_state};
pub use rules::{Opening, RulesPatch, opening, set_rules};
pub use story::{Chapter, Story, story};
