//! What the database holds of one person: read for an export, and taken out again.

pub mod erase;
pub mod export;
pub mod scan;
