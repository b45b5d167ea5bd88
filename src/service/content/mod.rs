//! What the H5 application shows its visitors, and what they tell the organiser.

pub mod athletes;
pub mod competitions;
pub mod feeds;
pub mod media;
pub mod site;

pub use crate::store::sql::content::athletes::{Member, Team};
pub use crate::store::sql::content::competitions::{Competition, CompetitionCard};
pub use crate::store::sql::content::media::{File, Filter, Playable, Video};
pub use crate::store::sql::content::site::{Banner, Business};
pub use crate::store::sql::content::{Page, Window};
