mod config;
mod http;
