//! `login`, `logout`, `me`, and `setup` and `reset` through one-time links.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use actors::domain::account::Admin;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Anyone, Bearer, By};
use super::codes::problem;
use super::request::Body;
use super::resource;
use crate::api::client_address::ClientAddress;
use crate::api::problem::Problem;
use crate::api::times;
use crate::context::Context;
use crate::service::admin_links;
use crate::service::admins::{self, SignedIn};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/login").route(web::post().to(login)))
        .service(resource("/logout").route(web::post().to(logout)))
        .service(resource("/setup").route(web::post().to(set_up)))
        .service(resource("/reset").route(web::post().to(reset)))
        .service(resource("/me").route(web::get().to(me)));
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
}

async fn login(
    context: Data<Context>,
    ClientAddress(address): ClientAddress,
    Body(login): Body<Login>,
) -> Result<HttpResponse, Problem> {
    let session = admins::sign_in(&context, address, &login.username, &login.password).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(signed_in(&session)))
}

#[derive(Deserialize)]
struct SetUp {
    token: String,
    username: String,
    password: String,
}

async fn set_up(
    context: Data<Context>,
    ClientAddress(address): ClientAddress,
    Body(setup): Body<SetUp>,
) -> Result<HttpResponse, Problem> {
    let session =
        admins::set_up(&context, address, &setup.token, &setup.username, &setup.password).await.map_err(problem)?;
    Ok(HttpResponse::Created().json(signed_in(&session)))
}

#[derive(Deserialize)]
struct Reset {
    token: String,
    password: String,
}

async fn reset(
    context: Data<Context>,
    ClientAddress(address): ClientAddress,
    Body(reset): Body<Reset>,
) -> Result<HttpResponse, Problem> {
    let session = admin_links::reset(&context, address, &reset.token, &reset.password).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(signed_in(&session)))
}

async fn logout(
    context: Data<Context>,
    by: By<Anyone>,
    ClientAddress(address): ClientAddress,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, Problem> {
    if let Some(Bearer(token)) = Bearer::of(&request) {
        admins::sign_out(&context, by.admin, address, &token).await.map_err(problem)?;
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn me(admin: By<Anyone>) -> HttpResponse {
    HttpResponse::Ok().json(person(&admin))
}

fn signed_in(session: &SignedIn) -> Value {
    json!({
        "token": session.token,
        "expires_at": times::rfc3339(session.expires_at),
        "admin": person(&session.admin),
    })
}

fn person(admin: &Admin) -> Value {
    json!({"id": admin.id, "username": admin.username, "role": admin.role})
}
