//! The outside services, each as one trait with a sandbox beside the real one. `Outside` holds those that the
//! configuration chose. Nothing in here knows SQL, a use case or a dialect.

mod aliyun;
mod exchange;
pub mod live;
pub mod sms;
pub mod tls;
pub mod wechat;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use crate::config::Config;
use live::ViewerCount;
use sms::SmsProvider;
use wechat::login::{self, WeChatLogin};
use wechat::pay::{self, Merchant, PaymentGateway};

pub struct Outside {
    pub login: Arc<dyn WeChatLogin>,
    pub payments: Arc<dyn PaymentGateway>,
    /// Who we are to the payment provider; none while there is no provider.
    pub merchant: Option<Merchant>,
    /// None while messages are switched off.
    pub sms: Option<Arc<dyn SmsProvider>>,
    /// None: the rooms of this server count.
    pub viewers: Option<Arc<dyn ViewerCount>>,
    /// One client for all requests that leave this server, so that connections are reused.
    pub http: reqwest::Client,
    own_address: OnceLock<SocketAddr>,
}

impl Outside {
    /// Errors: a provider that does not exist or lacks a setting, named with its key.
    pub fn from_config(config: &Config) -> anyhow::Result<Self> {
        tls::use_ring();
        let http = exchange::client()?;
        Ok(Self {
            sms: sms::provider(config, &http)?,
            viewers: live::viewer_count(config, &http),
            login: login::provider(&config.wechat.provider)?,
            payments: pay::provider(&config.pay.provider)?,
            merchant: Merchant::from_config(config)?,
            http,
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
