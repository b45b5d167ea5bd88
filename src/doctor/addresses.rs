//! How the world sees this server: its own address, the proxies before it, and the pages that may open a chat.

use std::net::{IpAddr, SocketAddr};

use super::Finding;
use crate::config::network::Network;
use crate::config::origin::Origin;
use crate::config::{Config, Environment};

const PUBLIC: &str = "public address";
const PROXIES: &str = "proxies";
const CHAT: &str = "chat";
const INTERNAL: &str = "internal port";

pub fn examine(config: &Config) -> Vec<Finding> {
    [public(config), proxies(config), chat(config), internal(config)].into_iter().chain(signed(config)).collect()
}

fn public(config: &Config) -> Finding {
    let (url, production) = (&config.server.public_url, config.environment == Environment::Production);
    if url.is_empty() && production {
        Finding::warning(
            PUBLIC,
            "server.public_url is empty: links are made from what each request says its Host is. Set it to the origin \
             that people see",
        )
    } else if url.is_empty() {
        Finding::ok(PUBLIC, "server.public_url is empty: links are made from each request's Host")
    } else if production && url.starts_with("http://") {
        Finding::warning(
            PUBLIC,
            "server.public_url is without TLS: tokens and personal data travel readable. Put a TLS proxy before the \
             server and name its https:// origin",
        )
    } else {
        Finding::ok(PUBLIC, url.clone())
    }
}

fn proxies(config: &Config) -> Finding {
    let trusted = &config.server.trusted_proxies;
    let anybody = ["203.0.113.1", "2001:db8::1"].into_iter().filter_map(|text| text.parse::<IpAddr>().ok());
    let anybody = anybody.into_iter().any(|stranger| trusted.iter().any(|network| network.contains(stranger)));
    if anybody || trusted.iter().any(Network::is_everybody) {
        return Finding::wrong(
            PROXIES,
            "server.trusted_proxies takes in the whole world: every caller counts as a proxy and none has an address, so \
             that all share one limit, and whoever sends X-Forwarded-Host chooses this server's name. Name the proxy's \
             own address",
        );
    }
    let behind_tls = config.server.public_url.starts_with("https://");
    match (trusted.is_empty(), behind_tls) {
        (true, true) => Finding::warning(
            PROXIES,
            "server.public_url has TLS, which a proxy must make, but server.trusted_proxies is empty: everybody has the \
             proxy's address, and the limits per address are one for all. Name the proxy's address",
        ),
        (true, false) => Finding::ok(PROXIES, "none: callers have the address that they come from"),
        (false, _) => Finding::ok(PROXIES, "X-Forwarded-For is believed from the named ones only"),
    }
}

/// The port that callers of Regist sign.
fn signed(config: &Config) -> Option<Finding> {
    let regist = &config.regist;
    let behind_tls = config.server.public_url.starts_with("https://");
    (behind_tls && !regist.public_host.is_empty() && regist.public_port == 0).then(|| {
        Finding::warning(
            "regist",
            "regist.public_host is set and regist.public_port is not: if the proxy sends no X-Forwarded-Proto, port 80 is \
             taken for signed and every call is refused. Set regist.public_port, to 443 usually",
        )
    })
}

fn chat(config: &Config) -> Finding {
    let (origins, url) = (&config.chat.allowed_origins, &config.server.public_url);
    let production = config.environment == Environment::Production;
    let parsed = |text: &String| text.parse::<Origin>().ok();
    let chat_port = config.chat.bind.parse::<SocketAddr>().map_or(0, |bind| bind.port());
    if chat_port != 0 && origins.iter().filter_map(parsed).any(|origin| origin.has_port(Some(chat_port))) {
        return Finding::warning(
            CHAT,
            "chat.allowed_origins has an origin with the chat port, where no page comes from. Name the origin of the \
             pages, without that port",
        );
    }
    if production && origins.is_empty() && url.is_empty() && !config.server.trusted_proxies.is_empty() {
        return Finding::warning(
            CHAT,
            "pages can chat only if the proxy passes on the Host that people see, or X-Forwarded-Host: neither \
             server.public_url nor chat.allowed_origins is set. Set server.public_url",
        );
    }
    if !origins.is_empty() && !url.is_empty() && !origins.iter().any(|origin| parsed(origin) == parsed(url)) {
        return Finding::warning(
            CHAT,
            "chat.allowed_origins does not have server.public_url in it: this server's own pages cannot chat. Add it",
        );
    }
    if production && origins.iter().any(|origin| origin.starts_with("http://")) {
        return Finding::warning(CHAT, "chat.allowed_origins has an origin without TLS. Use its https:// origin");
    }
    match (origins.is_empty(), production) {
        (true, true) => Finding::ok(
            CHAT,
            "only this server's own pages may open it; on the chat port those of its host, whatever their port",
        ),
        (true, false) => Finding::ok(CHAT, "pages of any origin may open it in development"),
        (false, _) => Finding::ok(CHAT, "pages of the named origins may open it"),
    }
}

fn internal(config: &Config) -> Finding {
    let bind = config.internal.bind.parse::<SocketAddr>();
    match bind {
        Ok(address) if !address.ip().is_loopback() => Finding::warning(
            INTERNAL,
            "internal.bind can be reached from other machines, and asks nobody who they are. Bind it to 127.0.0.1, or \
             let a firewall keep strangers out",
        ),
        Ok(_) => Finding::ok(INTERNAL, "only this machine reaches it"),
        Err(_) => Finding::ok(INTERNAL, "off"),
    }
}
