//! Facts of the domain that a caller can be refused with. No dialect's number or wording lives here:
//! every dialect has its own exhaustive table from these facts to its codes.

use std::borrow::Cow;

use crate::domain::order::OrderNo;

/// What was looked for and is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Entity {
    Account,
    Admin,
    Competition,
    Game,
    Order,
    Registration,
    Live,
    Video,
    Team,
    Member,
    Business,
    Banner,
    Config,
    Picture,
    Application,
    /// A team that a member plays in.
    TeamOfMember,
    /// A competition that a team plays in.
    CompetitionOfTeam,
    /// The banners of a position.
    Carousel,
    Route,
    /// An administrators' row of any other collection.
    Item,
}

/// An outside service that answered badly or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    WeChat,
    Payment,
    Sms,
    Live,
    /// An application that is told of registrations.
    Application,
}

/// Why a person cannot take part in a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ineligible {
    Gender,
    TooYoung,
    TooOld,
}

/// Which bound on places that nobody paid for an account would pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OverLimit {
    /// Places that wait or are unpaid now: paying, leaving or cancelling makes room.
    Open { limit: i64, open: i64 },
    /// Places requested within a day without paying: only time or a payment makes room.
    Window { limit: i64, requested: i64 },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    #[error("{0:?} not found")]
    NotFound(Entity),
    /// The request is not readable at all (not JSON, not UTF-8, too deep).
    #[error("malformed request: {0}")]
    Malformed(Cow<'static, str>),
    /// The body is larger than the dialect takes.
    #[error("request too large")]
    TooLarge,
    /// One member of the request is missing or wrong; `field` is its wire name with a path for lists (`players[2].email`).
    #[error("invalid {field}: {reason}")]
    InvalidField { field: Cow<'static, str>, reason: Cow<'static, str> },
    /// No session, a stale one or an unknown token.
    #[error("not signed in")]
    Unauthenticated,
    /// Wrong user name or password, or an outside login was refused.
    #[error("sign-in refused")]
    BadCredentials,
    /// An outside service that signs people in refused one, and said why.
    #[error("sign-in refused: {reason}")]
    SignInRefused { reason: Cow<'static, str> },
    #[error("not allowed")]
    Forbidden,
    /// The thing exists and belongs to somebody else.
    #[error("belongs to another account")]
    NotOwner,
    #[error("account disabled")]
    AccountDisabled,
    /// The queue token is missing, malformed, forged or unknown.
    #[error("invalid queue token")]
    InvalidQueueToken,
    /// The text given as an order number cannot be one.
    #[error("malformed order number")]
    MalformedOrderNo,
    #[error("registration is not open yet")]
    RegistrationNotOpen,
    #[error("registration is over")]
    RegistrationOver,
    /// The deadline for changing what was registered has passed.
    #[error("too late to change a registration")]
    ChangeOver,
    /// The deadline for asking money back has passed.
    #[error("too late for a refund")]
    RefundOver,
    #[error("not eligible: {why:?}")]
    NotEligible { field: Cow<'static, str>, why: Ineligible },
    #[error("already registered")]
    AlreadyRegistered { order_no: Option<OrderNo> },
    #[error("no places left")]
    QuotaExhausted,
    /// The account keeps as many places of the game as it may without paying.
    #[error("too many open places: {0:?}")]
    OverLimit(OverLimit),
    #[error("already paid")]
    AlreadyPaid,
    /// The order's state does not allow the change.
    #[error("order state does not allow this")]
    OrderState,
    /// Only an unpaid order can be cancelled.
    #[error("the order cannot be cancelled")]
    NotCancellable,
    /// Only a cancelled order can be closed.
    #[error("the order cannot be closed")]
    NotClosable,
    /// An order that somebody else may look at, not the caller.
    #[error("the order is another account's")]
    OrderOfAnother,
    /// The money named by the caller is not the order's amount.
    #[error("wrong amount")]
    WrongAmount,
    #[error("signature refused")]
    BadSignature,
    #[error("phone not bound")]
    PhoneRequired,
    /// No code that still counts was sent to this phone.
    #[error("no code was sent to this phone")]
    NoCode,
    #[error("wrong code")]
    WrongCode,
    /// What was sent is no picture that can be kept.
    #[error("picture refused: {0}")]
    BadPicture(Cow<'static, str>),
    /// What cannot go because something else depends on it; the text says what, and what to do first.
    #[error("{0}")]
    InUse(Cow<'static, str>),
    #[error("already exists: {field}")]
    Conflict { field: Cow<'static, str> },
    /// Too many requests from this caller.
    #[error("too fast, retry in {retry_after_seconds} s")]
    RateLimited { retry_after_seconds: u32 },
    /// The caller may not speak in this room.
    #[error("muted: {reason}")]
    Muted { reason: Cow<'static, str>, seconds_left: u32 },
    /// The server is overloaded, restarting or lost a race: the same request may succeed later; nothing was changed.
    #[error("busy, retry in {retry_after_seconds} s")]
    Busy { retry_after_seconds: u32 },
    /// The disk is nearly full, and what is not needed is not stored.
    #[error("no room on the disk, retry in {retry_after_seconds} s")]
    NoRoom { retry_after_seconds: u32 },
    #[error("{0:?} failed")]
    ProviderFailed(Provider),
    /// A fault of ours. The cause was logged where it happened.
    #[error("internal error")]
    Internal,
}

impl DomainError {
    pub fn field(field: impl Into<Cow<'static, str>>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::InvalidField { field: field.into(), reason: reason.into() }
    }

    /// Whether the same request may succeed later without being changed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::NoRoom { .. } | Self::RateLimited { .. } | Self::ProviderFailed(_))
    }

    pub const BUSY: Self = Self::Busy { retry_after_seconds: 1 };
}

pub type Result<T, E = DomainError> = std::result::Result<T, E>;
