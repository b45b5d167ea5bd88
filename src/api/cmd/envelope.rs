//! `{"result", "msg", …}`, always with HTTP 200.

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actors::error::{DomainError, Result};
use serde::Serialize;

use super::codes;

/// A finished answer in the dialect; refusals that handlers make themselves are answers, too.
pub(super) struct Answer(String);

#[derive(Serialize)]
struct Envelope<'a, T> {
    result: i32,
    msg: &'a str,
    #[serde(flatten)]
    members: T,
}

impl Answer {
    pub(super) fn ok(members: impl Serialize) -> Result<Self> {
        Self::saying("", members)
    }

    /// Success with a text, as queue states other than waiting and done have.
    pub(super) fn saying(msg: &str, members: impl Serialize) -> Result<Self> {
        serde_json::to_string(&Envelope { result: 0, msg, members }).map(Self).map_err(|error| {
            tracing::error!(%error, "an answer cannot be written as JSON");
            DomainError::Internal
        })
    }

    /// A refusal with a detail that the fact itself does not carry.
    pub(super) fn refused(error: &DomainError, detail: &str) -> Result<Self> {
        let (result, text) = codes::code(error);
        let refusal = Refusal { result, msg: format!("{text}\n{detail}"), retry_after: codes::retry_after(error) };
        serde_json::to_string(&refusal).map(Self).map_err(|_| DomainError::Internal)
    }

    pub(super) fn into_response(self) -> HttpResponse {
        HttpResponse::Ok().content_type(ContentType::json()).body(self.0)
    }
}

#[derive(Serialize)]
struct Refusal {
    result: i32,
    msg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// A fault of ours that no handler lived to tell.
pub(super) fn fault() -> HttpResponse {
    let (result, text) = codes::code(&DomainError::Internal);
    HttpResponse::Ok().json(Refusal { result, msg: text.to_owned(), retry_after: Some(1) })
}

pub(super) fn refusal(error: &DomainError) -> HttpResponse {
    let (result, text) = codes::code(error);
    let detail = codes::detail(error);
    let msg = if detail.is_empty() { text.to_owned() } else { format!("{text}\n{detail}") };
    HttpResponse::Ok().json(Refusal { result, msg, retry_after: codes::retry_after(error) })
}
