//! The use cases. A dialect calls one of these and encodes what comes back; nothing in here knows a wire format.

pub mod accounts;
pub mod admins;
pub mod attempts;
pub mod catalog;
pub mod collections;
pub mod draws;
pub mod files;
pub mod housekeeping;
pub mod inquiries;
pub mod journal;
pub mod js_config;
pub mod limits;
pub mod live;
pub mod lobby;
pub mod locked_order;
pub mod outbox;
pub mod passwords;
pub mod payments;
pub mod people;
pub mod queue_token;
pub mod queue_watch;
pub mod queues;
pub mod reconciliation;
pub mod refunds;
pub mod registration;
pub mod sandbox;
