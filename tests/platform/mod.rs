mod admin;
mod admin_money;
mod config;
mod demo;
mod guards;
mod http;
mod layers;
mod providers;
