pub mod cmd;
pub mod times;
