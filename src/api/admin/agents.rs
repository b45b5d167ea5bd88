//! `agents`: owners only, who see phones in full. Passwords go in and never come out.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use serde::Deserialize;

use super::caller::{By, Owners};
use super::codes::problem;
use super::collections::{Access, Listing};
use super::hawk_credentials::given;
use super::request::{PageQuery, Paged, Write, respond};
use super::resource;
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::Kind::{Created, Int, Joined, Line, Note, Phone, Text};
use crate::service::collections::agents::{self, AgentPatch};
use crate::service::collections::column;

/// As `AgentRecord` is shown.
pub const LISTING: Listing = Listing {
    name: "agents",
    columns: &[
        column("name", Line).required(),
        column("username", Line).required(),
        column("type_code", Text(200)),
        column("type_name", Text(200)),
        column("mobile", Phone),
        column("password", Text(agents::LONGEST_PASSWORD)),
        column("has_password", Note),
        column("account_id", Joined).of("accounts"),
        column("status", Int(0, 1, 1)),
        column("create_time", Created),
    ],
    links: &[],
    only_new: &[],
    not_new: &[],
    hidden: &["password"],
    access: Access::OWNERS,
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/agents").route(web::get().to(list)).route(web::post().to(create)))
        .service(resource("/agents/{id}").route(web::get().to(one)).route(web::patch().to(change)));
}

async fn list(context: Data<Context>, _by: By<Owners>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let (search, page, size) = query.checked()?;
    let found = agents::page(&context, search, page, size).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(Paged { current_page: page, total: found.total, data: found.rows }))
}

async fn one(context: Data<Context>, _by: By<Owners>, id: Path<i64>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(agents::one(&context, *id).await.map_err(problem)?))
}

/// A new agent, or what is to change of one.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Given {
    name: Option<String>,
    username: Option<String>,
    type_code: Option<String>,
    type_name: Option<String>,
    password: Option<String>,
    #[serde(deserialize_with = "given")]
    mobile: Option<Option<String>>,
    status: Option<i64>,
    /// Only null, which takes the bound account away.
    #[serde(deserialize_with = "given")]
    account_id: Option<Option<()>>,
}

impl Given {
    fn patch(self) -> AgentPatch {
        AgentPatch {
            name: self.name,
            username: self.username,
            type_code: self.type_code,
            type_name: self.type_name,
            password: self.password,
            mobile: self.mobile,
            status: self.status,
            unbind: self.account_id.is_some(),
        }
    }
}

async fn create(context: Data<Context>, by: By<Owners>, write: Write<Given>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    agents::create(&context, writer, new.patch()).await.map(respond).map_err(problem)
}

async fn change(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<Given>,
) -> Result<HttpResponse, Problem> {
    let (writer, patch) = write.by(by.admin);
    agents::change(&context, writer, *id, patch.patch()).await.map(respond).map_err(problem)
}
