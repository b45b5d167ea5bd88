//! What the values of a well-typed configuration mean: addresses, origins, keys, and what production demands.

use std::net::SocketAddr;
use std::str::FromStr;

use secrecy::ExposeSecret;
use tracing_subscriber::EnvFilter;

use super::fault::Fault;
use super::keys::{is_key, is_one_byte};
use super::layers::variable_name;
use super::{Config, Environment, RegIdentity};
use crate::clients::tls::{self, Identity};
use crate::clients::wechat::rsa::{SigningKey, VerifyingKey};
use crate::store::sql::db::DatabaseUrl;

pub(super) struct Judge<'c> {
    pub(super) config: &'c Config,
    origin: &'c dyn Fn(&str) -> String,
    faults: Vec<Fault>,
}

/// `origin` tells where the value in force of a key was written.
pub(super) fn faults(config: &Config, origin: &dyn Fn(&str) -> String) -> Vec<Fault> {
    let mut judge = Judge { config, origin, faults: Vec::new() };
    judge.addresses();
    judge.stores();
    judge.amounts();
    judge.choices();
    judge.secrets();
    judge.providers();
    judge.mail();
    judge.faults
}

impl Judge<'_> {
    pub(super) fn refuse(&mut self, key: &str, reason: impl ToString) {
        let origin = (self.origin)(key);
        self.faults.push(Fault::new(origin, key, reason));
    }

    fn addresses(&mut self) {
        let config = self.config;
        for (key, text, may_be_empty) in [
            ("server.bind", &config.server.bind, false),
            ("chat.bind", &config.chat.bind, true),
            ("internal.bind", &config.internal.bind, true),
        ] {
            if !(text.is_empty() && may_be_empty) && SocketAddr::from_str(text).is_err() {
                self.refuse(key, "must be an address and a port such as 127.0.0.1:8080");
            }
        }
        let ports = [
            ("server.bind", &config.server.bind),
            ("chat.bind", &config.chat.bind),
            ("internal.bind", &config.internal.bind),
        ];
        for (index, (key, text)) in ports.iter().enumerate() {
            for (other, taken) in &ports[..index] {
                if let (Ok(address), Ok(taken)) = (SocketAddr::from_str(text), SocketAddr::from_str(taken))
                    && collide(address, taken)
                {
                    self.refuse(key, format!("is the address of {other} already"));
                }
            }
        }
        let url = &config.server.public_url;
        if !url.is_empty() && !is_origin(url) {
            self.refuse("server.public_url", "must be an origin such as https://example.org, without a path");
        }
        for origin in &config.chat.allowed_origins {
            if !is_origin(origin) {
                self.refuse("chat.allowed_origins", "must be origins such as https://example.org, without a path");
            }
        }
    }

    fn stores(&mut self) {
        if self.config.data_dir.is_empty() {
            self.refuse("data_dir", "must name a folder");
        }
        if let Err(reason) = DatabaseUrl::from_str(self.config.database.url.expose_secret()) {
            self.refuse("database.url", reason);
        }
        let redis = self.config.redis.url.expose_secret();
        let known = ["redis://", "rediss://", "unix://"].iter().any(|scheme| redis.starts_with(scheme));
        if !redis.is_empty() && !known {
            self.refuse("redis.url", "must start with redis://");
        }
    }

    fn amounts(&mut self) {
        let config = self.config;
        let chat = &config.chat;
        // An hour a request and ten years a session are beyond any use and far from overflow.
        let (hour, decade) = (3_600, 315_360_000);
        for (key, value, least, most) in [
            ("server.workers", config.server.workers as u64, 0, 1_024),
            ("server.max_connections", config.server.max_connections as u64, 1, 10_000_000),
            ("server.shutdown_timeout_seconds", config.server.shutdown_timeout_seconds, 1, hour),
            ("chat.messages_per_30_seconds", chat.messages_per_30_seconds.into(), 1, 1_000_000),
            ("chat.moderator_messages_per_30_seconds", chat.moderator_messages_per_30_seconds.into(), 1, 1_000_000),
            ("chat.max_characters", chat.max_characters as u64, 1, 10_000),
            ("chat.sockets_per_account", chat.sockets_per_account.into(), 1, 1_000_000),
            ("chat.sockets_per_address", chat.sockets_per_address.into(), 1, 1_000_000),
            ("chat.outbox_bytes", chat.outbox_bytes as u64, 65_536, 1 << 30),
            ("chat.login_timeout_seconds", chat.login_timeout_seconds, 1, hour),
            ("chat.ping_seconds", chat.ping_seconds, 1, hour),
            ("chat.pong_timeout_seconds", chat.pong_timeout_seconds, 1, hour),
            ("admin.session_seconds", config.admin.session_seconds, 60, decade),
            ("chat.close_timeout_seconds", config.chat.close_timeout_seconds, 1, hour),
            ("chat.frames_per_10_seconds", config.chat.frames_per_10_seconds.into(), 100, 1_000_000),
            (
                "chat.lookups_per_30_seconds_per_address",
                config.chat.lookups_per_30_seconds_per_address.into(),
                60,
                1_000_000,
            ),
            ("server.body_bytes", config.server.body_bytes as u64, 64 << 20, 1 << 40),
            (
                "server.body_bytes_per_address",
                config.server.body_bytes_per_address as u64,
                16 << 20,
                config.server.body_bytes as u64,
            ),
            ("server.body_seconds", config.server.body_seconds, 10, hour),
            ("server.stranger_body_seconds", config.server.stranger_body_seconds, 1, config.server.body_seconds),
            ("admin.sign_in_audit_days", config.admin.sign_in_audit_days, 1, 3_650),
            ("admin.previews_per_minute", config.admin.previews_per_minute.into(), 1, 1_000_000),
            ("pictures.per_account_per_day", config.pictures.per_account_per_day.into(), 1, 1_000_000),
            ("pictures.bytes_per_account_per_day", config.pictures.bytes_per_account_per_day, 1 << 20, 1 << 40),
            ("pictures.per_administrator_per_day", config.pictures.per_administrator_per_day.into(), 1, 1_000_000),
            // The largest picture must fit.
            (
                "pictures.bytes_per_administrator_per_day",
                config.pictures.bytes_per_administrator_per_day,
                10 << 20,
                1 << 40,
            ),
            ("pictures.free_disk_bytes", config.pictures.free_disk_bytes, 0, 1 << 50),
            ("h5.session_seconds", config.h5.session_seconds, 60, decade),
            ("h5.browse_flush_seconds", config.h5.browse_flush_seconds, 1, hour),
            ("reg.payment_window_seconds", config.reg.payment_window_seconds, 1, decade),
            ("reg.max_open_places_per_account", config.reg.max_open_places_per_account.into(), 1, 100_000),
            ("limits.logins_per_minute_per_address", config.limits.logins_per_minute_per_address.into(), 1, 1_000_000),
            (
                "limits.enqueues_per_minute_per_account",
                config.limits.enqueues_per_minute_per_account.into(),
                1,
                1_000_000,
            ),
            (
                "limits.certificate_queries_per_minute",
                config.limits.certificate_queries_per_minute.into(),
                1,
                1_000_000,
            ),
            (
                "limits.payment_calls_per_minute_per_account",
                config.limits.payment_calls_per_minute_per_account.into(),
                1,
                1_000_000,
            ),
            (
                "limits.page_configs_per_minute_per_account",
                config.limits.page_configs_per_minute_per_account.into(),
                1,
                1_000_000,
            ),
            ("redis.count_wait_milliseconds", config.redis.count_wait_milliseconds, 1, 60_000),
            ("sms.strangers_per_network_per_day", config.sms.strangers_per_network_per_day.into(), 1, 1_000_000),
            ("sms.strangers_per_phone_per_day", config.sms.strangers_per_phone_per_day.into(), 1, 1_000_000),
            ("sms.per_account_per_day", config.sms.per_account_per_day.into(), 1, 1_000_000),
            ("sms.per_minute", config.sms.per_minute.into(), 1, 1_000_000),
            ("sms.per_day", config.sms.per_day.into(), 1, 100_000_000),
            ("sms.per_phone_per_day", config.sms.per_phone_per_day.into(), 1, 1_000_000),
            ("sms.per_address_per_day", config.sms.per_address_per_day.into(), 1, 1_000_000),
            ("sms.strangers_per_address_per_day", config.sms.strangers_per_address_per_day.into(), 1, 1_000_000),
            ("database.write_check_seconds", config.database.write_check_seconds, 1, hour),
            ("live.address_seconds", config.live.address_seconds, 60, decade),
            ("limits.event_streams", config.limits.event_streams.into(), 1, 1_000_000),
            ("sso.timestamp_deviation_seconds", config.sso.timestamp_deviation_seconds, 1, hour),
            ("sso.confirmation_seconds", config.sso.confirmation_seconds, 60, decade),
            ("sso.checks_per_minute", config.sso.checks_per_minute.into(), 1, 1_000_000),
            (
                "sso.checks_per_minute_per_application",
                config.sso.checks_per_minute_per_application.into(),
                config.sso.checks_per_minute.into(),
                1_000_000,
            ),
            ("sso.pending_days", config.sso.pending_days, 1, 30),
            ("regist.clock_skew_seconds", config.regist.clock_skew_seconds, 1, hour),
            ("regist.tries_per_minute_per_phone", config.regist.tries_per_minute_per_phone.into(), 1, 1_000_000),
            ("regist.tries_per_minute_per_address", config.regist.tries_per_minute_per_address.into(), 1, 1_000_000),
            ("limits.event_streams_per_address", config.limits.event_streams_per_address.into(), 1, 1_000_000),
            ("limits.bundle_downloads", config.limits.bundle_downloads.into(), 1, 1_000_000),
            ("limits.bundle_downloads_per_address", config.limits.bundle_downloads_per_address.into(), 1, 1_000_000),
        ] {
            if !(least..=most).contains(&value) {
                self.refuse(key, format!("must be between {least} and {most}"));
            }
        }
    }

    fn choices(&mut self) {
        let config = self.config;
        for (key, value, allowed) in [
            ("log.format", &config.log.format, &["json", "text"][..]),
            ("pay.sign_type", &config.pay.sign_type, &["MD5", "HMAC-SHA256"]),
            ("wechat.provider", &config.wechat.provider, &["none", "sandbox", "real"]),
            ("sms.provider", &config.sms.provider, &["none", "sandbox", "aliyun", "yuntongxun"]),
            ("live.online", &config.live.online, &["rooms", "aliyun"]),
            ("pay.provider", &config.pay.provider, &["none", "sandbox", "v2", "v3"]),
            ("mail.provider", &config.mail.provider, &["none", "sandbox", "smtp"]),
            ("regist.wrap_mode", &config.regist.wrap_mode, &["ecb", "cbc"]),
            ("regist.wrap_padding", &config.regist.wrap_padding, &["pkcs7", "none"]),
        ] {
            if !allowed.contains(&value.as_str()) {
                self.refuse(key, format!("must be one of {}", allowed.join(", ")));
            }
        }
        let regist = &config.regist;
        if regist.tries_per_minute_per_address < regist.tries_per_minute_per_phone {
            let reason = "must not be less than regist.tries_per_minute_per_phone: one address stands for many phones";
            self.refuse("regist.tries_per_minute_per_address", reason);
        }
        let iv = &regist.wrap_iv;
        if iv.len() != 16 || !iv.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.refuse("regist.wrap_iv", "must be 16 hex digits");
        }
        let of_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-.[]".contains(&byte);
        let of_address = |byte: u8| of_host(byte) || byte == b':';
        let host = regist.public_host.as_str();
        let is_host = if host.starts_with('[') { host.bytes().all(of_address) } else { host.bytes().all(of_host) };
        if !is_host {
            self.refuse("regist.public_host", "must be a host without a port, such as race.example");
        }
        if config.reg.identity == RegIdentity::Trusting && config.reg.trusting_networks.is_empty() {
            self.refuse("reg.identity", "trusting needs reg.trusting_networks, or it believes nobody");
        }
        let proxies = &config.server.trusted_proxies;
        if config.reg.trusting_networks.iter().any(|network| proxies.iter().any(|proxy| proxy.overlaps(network))) {
            let reason = "overlaps server.trusted_proxies: what comes through a proxy would act as any account. Name the \
                          proxies and the front ends by networks that have no address in common";
            self.refuse("reg.trusting_networks", reason);
        }
        if let Err(error) = EnvFilter::try_new(&config.log.level) {
            self.refuse("log.level", error);
        }
    }

    fn secrets(&mut self) {
        let config = self.config;
        let production = config.environment == Environment::Production;
        for (key, secret) in
            [("secrets.token_key", &config.secrets.token_key), ("secrets.data_key", &config.secrets.data_key)]
        {
            let text = secret.expose_secret();
            if text.is_empty() {
                if production {
                    // Not where the empty default was written, but where the secret belongs.
                    let reason = "is required in production: 64 hex digits, kept secret";
                    self.faults.push(Fault::new(variable_name(key), key, reason));
                }
            } else if !is_key(text) {
                self.refuse(key, "must be 64 hex digits");
            } else if production && is_one_byte(text) {
                self.refuse(key, "repeats one byte: draw it, as with openssl rand -hex 32");
            }
        }
        let token = config.secrets.token_key.expose_secret();
        if !token.is_empty() && token == config.secrets.data_key.expose_secret() {
            self.refuse("secrets.data_key", "must differ from secrets.token_key");
        }
        let password = config.admin.password.expose_secret();
        if !password.is_empty() && password.chars().count() < 8 {
            self.refuse("admin.password", "must have 8 characters or more");
        }
    }

    fn providers(&mut self) {
        let config = self.config;
        self.sms();
        self.live();
        if config.environment == Environment::Production {
            for (key, provider) in [
                ("wechat.provider", &config.wechat.provider),
                ("sms.provider", &config.sms.provider),
                ("pay.provider", &config.pay.provider),
                ("mail.provider", &config.mail.provider),
            ] {
                if provider == "sandbox" {
                    self.refuse(key, "sandbox is refused in production");
                }
            }
        }
        self.wechat();
        self.payment();
    }

    fn require(&mut self, key: &str, value: &str, because: &str) {
        if value.is_empty() {
            self.refuse(key, format!("is required by {because}"));
        }
    }

    /// Where a real provider is.
    fn service(&mut self, key: &str, url: &str) {
        let secure = url.starts_with("https://") || self.config.environment != Environment::Production;
        if !is_origin(url) || !secure {
            self.refuse(key, "must be an origin such as https://example.org, without a path; https in production");
        }
    }

    fn wechat(&mut self) {
        let config = self.config;
        if config.wechat.provider == "real" {
            self.service("wechat.base_url", &config.wechat.base_url);
            self.require("wechat.app_id", &config.wechat.app_id, "wechat.provider");
            self.require("wechat.app_secret", config.wechat.app_secret.expose_secret(), "wechat.provider");
        }
    }

    fn payment(&mut self) {
        let (config, pay) = (self.config, &self.config.pay);
        let because = match pay.provider.as_str() {
            "v2" => "pay.provider v2",
            "v3" => "pay.provider v3",
            _ => return,
        };
        self.service("pay.base_url", &pay.base_url);
        self.require("wechat.app_id", &config.wechat.app_id, because);
        self.require("server.public_url", &config.server.public_url, because);
        if pay.mch_id.is_empty() || !pay.mch_id.bytes().all(|byte| byte.is_ascii_digit()) {
            self.refuse("pay.mch_id", "must be the merchant's number, digits only");
        }
        let key = pay.private_key.expose_secret();
        if let Err(reason) = SigningKey::from_pem(key) {
            self.refuse("pay.private_key", format!("{reason:#}"));
        } else if pay.provider == "v2" {
            let identity = Identity { certificate: pay.certificate.expose_secret(), private_key: key };
            if let Err(reason) = tls::config(Some(&identity)) {
                self.refuse("pay.certificate", format!("{reason:#}"));
            }
        }
        if pay.provider == "v2" {
            if pay.api_key.expose_secret().len() != 32 {
                self.refuse("pay.api_key", "must have 32 characters");
            }
            return;
        }
        if pay.api_v3_key.expose_secret().len() != 32 {
            self.refuse("pay.api_v3_key", "must have 32 bytes");
        }
        let serial = &pay.certificate_serial;
        if serial.is_empty() || !serial.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.refuse("pay.certificate_serial", "must be the serial number of the merchant's certificate, hex");
        }
        let platform = pay.platform_public_key.expose_secret();
        if platform.is_empty() != pay.platform_public_key_id.is_empty() {
            self.refuse("pay.platform_public_key_id", "the key and its id come together");
        } else if !platform.is_empty()
            && let Err(reason) = VerifyingKey::from_public_key(platform)
        {
            self.refuse("pay.platform_public_key", format!("{reason:#}"));
        }
    }
}

impl Judge<'_> {
    /// A real provider needs its keys.
    fn sms(&mut self) {
        let sms = &self.config.sms;
        let own = match sms.provider.as_str() {
            "aliyun" => ("sms.sign_name", &sms.sign_name),
            "yuntongxun" => ("sms.app_id", &sms.app_id),
            _ => return,
        };
        for (key, value) in [
            ("sms.key_id", sms.key_id.as_str()),
            ("sms.key_secret", sms.key_secret.expose_secret()),
            (own.0, own.1),
            ("sms.code_template", &sms.code_template),
        ] {
            if value.is_empty() {
                self.refuse(key, format!("is required by sms.provider = {:?}", sms.provider));
            }
        }
        if !sms.base_url.is_empty() && !is_http(&sms.base_url) {
            self.refuse("sms.base_url", "must start with https://");
        }
    }

    fn live(&mut self) {
        let live = &self.config.live;
        for (key, host) in [("live.play_domain", &live.play_domain), ("live.push_domain", &live.push_domain)] {
            if !host.is_empty() && !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:".contains(&byte)) {
                self.refuse(key, "must be a host such as live.example.org");
            }
        }
        if !live.app_name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            self.refuse("live.app_name", "must have letters, digits, - and _ only");
        }
        if !live.base_url.is_empty() && !is_http(&live.base_url) {
            self.refuse("live.base_url", "must start with https://");
        }
        if live.online == "aliyun" {
            for (key, value) in [
                ("live.play_domain", live.play_domain.as_str()),
                ("live.app_name", &live.app_name),
                ("live.key_id", &live.key_id),
                ("live.key_secret", live.key_secret.expose_secret()),
            ] {
                if value.is_empty() {
                    self.refuse(key, "is required by live.online = \"aliyun\"");
                }
            }
        }
    }
}

/// Whether the second of two listeners would find its port taken.
fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let everywhere = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0
        && one.port() == other.port()
        && (one.ip() == other.ip() || (everywhere && one.is_ipv4() == other.is_ipv4()))
}

fn is_http(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// `https://host[:port]` and nothing after it.
fn is_origin(text: &str) -> bool {
    text.parse::<actix_web::http::Uri>().is_ok_and(|uri| {
        is_http(text)
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && uri.path() == "/"
            && uri.query().is_none()
            && !text.ends_with('/')
    })
}
