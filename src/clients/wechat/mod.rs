//! WeChat: sign-in by page authorisation code, what pages need to call WeChat, and JSAPI payment in both versions of its
//! interface (v2: XML and a shared key; v3: JSON and RSA).

mod api;
pub mod bill;
pub mod js_config;
pub mod login;
pub mod merchant;
pub mod notice;
pub mod pay;
mod platform_keys;
pub mod rsa;
pub mod sign;
mod v2;
mod v3;
mod v3_identity;
pub mod xml;
