//! The one table from facts to the command dialect's `result` and its canonical text.

use actors::error::{DomainError, Entity, Ineligible, OverLimit};

/// A body without `cmd`, or with one that is no text.
pub(super) fn no_command() -> DomainError {
    DomainError::InvalidField { field: "cmd".into(), reason: "missing".into() }
}

pub(super) fn unknown_command() -> DomainError {
    DomainError::NotFound(Entity::Route)
}

/// `result` and text of a fact. No wildcard: a new fact does not compile until it has a code here.
pub fn code(error: &DomainError) -> (i32, &'static str) {
    match error {
        DomainError::NotFound(entity) => match entity {
            Entity::Competition => (-9, "无效partyid，赛事不存在"),
            Entity::Game => (-10, "无效比赛id，比赛不存在"),
            Entity::Order => (-17, "无效order_id"),
            Entity::Registration => (-16, "无效reg_id"),
            Entity::Account => (-19, "user_id不存在"),
            Entity::Route => (-1004, "无效cmd"),
            Entity::Admin
            | Entity::Live
            | Entity::Video
            | Entity::Team
            | Entity::Member
            | Entity::Business
            | Entity::Banner
            | Entity::Config
            | Entity::Picture
            | Entity::Application
            | Entity::TeamOfMember
            | Entity::CompetitionOfTeam
            | Entity::Carousel
            | Entity::Item => (-41, "没有数据"),
        },
        DomainError::Malformed(_) | DomainError::TooLarge => (-1002, "json格式不正确"),
        DomainError::InvalidField { field, .. } if field == "cmd" => (-1003, "没有设置cmd参数"),
        DomainError::InvalidField { .. }
        | DomainError::NotEligible { .. }
        | DomainError::OverLimit(_)
        | DomainError::WrongAmount => (-13, "无效数据"),
        DomainError::Unauthenticated | DomainError::BadCredentials | DomainError::SignInRefused { .. } => {
            (-1, "无效session id")
        }
        DomainError::Forbidden
        | DomainError::NotOwner
        | DomainError::OrderOfAnother
        | DomainError::AccountDisabled
        | DomainError::Muted { .. } => (-11, "用户无此权限"),
        DomainError::InvalidQueueToken | DomainError::MalformedOrderNo => (-12, "无效token"),
        DomainError::RegistrationNotOpen | DomainError::RegistrationOver | DomainError::ChangeOver => {
            (-36, "赛事已关闭")
        }
        DomainError::RefundOver => (-14, "退款超时"),
        DomainError::AlreadyRegistered { .. } | DomainError::InUse(_) | DomainError::Conflict { .. } => {
            (-2, "用户已经注册")
        }
        DomainError::OrderState | DomainError::NotCancellable | DomainError::NotClosable | DomainError::AlreadyPaid => {
            (-43, "无效赛事状态")
        }
        DomainError::PhoneRequired | DomainError::NoCode | DomainError::WrongCode | DomainError::BadPicture(_) => {
            (-13, "无效数据")
        }
        DomainError::ProviderFailed(_) | DomainError::BadSignature => (-33, "微信返回错误"),
        DomainError::QuotaExhausted
        | DomainError::RateLimited { .. }
        | DomainError::Busy { .. }
        | DomainError::NoRoom { .. }
        | DomainError::Internal => (-1000, "服务器内部错误"),
    }
}

/// What is said behind the canonical text, after a line feed. Empty: nothing.
pub(super) fn detail(error: &DomainError) -> String {
    match error {
        DomainError::InvalidField { field, .. } if field == "cmd" => String::new(),
        DomainError::InvalidField { field, reason } => format!("{field}: {reason}"),
        DomainError::NotEligible { field, why } => {
            let why = match why {
                Ineligible::Gender => "this game is for the other gender",
                Ineligible::TooYoung => "too young for this game",
                Ineligible::TooOld => "too old for this game",
            };
            format!("{field}: {why}")
        }
        DomainError::OverLimit(OverLimit::Open { limit, open }) => format!(
            "players: an account may have {limit} places of this game that wait or are unpaid \
             (reg.max_open_places_per_account or its own allowance), and has {open}"
        ),
        DomainError::OverLimit(OverLimit::Window { limit, requested }) => format!(
            "players: an account may request {limit} places of this game within 24 hours without paying (a multiple of \
             reg.max_open_places_per_account or its own allowance), and requested {requested}"
        ),
        DomainError::Malformed(reason) => reason.to_string(),
        DomainError::TooLarge => "body over 1 MiB".to_owned(),
        DomainError::NotFound(Entity::Route) => "unknown cmd".to_owned(),
        DomainError::RegistrationNotOpen => "报名尚未开始".to_owned(),
        DomainError::RegistrationOver => "报名已截止".to_owned(),
        DomainError::ChangeOver => "报名信息修改已截止".to_owned(),
        DomainError::Busy { .. } => "queue full, try later".to_owned(),
        DomainError::RateLimited { .. } => "too many requests, try later".to_owned(),
        _ => String::new(),
    }
}

/// Seconds after which the same request may succeed, for facts that say so.
pub(super) fn retry_after(error: &DomainError) -> Option<u32> {
    match error {
        DomainError::Busy { retry_after_seconds }
        | DomainError::NoRoom { retry_after_seconds }
        | DomainError::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `static/js/api.js` reads the numbers out of these.
    #[test]
    fn limits_of_open_places_are_named_with_their_numbers() {
        let open = DomainError::OverLimit(OverLimit::Open { limit: 10, open: 9 });
        let window = DomainError::OverLimit(OverLimit::Window { limit: 50, requested: 49 });
        assert_eq!((code(&open).0, code(&window).0), (-13, -13));
        assert_eq!(
            detail(&open),
            "players: an account may have 10 places of this game that wait or are unpaid \
             (reg.max_open_places_per_account or its own allowance), and has 9"
        );
        assert_eq!(
            detail(&window),
            "players: an account may request 50 places of this game within 24 hours without paying (a multiple of \
             reg.max_open_places_per_account or its own allowance), and requested 49"
        );
    }
}
