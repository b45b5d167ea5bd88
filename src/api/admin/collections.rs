//! `GET collections`: what there is for the caller, what a row of each has, and what the caller may do with it, so that
//! pages draw tables and forms from it. A collection of plain columns is here by its description; another one gives a
//! `Listing` beside its routes.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use actors::domain::account::Role;
use serde_json::{Map, Value, json};

use super::caller::{Anyone, By, Editors, Group, Owners};
use super::codes::problem;
use super::request::Body;
use super::{agents, games, hawk_credentials, resource, sso_apps, table};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::{Column, Kind, Link, column, fields};
use crate::service::{rich_text, sms};

/// Whether a role may.
pub type Admits = fn(Role) -> bool;

pub fn nobody(_: Role) -> bool {
    false
}

/// Who may do what with a collection.
#[derive(Clone, Copy)]
pub struct Access {
    pub read: Admits,
    pub create: Admits,
    pub change: Admits,
    pub delete: Admits,
}

impl Access {
    /// Owners only, and nothing is deleted.
    pub const OWNERS: Self =
        Self { read: Owners::admits, create: Owners::admits, change: Owners::admits, delete: nobody };
}

/// A collection as pages draw it.
pub struct Listing {
    pub name: &'static str,
    pub columns: &'static [Column],
    pub links: &'static [Link],
    /// Columns that a new row takes and a change does not, and the other way round.
    pub only_new: &'static [&'static str],
    pub not_new: &'static [&'static str],
    /// Columns that are written and never shown.
    pub hidden: &'static [&'static str],
    pub access: Access,
}

/// The messages of the sandbox.
const MESSAGES: Listing = Listing {
    name: "sms",
    columns: &[
        column("phone", Kind::Note),
        column("kind", Kind::Note),
        column("values", Kind::Note),
        column("time", Kind::Created),
    ],
    links: &[],
    only_new: &[],
    not_new: &[],
    hidden: &[],
    access: Access { read: Owners::admits, create: nobody, change: nobody, delete: nobody },
};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/collections").route(web::get().to(list)))
        .service(resource("/rich-text").route(web::post().to(preview)));
}

async fn list(context: Data<Context>, by: By<Anyone>) -> HttpResponse {
    let mut listings = table::listings();
    listings.extend([games::LISTING, agents::LISTING, hawk_credentials::LISTING, sso_apps::LISTING]);
    if sms::is_sandbox(&context) {
        listings.push(MESSAGES);
    }
    let role = by.role;
    let seen: Vec<Value> = listings.iter().filter(|it| (it.access.read)(role)).map(|it| shown(it, role)).collect();
    HttpResponse::Ok().json(json!({"collections": seen}))
}

fn shown(listing: &Listing, role: Role) -> Value {
    let Access { create, change, delete, .. } = listing.access;
    json!({
        "name": listing.name,
        "title": title(listing.columns),
        "may": {"create": create(role), "change": change(role), "delete": delete(role)},
        "columns": listing.columns.iter()
            .filter(|it| !matches!(it.kind, Kind::PhoneKey))
            .map(|it| member(it, listing))
            .collect::<Vec<_>>(),
        "links": listing.links.iter().map(link).collect::<Vec<_>>(),
    })
}

/// The column that a row is called by.
fn title(columns: &[Column]) -> &'static str {
    let line = |it: &&Column| matches!(it.kind, Kind::Line);
    let text = |it: &&Column| matches!(it.kind, Kind::Code | Kind::Note | Kind::Address);
    columns.iter().find(line).or_else(|| columns.iter().find(text)).map_or("id", |it| it.name)
}

/// A column: what is false, empty or without a bound is left out.
fn member(column: &Column, listing: &Listing) -> Value {
    let mut told = Map::from_iter([("name".to_owned(), column.name.into())]);
    let mut tell = |name: &str, value: Value| told.insert(name.to_owned(), value);
    tell("kind", kind(column.kind).into());
    let marks = [
        ("required", column.required),
        ("read_only", column.read_only),
        ("private", column.private),
        ("picture", column.picture),
        ("only_new", listing.only_new.contains(&column.name)),
        ("not_new", listing.not_new.contains(&column.name)),
        ("hidden", listing.hidden.contains(&column.name)),
        ("nullable", matches!(column.kind, Kind::OptTime | Kind::Ref(..) | Kind::Phone)),
    ];
    for (name, _) in marks.iter().filter(|(_, holds)| *holds) {
        tell(name, true.into());
    }
    if let Kind::Int(least, most, unset) = column.kind {
        tell("least", least.into());
        tell("most", most.into());
        tell("unset", unset.into());
    }
    if let Some(most) = fields::most_characters(column.kind) {
        tell("most", most.into());
    }
    if !column.of.is_empty() {
        tell("of", column.of.into());
    }
    if !column.not_before.is_empty() {
        tell("not_before", column.not_before.into());
    }
    Value::Object(told)
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Line => "line",
        Kind::Text(_) => "text",
        Kind::Rich => "rich",
        Kind::Address => "address",
        Kind::Day => "day",
        Kind::Code => "code",
        Kind::Stream => "stream",
        Kind::Yuan => "yuan",
        Kind::Time | Kind::OptTime | Kind::Created | Kind::Updated => "time",
        Kind::Ref(..) => "ref",
        Kind::Phone => "phone",
        whole if whole.is_int() => "int",
        _ => "note",
    }
}

fn link(link: &Link) -> Value {
    json!({"name": link.name, "of": link.others, "most": link.most, "read_only": link.most.is_none()})
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Html {
    html: String,
}

/// What storing rich text would leave of it.
async fn preview(context: Data<Context>, by: By<Editors>, body: Body<Html>) -> Result<HttpResponse, Problem> {
    let Body(Html { html }) = body;
    fields::check_rich("html", &html).map_err(problem)?;
    let html = rich_text::preview(&context, &by, "html", html).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(json!({"html": html})))
}
