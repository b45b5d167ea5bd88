//! What administrators send: JSON bodies with their idempotency key, and pages.

use std::any::TypeId;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use actors::domain::account::Admin;
use actors::error::DomainError;
use futures_util::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::caller::{Bearer, admin_of};
use super::codes::problem;
use crate::api::bodies;
use crate::api::problem::Problem;
use crate::byte_order_mark;
use crate::context::Context;
use crate::service::collections::{Answer, IdempotencyKey, Writer};
use crate::service::large_bodies::Room;

/// The largest body.
const MOST_BODY: usize = 1024 * 1024;
const LONGEST_KEY: usize = 128;
const LARGEST_PAGE: i64 = 100;

/// A JSON body of any content type.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            // Some of these requests are for everybody, such as signing in.
            let known = Bearer::of(&request).is_some() && admin_of(&request).await.is_ok();
            let most = if known { MOST_BODY } else { bodies::OF_STRANGERS };
            parse(&read(&request, payload, most).await?).map(Self)
        })
    }
}

/// A write: its body and the key that makes sending it twice harmless. A DELETE has the body `()`.
pub struct Write<T> {
    pub input: T,
    key: Option<IdempotencyKey>,
}

impl<T> Write<T> {
    pub fn by(self, admin: Admin) -> (Writer, T) {
        (Writer { admin, key: self.key }, self.input)
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Write<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let payload = payload.take();
        let request = request.clone();
        Box::pin(async move {
            // Nobody reads a stranger's body.
            admin_of(&request).await.map_err(problem)?;
            let body = read(&request, payload, MOST_BODY).await?;
            let key = idempotency_key(&request, &body)?;
            // No body is nothing for those that take none, and no member for the others.
            let nothing: &[u8] = if TypeId::of::<T>() == TypeId::of::<()>() { b"null" } else { b"{}" };
            let body: &[u8] = if body.is_empty() { nothing } else { &body };
            Ok(Self { input: parse(body)?, key })
        })
    }
}

/// A body of at most `most` bytes.
pub async fn read(request: &HttpRequest, payload: Payload, most: usize) -> Result<Bytes, Problem> {
    bodies::read(request, payload, most).await.map_err(problem)
}

/// A file of at most `most` bytes, and its place among those of its sender, which is kept as long as the file.
pub async fn read_file(
    context: &Context,
    admin: &Admin,
    request: &HttpRequest,
    payload: Payload,
    most: usize,
) -> Result<(Bytes, Room), Problem> {
    let room = context.large_bodies.begin(admin).map_err(problem)?;
    Ok((read(request, payload, most).await?, room))
}

fn parse<T: DeserializeOwned + 'static>(body: &[u8]) -> Result<T, Problem> {
    let body = byte_order_mark::without(body);
    let bodiless = TypeId::of::<T>() == TypeId::of::<()>();
    let invalid = |text| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", text);
    // A list would be taken for the members in their order.
    let is_object = body.trim_ascii_start().starts_with(b"{");
    if !bodiless && !is_object && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() {
        return Err(invalid("the body must be an object".to_owned()));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            // A known shape with a wrong member; the text names it.
            invalid(if bodiless { "the body must be empty".to_owned() } else { plain(&error.to_string()) })
        } else {
            problem(DomainError::Malformed(format!("not JSON: {error}").into()))
        }
    })
}

/// The parser's text without its words for types.
fn plain(text: &str) -> String {
    let text = text.split(" at line ").next().unwrap_or(text);
    match text.split_once("expected ") {
        Some((before, "i64" | "u64" | "i32" | "u32")) => format!("{before}expected a whole number"),
        Some((before, expected)) if expected.starts_with("struct ") => format!("{before}expected an object"),
        _ => text.to_owned(),
    }
}

fn idempotency_key(request: &HttpRequest, body: &[u8]) -> Result<Option<IdempotencyKey>, Problem> {
    let Some(header) = request.headers().get("idempotency-key") else {
        return Ok(None);
    };
    let key = header
        .to_str()
        .ok()
        .filter(|key| (1..=LONGEST_KEY).contains(&key.len()))
        .ok_or_else(|| problem(DomainError::field("Idempotency-Key", "must be 1 to 128 visible characters")))?;
    let context = request.app_data::<Data<Context>>().ok_or_else(|| problem(DomainError::Internal))?;
    // Keyed, because bodies may hold passwords.
    let mut asked = format!("{} {}\n", request.method(), request.uri()).into_bytes();
    asked.extend_from_slice(body);
    let request_hash = context.vault.lookup_key("idempotency", &asked);
    Ok(Some(IdempotencyKey { key: key.to_owned(), request_hash }))
}

/// `?page=1&size=20&search=`
#[derive(Debug, Deserialize)]
#[serde(default)]
pub struct PageQuery {
    page: i64,
    size: i64,
    search: String,
}

impl Default for PageQuery {
    fn default() -> Self {
        Self { page: 1, size: 20, search: String::new() }
    }
}

impl PageQuery {
    /// (search, page, size). Errors: 422.
    pub fn checked(&self) -> Result<(&str, i64, i64), Problem> {
        let wrong = |field, reason| Err(problem(DomainError::field(field, reason)));
        if self.page < 1 {
            return wrong("page", "counts from 1");
        }
        if !(1..=LARGEST_PAGE).contains(&self.size) {
            return wrong("size", "must be 1 to 100");
        }
        if self.search.chars().count() > 100 {
            return wrong("search", "must have 100 characters at most");
        }
        Ok((self.search.trim(), self.page, self.size))
    }
}

#[derive(Serialize)]
pub struct Paged<T: Serialize> {
    pub current_page: i64,
    pub total: i64,
    pub data: Vec<T>,
}

/// The answer of a write as HTTP.
pub fn respond(answer: Answer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if answer.body.is_empty() {
        return HttpResponse::build(status).finish();
    }
    HttpResponse::build(status).content_type("application/json").body(answer.body)
}

/// A file that is made while it leaves. An error in the middle breaks the answer off, so that nobody takes it for whole.
pub fn file(
    name: &str,
    content_type: &'static str,
    pieces: impl Stream<Item = Result<String, DomainError>> + 'static,
) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .streaming(pieces.map(|piece| piece.map(Bytes::from)))
}
