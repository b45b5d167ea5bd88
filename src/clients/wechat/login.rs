//! Who stands behind an authorisation code. The sandbox believes codes of the form `sandbox:<openid>[:<nickname>]`.

use std::sync::Arc;

use actors::error::{DomainError, Provider, Result};
use async_trait::async_trait;

/// What WeChat tells about a person at sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeChatProfile {
    pub openid: String,
    pub nickname: String,
    /// 0 not told, 1 male, 2 female.
    pub sex: i64,
    pub country: String,
    pub province: String,
    pub city: String,
    /// An absolute address, or empty.
    pub head_img: String,
}

#[async_trait]
pub trait WeChatLogin: Send + Sync {
    /// The person who got `code`. A code works once, for a short time.
    ///
    /// Errors: `BadCredentials` for a code that WeChat refuses, `ProviderFailed(WeChat)` when it cannot be asked.
    async fn profile(&self, code: &str) -> Result<WeChatProfile>;
}

/// The implementation named by `wechat.provider`.
pub fn provider(name: &str) -> anyhow::Result<Arc<dyn WeChatLogin>> {
    match name {
        "sandbox" => Ok(Arc::new(SandboxLogin)),
        "none" | "" => Ok(Arc::new(NoLogin)),
        other => anyhow::bail!("wechat.provider: {other:?} is not one of sandbox, none"),
    }
}

struct SandboxLogin;

const SANDBOX_PREFIX: &str = "sandbox:";
const OPENID_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=64;
const NICKNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=32;

#[async_trait]
impl WeChatLogin for SandboxLogin {
    async fn profile(&self, code: &str) -> Result<WeChatProfile> {
        let person = code.strip_prefix(SANDBOX_PREFIX).ok_or(DomainError::BadCredentials)?;
        let (openid, nickname) = person.split_once(':').unwrap_or((person, person));
        let openid_ok = OPENID_CHARACTERS.contains(&openid.len())
            && openid.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let nickname_ok = nickname == openid
            || (NICKNAME_CHARACTERS.contains(&nickname.chars().count()) && !nickname.chars().any(char::is_control));
        if !openid_ok || !nickname_ok {
            return Err(DomainError::BadCredentials);
        }
        Ok(WeChatProfile {
            openid: openid.to_owned(),
            nickname: nickname.to_owned(),
            sex: 0,
            country: String::new(),
            province: String::new(),
            city: String::new(),
            head_img: String::new(),
        })
    }
}

/// `wechat.provider = "none"`: nobody can sign in by WeChat.
struct NoLogin;

#[async_trait]
impl WeChatLogin for NoLogin {
    async fn profile(&self, _code: &str) -> Result<WeChatProfile> {
        Err(DomainError::ProviderFailed(Provider::WeChat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn sandbox_codes_name_a_person() {
        let login = provider("sandbox").unwrap();
        let alice = login.profile("sandbox:alice_1-x").await.unwrap();
        assert_eq!((alice.openid.as_str(), alice.nickname.as_str()), ("alice_1-x", "alice_1-x"));
        let bob = login.profile("sandbox:bob:老王: 跑步").await.unwrap();
        assert_eq!((bob.openid.as_str(), bob.nickname.as_str()), ("bob", "老王: 跑步"));
        let long = format!("sandbox:{}", "a".repeat(65));
        let long_name = format!("sandbox:a:{}", "名".repeat(33));
        for bad in [
            "",
            "alice",
            "sandbox:",
            "sandbox:a b",
            "sandbox:阿",
            "sandbox::x",
            "sandbox:a:",
            "sandbox:a:\n",
            "SANDBOX:a",
            &long,
            &long_name,
        ] {
            assert_eq!(login.profile(bad).await, Err(DomainError::BadCredentials), "{bad:?}");
        }
    }

    #[actix_web::test]
    async fn without_a_provider_nobody_signs_in() {
        let refused = provider("none").unwrap().profile("sandbox:alice").await;
        assert_eq!(refused, Err(DomainError::ProviderFailed(Provider::WeChat)));
        assert!(provider("sandbx").is_err());
    }
}
