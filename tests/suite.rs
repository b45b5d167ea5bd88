//! All integration tests, one program. The tree mirrors `src`.

mod support;

mod platform;
mod reg;
mod store;
