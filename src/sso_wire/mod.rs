//! What both sides of SSO write and read: the sealed part of a message, its signature, and the way JSON is written.

pub mod cipher;
pub mod json;
