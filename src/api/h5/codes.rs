//! The error table of the H5 dialect: one fact, one code, one text, one HTTP status.

use actix_web::http::StatusCode;
use actors::error::{DomainError, Entity, Provider};

/// How a fact is told in this dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub error_code: u32,
    pub msg: &'static str,
    pub status: StatusCode,
}

const fn code(error_code: u32, msg: &'static str, status: StatusCode) -> Code {
    Code { error_code, msg, status }
}

const BAD: StatusCode = StatusCode::BAD_REQUEST;
const MISSING: StatusCode = StatusCode::NOT_FOUND;
const REFUSED: StatusCode = StatusCode::FORBIDDEN;
const FAULT: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;

const PARAMETERS: Code = code(99999, "参数错误", BAD);
const OPERATION: Code = code(10000, "操作错误", BAD);

/// The code of a fact. Exhaustive: a new fact does not compile until it has one.
pub fn code_of(error: &DomainError) -> Code {
    match error {
        DomainError::NotFound(entity) => code_of_missing(*entity),
        DomainError::Malformed(_)
        | DomainError::TooLarge
        | DomainError::InvalidField { .. }
        | DomainError::InvalidQueueToken
        | DomainError::MalformedOrderNo
        | DomainError::WrongAmount => PARAMETERS,
        DomainError::Unauthenticated => code(10003, "Token已过期或无效Token", StatusCode::UNAUTHORIZED),
        DomainError::SignInRefused { .. } | DomainError::ProviderFailed(Provider::WeChat) => {
            code(50000, "微信服务器异常", FAULT)
        }
        DomainError::Forbidden | DomainError::Muted { .. } => code(10001, "权限不够", REFUSED),
        DomainError::NotOwner => code(60007, "没有权限更改订单状态", REFUSED),
        DomainError::AccountDisabled => code(10004, "用户不存在或被禁用", MISSING),
        DomainError::RegistrationNotOpen
        | DomainError::RegistrationOver
        | DomainError::ChangeOver
        | DomainError::RefundOver
        | DomainError::NotEligible { .. }
        | DomainError::QuotaExhausted
        | DomainError::OverLimit(_)
        | DomainError::OrderState => OPERATION,
        DomainError::AlreadyRegistered { .. } => code(30007, "重复提交赛事报名", BAD),
        DomainError::NotCancellable => code(60002, "订单不允许取消", BAD),
        DomainError::NotClosable => code(60003, "订单不允许关闭", BAD),
        DomainError::OrderOfAnother => code(10005, "订单与用户不匹配", REFUSED),
        DomainError::NoCode => code(10009, "手机验证码不存在", BAD),
        DomainError::WrongCode => code(10007, "验证码错误", BAD),
        DomainError::BadPicture(_) => code(40001, "保存图片失败", BAD),
        DomainError::AlreadyPaid => code(60001, "订单已经支付过", BAD),
        DomainError::BadCredentials | DomainError::BadSignature => code(10008, "授权失败", StatusCode::UNAUTHORIZED),
        DomainError::PhoneRequired => code(10011, "请先绑定手机号码", BAD),
        DomainError::Conflict { field } if field == "mobile" => code(10006, "手机号码已被其他人使用", BAD),
        DomainError::Conflict { .. } | DomainError::InUse(_) => OPERATION,
        DomainError::RateLimited { .. } => code(10010, "用户重复发送验证码", BAD),
        DomainError::Busy { .. } => code(10000, "服务器繁忙，请稍后再试", StatusCode::SERVICE_UNAVAILABLE),
        DomainError::NoRoom { .. } => code(10000, "服务器空间不足，请稍后再试", StatusCode::SERVICE_UNAVAILABLE),
        DomainError::ProviderFailed(Provider::Payment) => code(50000, "微信服务器异常", FAULT),
        DomainError::ProviderFailed(Provider::Sms) => code(70000, "发送短信失败", FAULT),
        DomainError::ProviderFailed(Provider::Live) => code(80000, "阿里云服务器异常", FAULT),
        // Not reachable through this dialect's routes.
        DomainError::ProviderFailed(Provider::Application) => code(10000, "操作错误", FAULT),
        DomainError::Internal => code(999, "sorry，we make a mistake. (^o^)Y", FAULT),
    }
}

fn code_of_missing(entity: Entity) -> Code {
    match entity {
        Entity::Account => code(10004, "用户不存在或被禁用", MISSING),
        Entity::Competition | Entity::Game => code(30000, "赛事不存在", MISSING),
        Entity::Order => code(60000, "订单不存在", MISSING),
        Entity::Registration => code(30008, "赛事报名不存在", MISSING),
        Entity::Live => code(30005, "赛事直播不存在", MISSING),
        Entity::Video => code(30004, "赛事视频不存在", MISSING),
        Entity::Team => code(30001, "球队信息不存在", MISSING),
        Entity::Member => code(30002, "会员信息不存在或已被禁用", MISSING),
        Entity::Business => code(20000, "业务不存在或已禁用", MISSING),
        Entity::Banner => code(40002, "请求banner不存在", MISSING),
        Entity::TeamOfMember => code(30003, "当前会员未加入任何球队", MISSING),
        Entity::CompetitionOfTeam => code(30006, "当前球队未参与任何赛事", MISSING),
        Entity::Carousel => code(40003, "请求轮播图片不存在", MISSING),
        Entity::Picture => code(40000, "指定图片不存在", MISSING),
        Entity::Config => code(40004, "请求配置不存在", MISSING),
        Entity::Route => code(10001, "global:your required resource are not found", MISSING),
        // Not reachable through this dialect's routes.
        Entity::Admin | Entity::Application | Entity::Item => code(10000, "操作错误", MISSING),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use actors::error::Ineligible;

    use super::*;

    /// Codes of the original document that no fact here is told by, and that must never mean anything else.
    const RESERVED: [(u32, &str); 5] = [
        (10002, "身份验证失败"),
        (20001, "业务类别不存在"),
        (60004, "用户收货地址不存在，下单失败"),
        (60005, "还没付款或者你已经更新过订单"),
        (60006, "商品不存在，订单创建失败"),
    ];

    #[test]
    fn the_published_table() {
        use DomainError::*;
        let entities = [
            Entity::Account,
            Entity::Admin,
            Entity::Competition,
            Entity::Game,
            Entity::Order,
            Entity::Registration,
            Entity::Live,
            Entity::Video,
            Entity::Team,
            Entity::Member,
            Entity::Business,
            Entity::Banner,
            Entity::Config,
            Entity::Picture,
            Entity::Application,
            Entity::TeamOfMember,
            Entity::CompetitionOfTeam,
            Entity::Carousel,
            Entity::Route,
            Entity::Item,
        ];
        let providers = [Provider::WeChat, Provider::Payment, Provider::Sms, Provider::Live, Provider::Application];
        let facts = entities
            .into_iter()
            .map(NotFound)
            .chain([
                Malformed("body".into()),
                TooLarge,
                DomainError::field("id", "wrong"),
                Unauthenticated,
                BadCredentials,
                SignInRefused { reason: "invalid code".into() },
                Forbidden,
                NotOwner,
                AccountDisabled,
                InvalidQueueToken,
                MalformedOrderNo,
                RegistrationNotOpen,
                RegistrationOver,
                ChangeOver,
                RefundOver,
                NotEligible { field: "".into(), why: Ineligible::Gender },
                AlreadyRegistered { order_no: None },
                QuotaExhausted,
                OverLimit(actors::error::OverLimit::Open { limit: 10, open: 8 }),
                AlreadyPaid,
                OrderState,
                NotCancellable,
                NotClosable,
                OrderOfAnother,
                NoCode,
                WrongCode,
                BadPicture("too large".into()),
                WrongAmount,
                BadSignature,
                PhoneRequired,
                Conflict { field: "mobile".into() },
                Conflict { field: "name".into() },
                RateLimited { retry_after_seconds: 1 },
                Muted { reason: "reason".into(), seconds_left: 1 },
                DomainError::BUSY,
                NoRoom { retry_after_seconds: 300 },
                Internal,
            ])
            .chain(providers.into_iter().map(ProviderFailed));
        let mut table = String::new();
        for fact in facts {
            let code = code_of(&fact);
            let status = code.status.as_u16();
            assert!(RESERVED.iter().all(|(reserved, _)| *reserved != code.error_code), "{fact}");
            writeln!(table, "{} {status} {} <- {fact}", code.error_code, code.msg).unwrap();
        }
        for (reserved, msg) in RESERVED {
            writeln!(table, "{reserved} --- {msg} <- reserved").unwrap();
        }
        insta::assert_snapshot!(table, @r"
        10004 404 用户不存在或被禁用 <- Account not found
        10000 404 操作错误 <- Admin not found
        30000 404 赛事不存在 <- Competition not found
        30000 404 赛事不存在 <- Game not found
        60000 404 订单不存在 <- Order not found
        30008 404 赛事报名不存在 <- Registration not found
        30005 404 赛事直播不存在 <- Live not found
        30004 404 赛事视频不存在 <- Video not found
        30001 404 球队信息不存在 <- Team not found
        30002 404 会员信息不存在或已被禁用 <- Member not found
        20000 404 业务不存在或已禁用 <- Business not found
        40002 404 请求banner不存在 <- Banner not found
        40004 404 请求配置不存在 <- Config not found
        40000 404 指定图片不存在 <- Picture not found
        10000 404 操作错误 <- Application not found
        30003 404 当前会员未加入任何球队 <- TeamOfMember not found
        30006 404 当前球队未参与任何赛事 <- CompetitionOfTeam not found
        40003 404 请求轮播图片不存在 <- Carousel not found
        10001 404 global:your required resource are not found <- Route not found
        10000 404 操作错误 <- Item not found
        99999 400 参数错误 <- malformed request: body
        99999 400 参数错误 <- request too large
        99999 400 参数错误 <- invalid id: wrong
        10003 401 Token已过期或无效Token <- not signed in
        10008 401 授权失败 <- sign-in refused
        50000 500 微信服务器异常 <- sign-in refused: invalid code
        10001 403 权限不够 <- not allowed
        60007 403 没有权限更改订单状态 <- belongs to another account
        10004 404 用户不存在或被禁用 <- account disabled
        99999 400 参数错误 <- invalid queue token
        99999 400 参数错误 <- malformed order number
        10000 400 操作错误 <- registration is not open yet
        10000 400 操作错误 <- registration is over
        10000 400 操作错误 <- too late to change a registration
        10000 400 操作错误 <- too late for a refund
        10000 400 操作错误 <- not eligible: Gender
        30007 400 重复提交赛事报名 <- already registered
        10000 400 操作错误 <- no places left
        10000 400 操作错误 <- too many open places: Open { limit: 10, open: 8 }
        60001 400 订单已经支付过 <- already paid
        10000 400 操作错误 <- order state does not allow this
        60002 400 订单不允许取消 <- the order cannot be cancelled
        60003 400 订单不允许关闭 <- the order cannot be closed
        10005 403 订单与用户不匹配 <- the order is another account's
        10009 400 手机验证码不存在 <- no code was sent to this phone
        10007 400 验证码错误 <- wrong code
        40001 400 保存图片失败 <- picture refused: too large
        99999 400 参数错误 <- wrong amount
        10008 401 授权失败 <- signature refused
        10011 400 请先绑定手机号码 <- phone not bound
        10006 400 手机号码已被其他人使用 <- already exists: mobile
        10000 400 操作错误 <- already exists: name
        10010 400 用户重复发送验证码 <- too fast, retry in 1 s
        10001 403 权限不够 <- muted: reason
        10000 503 服务器繁忙，请稍后再试 <- busy, retry in 1 s
        10000 503 服务器空间不足，请稍后再试 <- no room on the disk, retry in 300 s
        999 500 sorry，we make a mistake. (^o^)Y <- internal error
        50000 500 微信服务器异常 <- WeChat failed
        50000 500 微信服务器异常 <- Payment failed
        70000 500 发送短信失败 <- Sms failed
        80000 500 阿里云服务器异常 <- Live failed
        10000 500 操作错误 <- Application failed
        10002 --- 身份验证失败 <- reserved
        20001 --- 业务类别不存在 <- reserved
        60004 --- 用户收货地址不存在，下单失败 <- reserved
        60005 --- 还没付款或者你已经更新过订单 <- reserved
        60006 --- 商品不存在，订单创建失败 <- reserved
        ");
    }
}
