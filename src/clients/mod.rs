//! The outside services, each as one trait with a sandbox beside the real one. `Outside` holds those that the
//! configuration chose. Nothing in here knows SQL, a use case or a dialect.

mod aliyun;
pub mod certificate;
mod circuit;
pub mod live;
pub mod mail;
pub mod outgoing;
pub mod reach;
pub mod sms;
pub mod sso_notice;
pub mod tls;
pub mod wechat;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use crate::config::Config;
use live::ViewerCount;
use mail::MailProvider;
use sms::SmsProvider;
use sso_notice::Notices;
use wechat::js_config::{self, WeChatPages};
use wechat::login::{self, WeChatLogin};
use wechat::merchant::Merchant;
use wechat::pay::{self, PaymentGateway};

pub struct Outside {
    pub login: Arc<dyn WeChatLogin>,
    pub pages: Arc<dyn WeChatPages>,
    pub payments: Arc<dyn PaymentGateway>,
    /// Who we are to the payment provider under v2 of its interface and in the sandbox; else none.
    pub merchant: Option<Arc<Merchant>>,
    /// None while messages are switched off.
    pub sms: Option<Arc<dyn SmsProvider>>,
    /// None while mail is switched off.
    pub mail: Option<Arc<dyn MailProvider>>,
    /// Tells applications of registrations.
    pub notices: Notices,
    /// None: the rooms of this server count.
    pub viewers: Option<Arc<dyn ViewerCount>>,
    /// For the sandbox's payer, who tells this server itself.
    pub loopback: reqwest::Client,
    own_address: OnceLock<SocketAddr>,
}

impl Outside {
    /// Errors: a provider that does not exist or lacks a setting, named with its key.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        tls::use_ring();
        let merchant = Merchant::from_config(config)?.map(Arc::new);
        Ok(Self {
            sms: sms::provider(config)?,
            mail: mail::provider(config)?,
            notices: Notices::new()?,
            viewers: live::viewer_count(config)?,
            login: login::provider(config)?,
            pages: js_config::provider(config)?,
            payments: pay::provider(config, merchant.as_ref())?,
            merchant,
            loopback: outgoing::client(None)?,
            own_address: OnceLock::new(),
        })
    }

    /// Told once by the start-up, after the public listener is bound.
    pub fn set_own_address(&self, bound: SocketAddr) {
        let ip = match bound.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        // A second listener does not replace the first.
        let _ = self.own_address.set(SocketAddr::new(ip, bound.port()));
    }

    /// Where this server can reach itself; none before it listens.
    pub fn own_address(&self) -> Option<SocketAddr> {
        self.own_address.get().copied()
    }
}
