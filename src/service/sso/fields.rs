//! What people give: names, passwords and addresses, judged by the rules and the settings of this dialect.

use std::net::IpAddr;
use std::str::FromStr;

use actors::domain::caller_address::CallerAddress;
use actors::domain::login_name::LoginName;
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Result};
use lettre::Address;

use super::register::Given;
use crate::config::{Config, Sso};
use crate::service::patterns::{any_matches, is_banned_name};

const MOST_MAIL: usize = 300;
const MOST_NICK: usize = 30;
const MOST_DOCUMENT: usize = 3_000;

fn wrong(field: &'static str, reason: &'static str) -> DomainError {
    DomainError::field(field, reason)
}

/// Errors: `InvalidField`.
pub fn name(config: &Config, given: Option<&str>) -> Result<LoginName> {
    let refused = |reason| wrong("user_name", reason);
    let text = given.ok_or_else(|| refused("用户名是必需的"))?;
    if text.chars().count() > 30 {
        return Err(refused("用户名最多 30 个字符"));
    }
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let name = LoginName::new(text).filter(|_| fits);
    let name = name.ok_or_else(|| refused("用户名只能包含字母、数字、下划线和连字符"))?;
    if is_banned_name(config, text) {
        return Err(refused("用户名中含有非法内容"));
    }
    Ok(name)
}

/// 32 hex digits in lower case. Errors: `InvalidField`.
pub fn password(given: Option<&str>) -> Result<String> {
    let text = given.ok_or_else(|| wrong("user_pass", "密码是必需的"))?;
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong("user_pass", "密码必须是 32 位十六进制的 MD5"));
    }
    Ok(text.to_ascii_lowercase())
}

/// Errors: `InvalidField`.
pub fn mail(settings: &Sso, given: &str) -> Result<String> {
    let refused = |reason| wrong("user_mail", reason);
    let dotted = given.rsplit_once('@').is_some_and(|(_, domain)| domain.contains('.') && !domain.contains('['));
    let quoted = given.contains(['"', '\\']);
    let fits = given.is_ascii() && given.len() <= MOST_MAIL && dotted && !quoted && Address::from_str(given).is_ok();
    if !fits {
        return Err(refused("邮箱格式不正确"));
    }
    if settings.allowed_mails.is_empty() {
        if any_matches(&settings.bad_mails, given) {
            return Err(refused("邮箱中含有非法内容"));
        }
    } else if !any_matches(&settings.allowed_mails, given) {
        return Err(refused("邮箱不被允许"));
    }
    Ok(given.to_owned())
}

/// Errors: `InvalidField`.
pub fn needed_mail(settings: &Sso, given: Option<&str>) -> Result<String> {
    mail(settings, given.ok_or_else(|| wrong("user_mail", "邮箱是必需的"))?)
}

/// A registration whose members are in order.
#[derive(Debug)]
pub struct Checked {
    pub name: LoginName,
    pub password: String,
    pub mail: Option<String>,
    pub nick: Option<String>,
    pub contact: String,
    pub extend: String,
    pub address: Option<IpAddr>,
}

/// `caller` is the address of a person who is told without one.
///
/// Errors: `InvalidField`, for the first member that is wrong.
pub fn check(config: &Config, given: &Given, caller: CallerAddress) -> Result<Checked> {
    let settings = &config.sso;
    let name = name(config, given.user_name.as_deref())?;
    let password = password(given.user_pass.as_deref())?;
    let needed = settings.need_mail || settings.confirm_mail;
    let mail = match given.user_mail.as_deref() {
        None if !needed => None,
        given => Some(needed_mail(settings, given)?),
    };
    let nick = given.user_nick.as_deref().map(str::trim).filter(|nick| !nick.is_empty());
    if let Some(nick) = nick {
        if nick.chars().count() > MOST_NICK {
            return Err(wrong("user_nick", "昵称最多 30 个字符"));
        }
        visible::check_said(nick, Layout::Line)
            .map_err(|fault| DomainError::field("user_nick", format!("昵称{}", fault.in_chinese())))?;
    }
    let document = |field, text: &Option<String>, reason| {
        let text = text.clone().unwrap_or_default();
        if text.chars().count() > MOST_DOCUMENT { Err(wrong(field, reason)) } else { Ok(text) }
    };
    let address = match given.user_ip.as_deref() {
        None => caller.ip(),
        Some(text) => Some(text.parse().map_err(|_| wrong("user_ip", "IP 地址格式不正确"))?),
    };
    Ok(Checked {
        name,
        password,
        mail,
        nick: nick.map(str::to_owned),
        contact: document("user_contact", &given.user_contact, "联系方式最多 3000 个字符")?,
        extend: document("user_extend", &given.user_extend, "扩展字段最多 3000 个字符")?,
        address,
    })
}
