mod admin;
mod config;
mod demo;
mod guards;
mod http;
mod layers;
