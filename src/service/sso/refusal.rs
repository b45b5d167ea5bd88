//! What a call is refused for, where the domain has no word for it.

use actors::error::DomainError;

use crate::store::sql::db::StoreError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A common parameter is not there, or no number where it must be one; its name as people read it.
    Missing(&'static str),
    UnknownApp,
    DisabledApp,
    /// There is a list of allowed addresses, and the caller's is not on it.
    AddressNotAllowed,
    AddressBanned,
    WrongKey,
    /// The code does not decrypt, its sign is another, or the call was taken already.
    BadSign,
    NoTimestamp,
    TimestampOff,
    /// The application may ask but not register.
    MayNotRegister,
    RegistrationClosed,
    Fact(DomainError),
}

impl From<DomainError> for Refusal {
    fn from(fact: DomainError) -> Self {
        Self::Fact(fact)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Fact(error.into())
    }
}
