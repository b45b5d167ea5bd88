//! Encrypted SSO registration: who calls, whether a name or an address is free, the registration itself, and telling
//! other applications of it.

pub(super) mod addresses;
mod caller;
mod checks;
mod fields;
pub(super) mod notices;
mod refusal;
mod register;
pub mod sweep;

pub(super) use caller::open_pair;
pub use caller::{Caller, check_time, find_caller};
pub use checks::{mail_is_free, name_is_free};
pub use notices::status_name;
pub use refusal::Refusal;
pub use register::{Call, Given, Registered, may_register, register};
