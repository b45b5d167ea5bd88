//! The use cases. A dialect calls one of these and encodes what comes back; nothing in here knows a wire format.

pub mod accounts;
pub mod admins;
pub mod live;
