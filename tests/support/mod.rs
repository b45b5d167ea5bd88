//! Servers and clients for tests.

pub mod chat;
