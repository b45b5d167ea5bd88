//! Row identities as distinct types, so that a game's id cannot be passed where an order's is meant.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// Digits only, 1..=i64::MAX; anything else cannot name a row.
            pub fn parse(text: &str) -> Option<Self> {
                if text.is_empty() || text.len() > 19 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                text.parse().ok().filter(|id: &i64| *id > 0).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }
    )*};
}

id! {
    /// Who signs in, through any dialect.
    AccountId,
    AdminId,
    /// A sports event; `party_id` in the command dialect.
    CompetitionId,
    /// One contest of a competition, with its own places and price.
    GameId,
    OrderId,
    /// One player in one game, inside an order.
    RegistrationId,
    /// A person who starts, keyed by certificate.
    PlayerId,
    /// A live stream and its chat room.
    LiveId,
    BusinessId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parse_takes_digits_only() {
        assert_eq!(GameId::parse("7"), Some(GameId(7)));
        for bad in ["", "0", "-1", "+1", " 1", "1.0", "99999999999999999999", "９"] {
            assert_eq!(GameId::parse(bad), None, "{bad:?}");
        }
    }
}
