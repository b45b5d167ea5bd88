//! The error table of the SSO dialect: one refusal, one rcode, one text.

use std::borrow::Cow;

use actors::error::{DomainError, Entity};

use crate::service::sso::Refusal;

/// How a refusal is told in this dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Empty where the document has none: what the original's framework refuses by itself.
    pub rcode: &'static str,
    pub msg: Cow<'static, str>,
}

const INPUT: &str = "x010201";
const COMMON: &str = "x050201";
const FAILED: &str = "x010101";

fn code(rcode: &'static str, msg: impl Into<Cow<'static, str>>) -> Code {
    Code { rcode, msg: msg.into() }
}

/// The code of a refusal. Exhaustive: a new one does not compile until it has one.
pub fn code_of(refusal: &Refusal) -> Code {
    match refusal {
        Refusal::Missing(name) => code(COMMON, format!("{name} 是必需的")),
        Refusal::UnknownApp => code("x050102", "应用不存在"),
        Refusal::DisabledApp => code("x050402", "应用被禁用"),
        Refusal::AddressNotAllowed => code("x050407", "IP 地址不在允许范围内"),
        Refusal::AddressBanned => code("x050408", "IP 地址被禁止"),
        Refusal::WrongKey => code(COMMON, "App Key 通信密钥错误"),
        Refusal::BadSign => code("x050403", "签名错误"),
        Refusal::NoTimestamp => code(COMMON, "时间戳是必需的"),
        Refusal::TimestampOff => code(COMMON, "时间戳超出允许范围"),
        Refusal::MayNotRegister => code("x050307", "应用没有注册权限"),
        Refusal::RegistrationClosed => code("x050316", "系统不允许注册"),
        Refusal::Fact(fact) => code_of_fact(fact),
    }
}

fn code_of_fact(fact: &DomainError) -> Code {
    match fact {
        DomainError::InvalidField { reason, .. } => code(INPUT, reason.clone()),
        DomainError::Conflict { field } if field == "login_name" => code("x010404", "用户名已存在"),
        DomainError::Conflict { field } if field == "email" => code("x010404", "邮箱已存在"),
        DomainError::Conflict { .. } => code("x010404", "用户已存在"),
        DomainError::Malformed(reason) => code("", reason.clone()),
        DomainError::TooLarge => code("", "请求过大"),
        DomainError::Forbidden => code("", "Access denied"),
        DomainError::NotFound(Entity::Route) => code("", "Not found"),
        DomainError::RateLimited { retry_after_seconds } => {
            code("", format!("请求过于频繁，请 {retry_after_seconds} 秒后再试"))
        }
        DomainError::Busy { .. } => code(FAILED, "服务器繁忙，请稍后再试"),
        DomainError::Internal => code(FAILED, "服务器内部错误"),
        // Not reachable through this dialect's routes.
        DomainError::NotFound(_)
        | DomainError::Unauthenticated
        | DomainError::BadCredentials
        | DomainError::SignInRefused { .. }
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
        | DomainError::NoCode
        | DomainError::WrongCode
        | DomainError::BadPicture(_)
        | DomainError::InUse(_)
        | DomainError::Muted { .. }
        | DomainError::NoRoom { .. }
        | DomainError::ProviderFailed(_) => code(FAILED, "注册失败"),
    }
}

/// What an rcode means, whatever it was for.
pub fn detail(rcode: &str) -> &'static str {
    match rcode {
        FAILED => "注册失败",
        INPUT => "输入错误",
        "x010404" => "用户已存在",
        "x050102" => "应用不存在",
        COMMON => "公共参数错误",
        "x050307" => "应用没有注册权限",
        "x050316" => "系统不允许注册",
        "x050402" => "应用被禁用",
        "x050403" => "签名错误",
        "x050407" => "IP 地址不在允许范围内",
        "x050408" => "IP 地址被禁止",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn the_published_table() {
        use DomainError::*;
        let facts = [
            DomainError::field("user_name", "用户名中含有非法内容"),
            Conflict { field: "login_name".into() },
            Conflict { field: "email".into() },
            Conflict { field: "mobile".into() },
            Malformed("请求参数无法解析".into()),
            TooLarge,
            Forbidden,
            NotFound(Entity::Route),
            RateLimited { retry_after_seconds: 7 },
            DomainError::BUSY,
            Internal,
            NotOwner,
        ];
        let refusals = [
            Refusal::Missing("App ID"),
            Refusal::UnknownApp,
            Refusal::DisabledApp,
            Refusal::AddressNotAllowed,
            Refusal::AddressBanned,
            Refusal::WrongKey,
            Refusal::BadSign,
            Refusal::NoTimestamp,
            Refusal::TimestampOff,
            Refusal::MayNotRegister,
            Refusal::RegistrationClosed,
        ];
        let mut table = String::new();
        for refusal in refusals.into_iter().chain(facts.map(Refusal::Fact)) {
            let Code { rcode, msg } = code_of(&refusal);
            writeln!(table, "{rcode:7} {msg} | {} <- {refusal:?}", detail(rcode)).unwrap();
        }
        insta::assert_snapshot!(table, @r#"
        x050201 App ID 是必需的 | 公共参数错误 <- Missing("App ID")
        x050102 应用不存在 | 应用不存在 <- UnknownApp
        x050402 应用被禁用 | 应用被禁用 <- DisabledApp
        x050407 IP 地址不在允许范围内 | IP 地址不在允许范围内 <- AddressNotAllowed
        x050408 IP 地址被禁止 | IP 地址被禁止 <- AddressBanned
        x050201 App Key 通信密钥错误 | 公共参数错误 <- WrongKey
        x050403 签名错误 | 签名错误 <- BadSign
        x050201 时间戳是必需的 | 公共参数错误 <- NoTimestamp
        x050201 时间戳超出允许范围 | 公共参数错误 <- TimestampOff
        x050307 应用没有注册权限 | 应用没有注册权限 <- MayNotRegister
        x050316 系统不允许注册 | 系统不允许注册 <- RegistrationClosed
        x010201 用户名中含有非法内容 | 输入错误 <- Fact(InvalidField { field: "user_name", reason: "用户名中含有非法内容" })
        x010404 用户名已存在 | 用户已存在 <- Fact(Conflict { field: "login_name" })
        x010404 邮箱已存在 | 用户已存在 <- Fact(Conflict { field: "email" })
        x010404 用户已存在 | 用户已存在 <- Fact(Conflict { field: "mobile" })
                请求参数无法解析 |  <- Fact(Malformed("请求参数无法解析"))
                请求过大 |  <- Fact(TooLarge)
                Access denied |  <- Fact(Forbidden)
                Not found |  <- Fact(NotFound(Route))
                请求过于频繁，请 7 秒后再试 |  <- Fact(RateLimited { retry_after_seconds: 7 })
        x010101 服务器繁忙，请稍后再试 | 注册失败 <- Fact(Busy { retry_after_seconds: 1 })
        x010101 服务器内部错误 | 注册失败 <- Fact(Internal)
        x010101 注册失败 | 注册失败 <- Fact(NotOwner)
        "#);
    }
}
