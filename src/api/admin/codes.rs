//! From facts to problem documents. Exhaustive: a new fact does not compile until it has an answer.

use actix_web::http::StatusCode;
use actors::error::DomainError;

use crate::api::problem::Problem;

pub fn problem(error: DomainError) -> Problem {
    let text = error.to_string();
    let as_is = |status, code| Problem::new(status, code, text.clone());
    match error {
        DomainError::NotFound(_) => as_is(StatusCode::NOT_FOUND, "not_found"),
        DomainError::Malformed(reason) => Problem::new(StatusCode::BAD_REQUEST, "malformed", reason),
        DomainError::TooLarge => as_is(StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
        DomainError::InvalidField { field, reason } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", reason).with_field(field)
        }
        DomainError::Unauthenticated => as_is(StatusCode::UNAUTHORIZED, "unauthenticated"),
        DomainError::BadCredentials | DomainError::SignInRefused { .. } => {
            as_is(StatusCode::UNAUTHORIZED, "bad_credentials")
        }
        DomainError::Forbidden => as_is(StatusCode::FORBIDDEN, "forbidden"),
        DomainError::NotOwner => as_is(StatusCode::FORBIDDEN, "not_owner"),
        DomainError::AccountDisabled => as_is(StatusCode::FORBIDDEN, "account_disabled"),
        DomainError::InvalidQueueToken => as_is(StatusCode::UNPROCESSABLE_ENTITY, "invalid_queue_token"),
        DomainError::MalformedOrderNo => as_is(StatusCode::UNPROCESSABLE_ENTITY, "malformed_order_no"),
        DomainError::RegistrationNotOpen => as_is(StatusCode::CONFLICT, "registration_not_open"),
        DomainError::RegistrationOver => as_is(StatusCode::CONFLICT, "registration_over"),
        DomainError::ChangeOver => as_is(StatusCode::CONFLICT, "change_over"),
        DomainError::RefundOver => as_is(StatusCode::CONFLICT, "refund_over"),
        DomainError::NotEligible { field, .. } => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_eligible", text).with_field(field)
        }
        DomainError::AlreadyRegistered { .. } => as_is(StatusCode::CONFLICT, "already_registered"),
        DomainError::QuotaExhausted => as_is(StatusCode::CONFLICT, "no_places_left"),
        DomainError::OverLimit(_) => as_is(StatusCode::UNPROCESSABLE_ENTITY, "too_many_open_places"),
        DomainError::AlreadyPaid => as_is(StatusCode::CONFLICT, "already_paid"),
        DomainError::OrderState => as_is(StatusCode::CONFLICT, "state_does_not_allow"),
        DomainError::NotCancellable => as_is(StatusCode::CONFLICT, "not_cancellable"),
        DomainError::NotClosable => as_is(StatusCode::CONFLICT, "not_closable"),
        DomainError::OrderOfAnother => as_is(StatusCode::FORBIDDEN, "not_owner"),
        DomainError::NoCode => as_is(StatusCode::UNPROCESSABLE_ENTITY, "no_code"),
        DomainError::WrongCode => as_is(StatusCode::UNPROCESSABLE_ENTITY, "wrong_code"),
        DomainError::BadPicture(reason) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_picture", reason),
        DomainError::WrongAmount => as_is(StatusCode::UNPROCESSABLE_ENTITY, "wrong_amount"),
        DomainError::BadSignature => as_is(StatusCode::UNAUTHORIZED, "bad_signature"),
        DomainError::PhoneRequired => as_is(StatusCode::CONFLICT, "phone_required"),
        DomainError::InUse(_) => as_is(StatusCode::CONFLICT, "conflict"),
        DomainError::Conflict { field } => Problem::new(StatusCode::CONFLICT, "conflict", text).with_field(field),
        DomainError::RateLimited { retry_after_seconds } => {
            as_is(StatusCode::TOO_MANY_REQUESTS, "rate_limited").with_retry_after(retry_after_seconds)
        }
        DomainError::Muted { seconds_left, .. } => as_is(StatusCode::FORBIDDEN, "muted").with_retry_after(seconds_left),
        DomainError::Busy { retry_after_seconds } => {
            as_is(StatusCode::SERVICE_UNAVAILABLE, "busy").with_retry_after(retry_after_seconds)
        }
        DomainError::NoRoom { retry_after_seconds } => {
            as_is(StatusCode::SERVICE_UNAVAILABLE, "no_room").with_retry_after(retry_after_seconds)
        }
        DomainError::ProviderFailed(_) => as_is(StatusCode::BAD_GATEWAY, "provider_failed"),
        DomainError::Internal => as_is(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
    }
}
