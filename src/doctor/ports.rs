//! The three ports: free, a server of ours, or somebody else's.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};

use super::Finding;
use crate::clients::reach;
use crate::config::Config;

const ABOUT: &str = "ports";

pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    for (setting, text, sign) in [
        ("server.bind", &config.server.bind, Some(("healthz", "\"healthy\":true"))),
        ("chat.bind", &config.chat.bind, None),
        ("internal.bind", &config.internal.bind, Some(("metrics", "matchday_"))),
    ] {
        if text.is_empty() {
            found.push(Finding::ok(ABOUT, format!("{setting} is off")));
        } else if let Ok(address) = text.parse::<SocketAddr>() {
            found.push(examine_one(setting, address, sign).await);
        } else {
            found.push(Finding::wrong(ABOUT, format!("{setting} is no address such as 127.0.0.1:8080")));
        }
    }
    found
}

async fn examine_one(setting: &str, address: SocketAddr, sign: Option<(&str, &str)>) -> Finding {
    // Let go at once; nobody is accepted meanwhile.
    let error = match TcpListener::bind(address) {
        Ok(_) => return Finding::ok(ABOUT, format!("{setting}: {address} is free")),
        Err(error) => error,
    };
    match error.kind() {
        ErrorKind::AddrInUse => taken(setting, address, sign).await,
        ErrorKind::AddrNotAvailable => Finding::wrong(
            ABOUT,
            format!("{setting}: this machine has no address {}. Use one of its own, or 0.0.0.0 for all", address.ip()),
        ),
        ErrorKind::PermissionDenied => Finding::wrong(
            ABOUT,
            format!(
                "{setting}: this user may not listen on port {}. Use one above 1023 behind a proxy",
                address.port()
            ),
        ),
        _ => Finding::wrong(ABOUT, format!("{setting}: {address} cannot be used ({error})")),
    }
}

async fn taken(setting: &str, address: SocketAddr, sign: Option<(&str, &str)>) -> Finding {
    let Some((path, sign)) = sign else {
        let words = format!("{setting}: something listens on {address}, which may be a running matchday");
        return Finding::ok(ABOUT, words);
    };
    let host = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
        IpAddr::V6(ip) if ip.is_unspecified() => "[::1]".to_owned(),
        IpAddr::V6(ip) => format!("[{ip}]"),
        IpAddr::V4(ip) => ip.to_string(),
    };
    match reach::reach(&format!("http://{host}:{}/{path}", address.port())).await {
        Ok(reached) if reached.body.contains(sign) => {
            Finding::ok(ABOUT, format!("{setting}: a matchday listens on {address} now"))
        }
        _ => Finding::wrong(
            ABOUT,
            format!("{setting}: another program listens on {address}. Stop it, or choose another port"),
        ),
    }
}
