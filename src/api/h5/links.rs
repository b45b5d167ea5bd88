//! Links as this dialect sends them: absolute, under the configured origin or the one the client used.

use actix_web::HttpRequest;

use crate::api::public_address::PublicAddress;
use crate::context::Context;

/// A stored path or address as an absolute address; empty stays empty.
pub fn absolute(context: &Context, request: &HttpRequest, stored: &str) -> String {
    if stored.is_empty() || stored.starts_with("http://") || stored.starts_with("https://") {
        return stored.to_owned();
    }
    let path = stored.trim_start_matches('/');
    match context.config.server.public_url.trim_end_matches('/') {
        // Without a configured origin there is what the request says, and what a trusted proxy says in its place.
        "" => match PublicAddress::of(request).filter(|address| is_host(&address.host)) {
            Some(address) => format!("{}/{path}", address.origin()),
            None => format!("/{path}"),
        },
        origin => format!("{origin}/{path}"),
    }
}

/// A name or an address, with or without a port: nothing that would mean something in a page.
fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_carry_no_markup() {
        for good in ["localhost", "127.0.0.1:8080", "[::1]:80", "run.example.org"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "evil.example\"><x", "a/b", "a b", "a@b", "例.cn"] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
