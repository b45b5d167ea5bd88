mod admin;
mod config;
mod demo;
mod http;
mod layers;
