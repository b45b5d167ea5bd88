//! All integration tests, one program. The tree mirrors `src`.

mod support;

mod crash;
mod platform;
mod store;
