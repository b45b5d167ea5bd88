//! Where a live is played and pushed to. What is stored with it counts first; else addresses are made of its stream's name
//! and the configured hosts, signed until they end.

use actors::domain::chat::Live;
use actors::error::{DomainError, Result};
use secrecy::{ExposeSecret, SecretString};

use crate::clients::live::auth_key;
use crate::context::Context;

/// Aliyun's common push host is told which domain is meant.
const COMMON_PUSH_HOST: &str = "video-center.alivecdn.com";

/// Playback; an address that there is not is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    pub rtmp: String,
    pub flv: String,
    pub m3u8: String,
}

/// Where viewers play the live now.
pub fn playback(context: &Context, live: &Live) -> Addresses {
    let settings = &context.config.live;
    let secure = context.config.server.public_url.starts_with("https://");
    let web = if secure { "https" } else { "http" };
    let expires = expiry_seconds(context, live);
    let made = |stored: &str, scheme: &str, suffix: &str| match expires {
        _ if !stored.is_empty() => stored.to_owned(),
        Some(expires) if !settings.play_domain.is_empty() && !live.stream_name.is_empty() => {
            let path = format!("/{}/{}{suffix}", settings.app_name, live.stream_name);
            let address = format!("{scheme}://{}{path}", settings.play_domain);
            with_key(address, '?', &path, expires, &settings.play_key)
        }
        _ => String::new(),
    };
    Addresses {
        rtmp: made(&live.play_rtmp, "rtmp", ""),
        flv: made(&live.play_flv, web, ".flv"),
        m3u8: made(&live.play_m3u8, web, ".m3u8"),
    }
}

/// Where the live is pushed to. It holds a key: for administrators only.
///
/// Errors: `InUse` with the reason when there is no such address.
pub fn push(context: &Context, live: &Live) -> Result<String> {
    let settings = &context.config.live;
    if !live.plug_flow.is_empty() {
        return Ok(live.plug_flow.clone());
    }
    if settings.push_domain.is_empty() || live.stream_name.is_empty() {
        return Err(DomainError::InUse(
            "there is no push host (live.push_domain), or the live has no stream name".into(),
        ));
    }
    let expires = expiry_seconds(context, live).ok_or(DomainError::InUse("the live is over".into()))?;
    let path = format!("/{}/{}", settings.app_name, live.stream_name);
    let address = format!("rtmp://{}{path}", settings.push_domain);
    if settings.push_domain == COMMON_PUSH_HOST {
        let address = format!("{address}?vhost={}", settings.play_domain);
        return Ok(with_key(address, '&', &path, expires, &settings.push_key));
    }
    Ok(with_key(address, '?', &path, expires, &settings.push_key))
}

/// When addresses that are made now end, in seconds since 1970; none for a live that is over.
fn expiry_seconds(context: &Context, live: &Live) -> Option<i64> {
    let now_ms = context.db.now_ms();
    if live.expire_time.is_some_and(|at| at <= now_ms) {
        return None;
    }
    let life_ms = i64::try_from(context.config.live.address_seconds).unwrap_or(i64::MAX).saturating_mul(1000);
    let until = now_ms.saturating_add(life_ms);
    Some(live.expire_time.map_or(until, |at| at.min(until)) / 1000)
}

fn with_key(address: String, joint: char, path: &str, expires: i64, key: &SecretString) -> String {
    match key.expose_secret() {
        "" => address,
        key => format!("{address}{joint}auth_key={}", auth_key(path, expires, key)),
    }
}
