//! Every setting, typed. Layers: built-in `config/default.toml` ← `config/<MATCHDAY_ENV>.toml` ← environment
//! `MATCHDAY__SECTION__KEY` ← command line. `layers` joins them, `validate` judges what the values mean; every fault is
//! told at once, with its origin.

mod fault;
mod keys;
mod layers;
pub mod network;
pub mod origin;
pub mod unnamed;
mod validate;
mod validate_mail;

use secrecy::SecretString;
use serde::Deserialize;

pub use fault::{Fault, Faults};
pub use keys::{KeyFile, ensure_keys, look_at_keys};
pub use layers::{Loaded, Sources};
use network::Network;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Not a key: named by `MATCHDAY_ENV`.
    #[serde(skip)]
    pub environment: Environment,
    pub server: Server,
    pub chat: Chat,
    pub internal: Internal,
    /// Uploads, generated secrets, the default database.
    pub data_dir: String,
    pub database: Database,
    pub redis: Redis,
    pub admin: AdminSettings,
    pub demo: bool,
    pub reg: Reg,
    pub h5: H5,
    pub limits: Limits,
    pub secrets: Secrets,
    pub wechat: WeChat,
    pub sms: Sms,
    pub live: Live,
    pub pay: Pay,
    pub mail: Mail,
    pub pictures: Pictures,
    pub sso: Sso,
    pub regist: Regist,
    pub log: Log,
}

/// How strictly a node is judged. Every `MATCHDAY_ENV` but `development` is held to production's rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Environment {
    Development,
    #[default]
    Production,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub bind: String,
    /// Origin of absolute links, `https://example.org`; empty = from the Host header.
    pub public_url: String,
    /// HTTP workers; 0 = one per core.
    pub workers: usize,
    /// Addresses or networks (CIDR) whose forwarded headers are believed.
    pub trusted_proxies: Vec<Network>,
    pub max_connections: usize,
    /// Bytes of request bodies in memory at once, in all and of one network address.
    pub body_bytes: usize,
    pub body_bytes_per_address: usize,
    /// How long a whole body may take, of a caller who is known by the headers and of any other.
    pub body_seconds: u64,
    pub stranger_body_seconds: u64,
    pub shutdown_timeout_seconds: u64,
    /// How long connections are still taken after readiness turned red.
    pub drain_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chat {
    /// The seed's port; empty = off.
    pub bind: String,
    /// Origins that may open a socket; empty = any.
    pub allowed_origins: Vec<String>,
    pub messages_per_30_seconds: u32,
    pub moderator_messages_per_30_seconds: u32,
    pub max_characters: usize,
    pub sockets_per_account: u32,
    pub sockets_per_address: u32,
    /// Requests that sockets without an account may make, all of one address.
    pub lookups_per_30_seconds_per_address: u32,
    /// Frames of any kind of one socket.
    pub frames_per_10_seconds: u32,
    pub outbox_bytes: usize,
    pub login_timeout_seconds: u64,
    pub ping_seconds: u64,
    pub pong_timeout_seconds: u64,
    /// How long a closing socket waits for its peer.
    pub close_timeout_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Internal {
    pub bind: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub url: SecretString,
    /// How often a row is written to learn whether the database can be written.
    pub write_check_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// Empty = one node, in process.
    pub url: SecretString,
    /// How long a decision of a limit waits for Redis before this node decides alone.
    pub count_wait_milliseconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    pub password: SecretString,
    pub session_seconds: u64,
    /// How long the audit trail keeps sign-ins, failed ones and sign-outs.
    pub sign_in_audit_days: u64,
    /// Looks of one administrator at what cleaning leaves of a rich text.
    pub previews_per_minute: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reg {
    pub payment_window_seconds: u64,
    /// Places of one game that an account may keep without paying.
    pub max_open_places_per_account: u32,
    pub identity: RegIdentity,
    /// Networks (CIDR) from which `identity = "trusting"` believes a `user_id`.
    pub trusting_networks: Vec<Network>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegIdentity {
    Session,
    Trusting,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct H5 {
    pub session_seconds: u64,
    /// Openings of videos and lives wait so long to be added to their rows.
    pub browse_flush_seconds: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// `false` switches off the limits per person and address (load tests, private networks).
    pub enabled: bool,
    pub logins_per_minute_per_address: u32,
    pub enqueues_per_minute_per_account: u32,
    pub certificate_queries_per_minute: u32,
    /// Calls of one account that may make this server call the payment provider.
    pub payment_calls_per_minute_per_account: u32,
    /// Signatures for pages (`wxconfig`) of one account.
    pub page_configs_per_minute_per_account: u32,
    /// Open streams of queue events, on this node and of one network address.
    pub event_streams: u32,
    pub event_streams_per_address: u32,
    /// Downloads of a draw's bundle at the same time, on this node and of one network address.
    pub bundle_downloads: u32,
    pub bundle_downloads_per_address: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secrets {
    /// 64 hex: MAC key of queue tokens.
    pub token_key: SecretString,
    /// 64 hex: encryption key of personal data.
    pub data_key: SecretString,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeChat {
    /// `real`, `sandbox` or `none`.
    pub provider: String,
    pub base_url: String,
    pub app_id: String,
    pub app_secret: SecretString,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sms {
    /// `sandbox`, `aliyun`, `yuntongxun` or `none`.
    pub provider: String,
    /// Empty = the provider's own.
    pub base_url: String,
    /// Aliyun's AccessKeyId, Yuntongxun's account SID.
    pub key_id: String,
    /// Aliyun's AccessKeySecret, Yuntongxun's token.
    pub key_secret: SecretString,
    /// Yuntongxun only.
    pub app_id: String,
    /// Aliyun only.
    pub sign_name: String,
    /// Templates; an empty one of the last two means that such messages are not sent.
    pub code_template: String,
    pub order_closed_template: String,
    pub membership_over_template: String,
    pub per_phone_per_day: u32,
    pub per_address_per_day: u32,
    /// Codes that callers of one address who are not signed in may have sent on a day.
    pub strangers_per_address_per_day: u32,
    /// The same for one IPv6 /48.
    pub strangers_per_network_per_day: u32,
    /// Of one phone's codes, those that callers who are not signed in may have sent on a day, and as many again signed-in
    /// ones.
    pub strangers_per_phone_per_day: u32,
    /// Codes that one signed-in account may have sent on a day.
    pub per_account_per_day: u32,
    /// Codes of everybody together.
    pub per_minute: u32,
    pub per_day: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Host of playback; empty = only addresses that are stored with a live.
    pub play_domain: String,
    /// Host that streams are pushed to; empty = none.
    pub push_domain: String,
    pub app_name: String,
    /// Keys of signed addresses; empty = they are not signed.
    pub play_key: SecretString,
    pub push_key: SecretString,
    pub address_seconds: u64,
    /// Who counts viewers: `rooms` or `aliyun`.
    pub online: String,
    /// Empty = Aliyun's own.
    pub base_url: String,
    pub key_id: String,
    pub key_secret: SecretString,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pay {
    /// `v2`, `v3`, `sandbox` or `none`.
    pub provider: String,
    pub base_url: String,
    pub mch_id: String,
    /// v2: the key that both sides sign with.
    pub api_key: SecretString,
    /// v2: `MD5` or `HMAC-SHA256`.
    pub sign_type: String,
    /// v3: 32 bytes that seal notices and certificates.
    pub api_v3_key: SecretString,
    /// PEM of our RSA key: v3 signs with it, v2 proves with it who asks for a refund.
    pub private_key: SecretString,
    /// v2: PEM of our certificate, for refunds.
    pub certificate: SecretString,
    /// v3: our certificate's serial number, hex.
    pub certificate_serial: String,
    /// v3: PEM of the provider's public key and its id, where it gives one in place of certificates.
    pub platform_public_key: SecretString,
    pub platform_public_key_id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// `smtp`, `sandbox` or `none`.
    pub provider: String,
    /// `smtps://host:465`, or `smtp://host:587` with STARTTLS.
    pub url: String,
    pub username: String,
    pub password: SecretString,
    /// The address that mails come from.
    pub from: String,
}

/// What people may send as pictures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// Pictures and their bytes that one account may send on a day, and one administrator.
    pub per_account_per_day: u32,
    pub bytes_per_account_per_day: u64,
    pub per_administrator_per_day: u32,
    pub bytes_per_administrator_per_day: u64,
    /// With less free space on the disk of `data_dir` or of its uploads no picture is taken.
    pub free_disk_bytes: u64,
}

/// The encrypted SSO registration API. Patterns are matched as a whole, in any case; `*` stands for any characters.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sso {
    /// `false`: nobody can register.
    pub registration: bool,
    /// How far a call's timestamp may be off, to either side.
    pub timestamp_deviation_seconds: u64,
    pub need_mail: bool,
    /// A new account waits until the link in its mail was opened.
    pub confirm_mail: bool,
    /// How long such a link is good.
    pub confirmation_seconds: u64,
    pub bad_names: Vec<String>,
    /// Patterns of addresses; where there are any, no other address is taken and `bad_mails` is not asked.
    pub allowed_mails: Vec<String>,
    pub bad_mails: Vec<String>,
    /// Questions whether a name or address is free, of one network address and of one application from wherever.
    pub checks_per_minute: u32,
    pub checks_per_minute_per_application: u32,
    /// Days after its last link when an account that was never confirmed gives its name and address back.
    pub pending_days: u64,
}

/// The HAWK-signed registration API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regist {
    /// How far a caller's clock may be off, to either side.
    pub clock_skew_seconds: u64,
    pub require_payload_hash: bool,
    /// Host and port that callers sign, where they cannot be told from the request; empty and 0: from the request.
    pub public_host: String,
    pub public_port: u16,
    /// How passwords are wrapped: mode `ecb` or `cbc`, the IV of `cbc` (16 hex), padding `pkcs7` or `none`.
    pub wrap_mode: String,
    pub wrap_iv: String,
    pub wrap_padding: String,
    /// Patterns of user names that nobody can have, as in `sso.bad_names`.
    pub bad_names: Vec<String>,
    /// Registrations that may be tried for one phone.
    pub tries_per_minute_per_phone: u32,
    /// Registrations that one network address may try; a web site has one for all of its visitors.
    pub tries_per_minute_per_address: u32,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// A filter such as `info,matchday=debug`.
    pub level: String,
    /// `json` or `text`.
    pub format: String,
}
