//! An unset `MATCHDAY_ENV` is development: sandbox sign-in as anybody, readable codes, the demo's keys. That is meant for
//! a first look on one machine, and must not be what a forgotten variable makes of a server that strangers reach.

use std::net::SocketAddr;

use super::Config;
use super::fault::Fault;

/// Why development must be written out for these settings. `None`: they are those of a first look.
pub(super) fn fault(config: &Config) -> Option<Fault> {
    let sign = sign(config)?;
    Some(Fault::new(
        "MATCHDAY_ENV",
        "",
        format!(
            "is not set, which means development, where anybody signs in as anybody; but {sign}. Set \
             MATCHDAY_ENV=production, or write MATCHDAY_ENV=development if you mean it"
        ),
    ))
}

/// The first setting by which strangers could come, in words. `None`: only this machine reaches the server.
pub fn sign(config: &Config) -> Option<String> {
    let https = config.server.public_url.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    if https {
        return Some("server.public_url is an https:// address".to_owned());
    }
    if !config.server.trusted_proxies.is_empty() {
        return Some("server.trusted_proxies names a proxy".to_owned());
    }
    let binds = [
        ("server.bind", &config.server.bind),
        ("chat.bind", &config.chat.bind),
        ("internal.bind", &config.internal.bind),
    ];
    let outside =
        |bind: &str| bind.parse::<SocketAddr>().is_ok_and(|address| !address.ip().to_canonical().is_loopback());
    let (key, _) = binds.into_iter().find(|(_, bind)| outside(bind))?;
    Some(format!("{key} can be reached from other machines"))
}
