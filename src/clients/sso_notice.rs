//! Telling an application of SSO that somebody was registered: a signed form to the address that its administrator set.
//! Each application has its own circuit, so that one that is away holds up nobody else's.

use std::net::IpAddr;
use std::sync::Arc;

use actors::error::Provider;
use quick_cache::sync::Cache;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::outgoing::{self, Limits, Outgoing, Retry};
use crate::byte_order_mark;

/// Applications whose circuits are remembered.
const REMEMBERED: usize = 1_000;
/// What the original adds to the address.
const QUERY: &str = "m=sso&c=notify&a=reg";

/// Whether what is sent to this address travels readable through networks of others. The notice's form has the
/// application's key in it, and the key, the code and what is known of the text give the secret away.
pub fn can_be_overheard(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(is_near);
    url.scheme() == "http" && !near
}

fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// What one application is told.
#[derive(Debug, Clone)]
pub struct Notice {
    pub app: i64,
    /// `http://…` or `https://…`, without a fragment.
    pub url: String,
    pub form: Vec<(String, String)>,
}

pub struct Notices {
    client: Client,
    ways: Cache<i64, Arc<Outgoing>>,
}

#[derive(Deserialize)]
struct Reply {
    msg: String,
}

impl Notices {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self { client: outgoing::client(None)?, ways: Cache::new(REMEMBERED) })
    }

    /// Tells it. Errors: why it was not taken, in words for administrators and of no person.
    pub async fn send(&self, notice: &Notice) -> Result<(), String> {
        let way = self
            .ways
            .get_or_insert_with::<_, std::convert::Infallible>(&notice.app, || {
                Ok(Arc::new(Outgoing::sharing(self.client.clone(), Provider::Application)))
            })
            .unwrap_or_else(|never| match never {});
        let separator = if notice.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{separator}{QUERY}", notice.url);
        let body = serde_urlencoded::to_string(&notice.form).map_err(|error| error.to_string())?;
        let request = |client: &Client| {
            client.post(&url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.clone())
        };
        let answer = way.send(Retry::Unsent, Limits::USUAL, request).await;
        let answer = answer.map_err(|_| "the application does not answer, or with a fault of its own".to_owned())?;
        if !answer.status.is_success() {
            return Err(format!("the application answers HTTP {}", answer.status.as_u16()));
        }
        match serde_json::from_slice::<Reply>(byte_order_mark::without(&answer.body)) {
            Ok(reply) if reply.msg == "success" => Ok(()),
            Ok(_) => Err("the application's msg is not success".to_owned()),
            Err(_) => Err("the application's answer is not JSON with a msg".to_owned()),
        }
    }
}
