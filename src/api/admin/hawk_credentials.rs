//! `hawk-credentials`: owners only. The answer to a POST holds the key, and no other answer does.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::error::{DomainError, Entity};
use serde::{Deserialize, Deserializer};

use super::caller::{By, Owners};
use super::codes::problem;
use super::collections::{Access, Listing};
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::Kind::{Created, Int, Line, Ref, Text};
use crate::service::collections::hawk_credentials::{self, CredentialPatch};
use crate::service::collections::{Answer, HawkCredentialRecord, column};
use crate::service::hawk::{Algorithm, Class, Wanted};

/// As `HawkCredentialRecord` is shown.
pub const LISTING: Listing = Listing {
    name: "hawk-credentials",
    columns: &[
        column("hawk_id", Line).required(),
        column("class", Line).required(),
        column("algorithm", Text(10)),
        column("agent_id", Ref("", Entity::Item)).of("agents"),
        column("status", Int(0, 1, 1)),
        column("note", Text(200)),
        column("create_time", Created),
    ],
    links: &[],
    only_new: &["hawk_id", "algorithm"],
    not_new: &["status"],
    hidden: &[],
    access: Access::OWNERS,
};

pub fn routes(cfg: &mut ServiceConfig) {
    let one = |context, by, id| collection::one::<HawkCredentialRecord, Owners>(context, by, id, Entity::Item);
    cfg.service(
        resource("/hawk-credentials")
            .route(web::get().to(collection::list::<HawkCredentialRecord, Owners>))
            .route(web::post().to(create)),
    )
    .service(resource("/hawk-credentials/{id}").route(web::get().to(one)).route(web::patch().to(change)));
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    hawk_id: String,
    class: String,
    #[serde(default)]
    algorithm: Option<String>,
    #[serde(default)]
    agent_id: Option<i64>,
    #[serde(default)]
    note: String,
}

fn class(text: &str) -> Result<Class, Problem> {
    Class::parse(text).ok_or_else(|| problem(DomainError::field("class", "must be official or agent")))
}

async fn create(context: Data<Context>, by: By<Owners>, write: Write<New>) -> Result<HttpResponse, Problem> {
    let (writer, new) = write.by(by.admin);
    let algorithm = Algorithm::parse(new.algorithm.as_deref().unwrap_or("sha256"))
        .ok_or_else(|| problem(DomainError::field("algorithm", "must be sha256 or sha1")))?;
    let class = class(&new.class)?;
    let wanted = Wanted { hawk_id: new.hawk_id, algorithm, class, agent_id: new.agent_id, note: new.note };
    let made = hawk_credentials::create(&context, writer, wanted).await.map_err(problem)?;
    let Answer { status, body } = made.answer;
    let mut members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&body).unwrap_or_default();
    members.insert("hawk_key".to_owned(), made.key.into());
    Ok(respond(Answer { status, body: serde_json::Value::Object(members).to_string() }))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Patch {
    class: Option<String>,
    #[serde(deserialize_with = "given")]
    agent_id: Option<Option<i64>>,
    status: Option<i64>,
    note: Option<String>,
}

/// A member that is there, null or not.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

async fn change(
    context: Data<Context>,
    by: By<Owners>,
    id: Path<i64>,
    write: Write<Patch>,
) -> Result<HttpResponse, Problem> {
    let (writer, Patch { class: class_name, agent_id, status, note }) = write.by(by.admin);
    let class = class_name.as_deref().map(class).transpose()?;
    let patch = CredentialPatch { class, agent_id, status, note };
    hawk_credentials::change(&context, writer, *id, patch).await.map(respond).map_err(problem)
}
