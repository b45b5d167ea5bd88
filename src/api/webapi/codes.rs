//! The table of `errcode`: one fact, one number, one text. Business faults are HTTP 200.

use actors::error::DomainError;

pub const OK: (i32, &str) = (0, "注册成功");
const FAULT: (i32, &str) = (1, "系统繁忙，请稍后再试");

/// Number and text of a fact. Exhaustive: a new fact does not compile until it has one.
pub fn errcode(error: &DomainError) -> (i32, &'static str) {
    match error {
        DomainError::NoCode | DomainError::WrongCode => (2, "验证码错误或已失效"),
        DomainError::Conflict { field } if field == "login_name" => (3, "用户名已被使用"),
        DomainError::Conflict { field } if field == "mobile" => (4, "手机号已被使用"),
        DomainError::InvalidField { field, .. } if field == "password" => (5, "密码密文格式不正确"),
        DomainError::InvalidField { field, .. } if field == "mobile" => (6, "手机号格式不正确"),
        DomainError::InvalidField { field, .. } if field == "username" => (7, "用户名不允许使用"),
        DomainError::RateLimited { .. } => (8, "操作过于频繁，请稍后再试"),
        DomainError::NotFound(_)
        | DomainError::Malformed(_)
        | DomainError::TooLarge
        | DomainError::InvalidField { .. }
        | DomainError::Unauthenticated
        | DomainError::BadCredentials
        | DomainError::SignInRefused { .. }
        | DomainError::Forbidden
        | DomainError::NotOwner
        | DomainError::AccountDisabled
        | DomainError::InvalidQueueToken
        | DomainError::MalformedOrderNo
        | DomainError::RegistrationNotOpen
        | DomainError::RegistrationOver
        | DomainError::ChangeOver
        | DomainError::RefundOver
        | DomainError::NotEligible { .. }
        | DomainError::AlreadyRegistered { .. }
        | DomainError::QuotaExhausted
        | DomainError::OverLimit(_)
        | DomainError::AlreadyPaid
        | DomainError::OrderState
        | DomainError::NotCancellable
        | DomainError::NotClosable
        | DomainError::OrderOfAnother
        | DomainError::WrongAmount
        | DomainError::BadSignature
        | DomainError::PhoneRequired
        | DomainError::BadPicture(_)
        | DomainError::InUse(_)
        | DomainError::Conflict { .. }
        | DomainError::Muted { .. }
        | DomainError::Busy { .. }
        | DomainError::NoRoom { .. }
        | DomainError::ProviderFailed(_)
        | DomainError::Internal => FAULT,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn the_published_table() {
        let conflict = |field: &'static str| DomainError::Conflict { field: field.into() };
        let mut table = String::new();
        for fact in [
            DomainError::NoCode,
            DomainError::WrongCode,
            conflict("login_name"),
            conflict("mobile"),
            conflict("email"),
            DomainError::field("password", ""),
            DomainError::field("mobile", ""),
            DomainError::field("username", ""),
            DomainError::field("other", ""),
            DomainError::RateLimited { retry_after_seconds: 1 },
            DomainError::BUSY,
            DomainError::Internal,
        ] {
            let (code, text) = errcode(&fact);
            writeln!(table, "{code} {text} <- {fact}").unwrap();
        }
        insta::assert_snapshot!(table, @r"
        2 验证码错误或已失效 <- no code was sent to this phone
        2 验证码错误或已失效 <- wrong code
        3 用户名已被使用 <- already exists: login_name
        4 手机号已被使用 <- already exists: mobile
        1 系统繁忙，请稍后再试 <- already exists: email
        5 密码密文格式不正确 <- invalid password: 
        6 手机号格式不正确 <- invalid mobile: 
        7 用户名不允许使用 <- invalid username: 
        1 系统繁忙，请稍后再试 <- invalid other: 
        8 操作过于频繁，请稍后再试 <- too fast, retry in 1 s
        1 系统繁忙，请稍后再试 <- busy, retry in 1 s
        1 系统繁忙，请稍后再试 <- internal error
        ");
    }
}
