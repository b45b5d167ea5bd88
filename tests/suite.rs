//! All integration tests, one program. The tree mirrors `src`.

mod support;

mod platform;
mod store;
mod ws;
