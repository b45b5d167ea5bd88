//! WeChat: sign-in by page authorisation code and JSAPI payment (v2), with the signature and the XML both need.

pub mod login;
pub mod notice;
pub mod pay;
pub mod sign;
pub mod xml;
