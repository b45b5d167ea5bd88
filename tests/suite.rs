//! All integration tests, one program. The tree mirrors `src`.

mod support;

mod h5;
mod crash;
mod platform;
mod reg;
mod store;
