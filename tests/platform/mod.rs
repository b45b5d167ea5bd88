mod admin;
mod admin_content;
mod admin_money;
mod config;
mod demo;
mod guards;
mod http;
mod layers;
