//! Registering for a game: joining its line, asking for a token's state, leaving, looking up and changing what was
//! registered, setting places and rules, and what the log tells.

mod change;
mod follow;
mod line;
mod lookup;
mod places;
mod register;
pub mod replay;
mod rules;
mod sealed;
mod story;

pub use change::{Changer, change};
pub use follow::{Follower, Stream as OpenStream, Streams, open as open_stream};
pub use line::{Ticket, enqueue, leave, token_standing};
pub use lookup::{OrderRegistration, order_by_certificate, orders_of, party_state, registrations_of};
pub use places::{
    MOST_ENTRIES, Places, PlacesEntry, QueueStats, all_places, must_be_visible, must_exist, places, places_changed,
    queue_stats, set_all_places, set_places, set_queue_state,
};
pub use register::{Waits, register, wait_for_outcome};
pub use rules::{Opening, RulesPatch, opening, set_rules};
pub use story::{Chapter, Story, story};
