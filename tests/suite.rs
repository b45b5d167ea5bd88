//! All integration tests, one program. The tree mirrors `src`.

mod support;

mod bench;
mod crash;
mod dialects;
mod draw;
mod fuzz;
mod h5;
mod people;
mod platform;
mod reg;
mod regist;
mod sso;
mod store;
mod ws;
