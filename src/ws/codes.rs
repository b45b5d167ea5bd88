//! The chat's table from facts to ERROR codes. A new fact does not compile until it has its row here.

use actors::error::{DomainError, Entity};

/// Code, text and seconds until a retry makes sense.
pub fn code(error: &DomainError) -> (i64, String, Option<u32>) {
    use DomainError::*;
    let (code, retry_after) = match error {
        Unauthenticated | AccountDisabled => (10003, None),
        BadCredentials | SignInRefused { .. } | BadSignature => (10002, None),
        Forbidden | NotOwner | OrderOfAnother => (10001, None),
        Muted { seconds_left, .. } => (10001, Some(*seconds_left).filter(|left| *left > 0)),
        RateLimited { retry_after_seconds } => (10010, Some(*retry_after_seconds)),
        PhoneRequired => (10011, None),
        NotFound(Entity::Live) => (30005, None),
        NotFound(_) => (10004, None),
        InvalidQueueToken => return (99999, "无效token".to_owned(), None),
        Busy { retry_after_seconds } | NoRoom { retry_after_seconds } => (999, Some(*retry_after_seconds)),
        Internal | ProviderFailed(_) => (999, None),
        Malformed(_)
        | TooLarge
        | InvalidField { .. }
        | MalformedOrderNo
        | RegistrationNotOpen
        | RegistrationOver
        | ChangeOver
        | RefundOver
        | NotEligible { .. }
        | AlreadyRegistered { .. }
        | QuotaExhausted
        | OverLimit(_)
        | AlreadyPaid
        | OrderState
        | NotCancellable
        | NotClosable
        | NoCode
        | WrongCode
        | BadPicture(_)
        | WrongAmount
        | InUse(_)
        | Conflict { .. } => (99999, None),
    };
    (code, error.to_string(), retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_codes() {
        let muted = DomainError::Muted { reason: "spam".into(), seconds_left: 60 };
        assert_eq!(code(&muted), (10001, "muted: spam".to_owned(), Some(60)));
        assert_eq!(code(&DomainError::Unauthenticated).0, 10003);
        assert_eq!(code(&DomainError::NotFound(Entity::Live)).0, 30005);
        assert_eq!(code(&DomainError::InvalidQueueToken), (99999, "无效token".to_owned(), None));
        assert_eq!(code(&DomainError::field("content", "too long")).0, 99999);
        assert_eq!(code(&DomainError::BUSY).2, Some(1));
    }
}
