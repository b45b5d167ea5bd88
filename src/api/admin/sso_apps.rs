//! `sso-apps`: applications of SSO, for owners; and the sandbox's mails.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::error::Entity;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::caller::{By, Owners};
use super::codes::problem;
use super::collections::{Access, Listing};
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::Kind::{Created, Int, Line, Note, Text, Updated};
use crate::service::collections::sso_apps::{self, AppPatch, SsoAppRecord};
use crate::service::collections::{Time, column};
use crate::service::mails;

/// As `SsoAppRecord` is shown. Disabling is what its `DELETE` does, and a change of `status` here.
pub const LISTING: Listing = Listing {
    name: "sso-apps",
    columns: &[
        column("name", Line).required(),
        column("status", Int(0, 1, 1)),
        column("may_register", Int(0, 1, 1)),
        column("notify_url", Text(500)),
        column("ip_allow", Text(20_000)),
        column("ip_bad", Text(20_000)),
        column("note", Text(1_000)),
        column("notify_params", Note),
        column("previous_until", Updated),
        column("create_time", Created),
    ],
    links: &[],
    only_new: &[],
    not_new: &[],
    hidden: &[],
    access: Access::OWNERS,
};

pub fn routes(cfg: &mut ServiceConfig) {
    let one = |context, by, id| collection::one::<SsoAppRecord, Owners>(context, by, id, Entity::Item);
    cfg.service(
        resource("/sso-apps")
            .route(web::get().to(collection::list::<SsoAppRecord, Owners>))
            .route(web::post().to(create)),
    )
    .service(
        resource("/sso-apps/{id}")
            .route(web::get().to(one))
            .route(web::patch().to(change))
            .route(web::delete().to(disable)),
    )
    .service(resource("/sso-apps/{id}/rotate").route(web::post().to(rotate)))
    .service(resource("/mails").route(web::get().to(sandbox_mails)));
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Patch {
    name: Option<String>,
    status: Option<i64>,
    may_register: Option<i64>,
    ip_allow: Option<String>,
    ip_bad: Option<String>,
    notify_url: Option<String>,
    notify_params: Option<Map<String, Value>>,
    note: Option<String>,
}

impl From<Patch> for AppPatch {
    fn from(patch: Patch) -> Self {
        let Patch { name, status, may_register, ip_allow, ip_bad, notify_url, notify_params, note } = patch;
        Self { name, status, may_register, ip_allow, ip_bad, notify_url, notify_params, note }
    }
}

async fn create(context: Data<Context>, by: By<Owners>, write: Write<Patch>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    sso_apps::create(&context, writer, new.into()).await.map(respond).map_err(problem)
}

async fn change(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<Patch>,
) -> Result<HttpResponse, Problem> {
    let (writer, patch) = write.by(by.admin);
    sso_apps::change(&context, writer, *id, patch.into()).await.map(respond).map_err(problem)
}

/// An application is never removed, for the accounts that it made stay.
async fn disable(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    let patch = AppPatch { status: Some(0), ..AppPatch::default() };
    sso_apps::change(&context, writer, *id, patch).await.map(respond).map_err(problem)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Rotation {
    overlap_seconds: i64,
}

async fn rotate(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<Rotation>,
) -> Result<HttpResponse, Problem> {
    let (writer, Rotation { overlap_seconds }) = write.by(by.admin);
    sso_apps::rotate(&context, writer, *id, overlap_seconds).await.map(respond).map_err(problem)
}

/// The last mails of the sandbox, newest first.
async fn sandbox_mails(context: Data<Context>, _: By<Owners>) -> Result<HttpResponse, Problem> {
    let shown = mails::shown(&context).await.map_err(problem)?;
    let rows: Vec<_> = shown
        .into_iter()
        .map(|it| {
            let mail = it.mail;
            json!({"id": it.id, "account_id": it.account, "to": mail.to, "kind": mail.kind, "values": mail.values, "time": Time(it.at)})
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"current_page": 1, "total": rows.len(), "data": rows})))
}
