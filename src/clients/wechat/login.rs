//! Who stands behind an authorisation code: WeChat is asked, or the sandbox, which believes codes of the form
//! `sandbox:<openid>[:<nickname>]`.

use std::sync::Arc;

use actors::error::{DomainError, Result};
use async_trait::async_trait;
use serde_json::Value;

use super::api::{OpenApi, Reply, failed, text};
use crate::clients::outgoing::Retry;
use crate::config::Config;

/// What WeChat tells about a person at sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

impl WeChatProfile {
    /// Of somebody who has an account: what WeChat says of him is not asked for again.
    pub fn known(openid: String) -> Self {
        Self { openid, ..Self::default() }
    }
}

/// Who stands behind a code, and what WeChat tells more about him for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    pub openid: String,
    /// Good for this person's profile, for two hours.
    access_token: String,
}

#[async_trait]
pub trait WeChatLogin: Send + Sync {
    /// The person who got `code`. A code works once, for a short time.
    ///
    /// Errors: `SignInRefused` for a code that WeChat refuses, `ProviderFailed(WeChat)` when it cannot be asked.
    async fn identify(&self, code: &str) -> Result<Identified>;

    /// What WeChat tells about a person who has just been identified.
    ///
    /// Errors: as above.
    async fn profile(&self, person: &Identified) -> Result<WeChatProfile>;
}

/// The implementation named by `wechat.provider`.
pub fn provider(config: &Config) -> anyhow::Result<Arc<dyn WeChatLogin>> {
    match config.wechat.provider.as_str() {
        "sandbox" => Ok(Arc::new(SandboxLogin)),
        "none" | "" => Ok(Arc::new(NoLogin)),
        "real" => Ok(Arc::new(RealLogin(OpenApi::from_config(config)?))),
        other => anyhow::bail!("wechat.provider: {other:?} is not one of real, sandbox, none"),
    }
}

const OPENID_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=64;
const NICKNAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=32;
const PLACE_CHARACTERS: usize = 64;
const ADDRESS_BYTES: usize = 512;

fn is_openid(text: &str) -> bool {
    OPENID_CHARACTERS.contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

struct RealLogin(OpenApi);

/// Codes of a code that is invalid, used, over or of another account.
const REFUSED_CODE: [i64; 4] = [40029, 40163, 41008, 42003];

#[async_trait]
impl WeChatLogin for RealLogin {
    async fn identify(&self, code: &str) -> Result<Identified> {
        let query = [
            ("appid", self.0.app_id.as_str()),
            ("secret", self.0.secret()),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        // A code works once: if the first answer was lost, a second try would only be refused.
        let members = match self.0.get("/sns/oauth2/access_token", &query, Retry::Unsent).await? {
            Reply::Members(members) => members,
            Reply::Refused { code, text } if REFUSED_CODE.contains(&code) => {
                return Err(DomainError::SignInRefused { reason: text.into() });
            }
            Reply::Refused { .. } => return Err(failed()),
        };
        let openid = text(&members, "openid")?;
        if !is_openid(&openid) {
            return Err(failed());
        }
        Ok(Identified { openid, access_token: text(&members, "access_token")? })
    }

    async fn profile(&self, person: &Identified) -> Result<WeChatProfile> {
        let query = [("access_token", person.access_token.as_str()), ("openid", &person.openid), ("lang", "zh_CN")];
        let members = match self.0.get("/sns/userinfo", &query, Retry::Safe).await? {
            Reply::Members(members) if members.get("openid").and_then(Value::as_str) == Some(&person.openid) => members,
            Reply::Members(_) | Reply::Refused { .. } => return Err(failed()),
        };
        let shown = |name: &str, most: usize| -> String {
            let text = members.get(name).and_then(Value::as_str).unwrap_or_default();
            text.chars().filter(|it| !it.is_control()).take(most).collect()
        };
        let head_img = members.get("headimgurl").and_then(Value::as_str).unwrap_or_default();
        let is_address = head_img.len() <= ADDRESS_BYTES
            && (head_img.starts_with("https://") || head_img.starts_with("http://"))
            && head_img.bytes().all(|byte| byte.is_ascii_graphic());
        Ok(WeChatProfile {
            openid: person.openid.clone(),
            nickname: shown("nickname", *NICKNAME_CHARACTERS.end()),
            sex: members.get("sex").and_then(Value::as_i64).filter(|sex| (0..=2).contains(sex)).unwrap_or(0),
            country: shown("country", PLACE_CHARACTERS),
            province: shown("province", PLACE_CHARACTERS),
            city: shown("city", PLACE_CHARACTERS),
            head_img: if is_address { head_img.to_owned() } else { String::new() },
        })
    }
}

struct SandboxLogin;

fn unknown_code() -> DomainError {
    DomainError::SignInRefused { reason: "invalid code".into() }
}

const SANDBOX_PREFIX: &str = "sandbox:";

#[async_trait]
impl WeChatLogin for SandboxLogin {
    async fn identify(&self, code: &str) -> Result<Identified> {
        let person = code.strip_prefix(SANDBOX_PREFIX).ok_or_else(unknown_code)?;
        let (openid, nickname) = person.split_once(':').unwrap_or((person, person));
        let nickname_ok = nickname == openid
            || (NICKNAME_CHARACTERS.contains(&nickname.chars().count()) && !nickname.chars().any(char::is_control));
        if !is_openid(openid) || !nickname_ok {
            return Err(unknown_code());
        }
        Ok(Identified { openid: openid.to_owned(), access_token: nickname.to_owned() })
    }

    /// The nickname came with the code.
    async fn profile(&self, person: &Identified) -> Result<WeChatProfile> {
        Ok(WeChatProfile {
            openid: person.openid.clone(),
            nickname: person.access_token.clone(),
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
    async fn identify(&self, _code: &str) -> Result<Identified> {
        Err(failed())
    }

    async fn profile(&self, _person: &Identified) -> Result<WeChatProfile> {
        Err(failed())
    }
}

#[cfg(test)]
mod tests {
    use actors::error::Provider;

    use super::*;

    #[actix_web::test]
    async fn sandbox_codes_name_a_person() {
        let login = SandboxLogin;
        let alice = login.profile(&login.identify("sandbox:alice_1-x").await.unwrap()).await.unwrap();
        assert_eq!((alice.openid.as_str(), alice.nickname.as_str()), ("alice_1-x", "alice_1-x"));
        let bob = login.profile(&login.identify("sandbox:bob:老王: 跑步").await.unwrap()).await.unwrap();
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
            assert_eq!(login.identify(bad).await, Err(unknown_code()), "{bad:?}");
        }
    }

    #[actix_web::test]
    async fn without_a_provider_nobody_signs_in() {
        let refused = NoLogin.identify("sandbox:alice").await;
        assert_eq!(refused, Err(DomainError::ProviderFailed(Provider::WeChat)));
    }
}
