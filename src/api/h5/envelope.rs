//! The form of answers: `{"msg","error_code","request_url"}` for operations and errors, CORS on everything, and an empty
//! 200 for OPTIONS before routing. Extractor faults and unknown methods leave in the same envelope.

use std::borrow::Cow;
use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::http::{Method, StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use actors::error::{DomainError, Entity};
use serde::Serialize;

use super::codes::code_of;

#[derive(Serialize)]
struct Envelope<'a> {
    msg: &'a str,
    error_code: u32,
    request_url: &'a str,
}

/// A refusal on its way to the envelope. `text` replaces the table's text where the contract words a case itself.
#[derive(Debug, Clone)]
pub struct H5Error {
    pub fact: DomainError,
    text: Option<&'static str>,
}

impl H5Error {
    pub fn worded(fact: DomainError, text: &'static str) -> Self {
        Self { fact, text: Some(text) }
    }

    fn msg(&self) -> Cow<'static, str> {
        let general = code_of(&self.fact).msg;
        match (&self.text, &self.fact) {
            (Some(text), _) => Cow::Borrowed(*text),
            (None, DomainError::InvalidField { field, reason }) => Cow::Owned(format!("{general}：{field} {reason}")),
            (None, DomainError::SignInRefused { reason }) if !reason.is_empty() => {
                Cow::Owned(format!("{general}：{reason}"))
            }
            (None, DomainError::Malformed(reason)) => Cow::Owned(format!("{general}：{reason}")),
            _ => Cow::Borrowed(general),
        }
    }

    fn answer(&self, request_url: &str) -> HttpResponse {
        let code = code_of(&self.fact);
        let mut response = HttpResponse::build(code.status);
        if let DomainError::Busy { retry_after_seconds }
        | DomainError::NoRoom { retry_after_seconds }
        | DomainError::RateLimited { retry_after_seconds } = self.fact
        {
            response.insert_header((RETRY_AFTER, HeaderValue::from(retry_after_seconds)));
        }
        response.json(Envelope { msg: &self.msg(), error_code: code.error_code, request_url })
    }
}

impl From<DomainError> for H5Error {
    fn from(fact: DomainError) -> Self {
        Self { fact, text: None }
    }
}

impl fmt::Display for H5Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fact.fmt(out)
    }
}

impl ResponseError for H5Error {
    fn status_code(&self) -> StatusCode {
        code_of(&self.fact).status
    }

    /// Only the status: `finish` writes the body, because it knows the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

/// What an operation answers that has been done: 201 when it made something, else 200.
pub fn done(request: &HttpRequest, status: StatusCode) -> HttpResponse {
    let request_url = request_url(request.uri());
    HttpResponse::build(status).json(Envelope { msg: "success", error_code: 0, request_url: &request_url })
}

/// Path with query, as the client sent it.
fn request_url(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(String::new, ToString::to_string)
}

/// A fault of ours that no handler lived to tell.
pub(super) fn fault(uri: &Uri) -> HttpResponse {
    let mut response = H5Error::from(DomainError::Internal).answer(&request_url(uri));
    allow_any_origin(response.headers_mut());
    response
}

/// Around every route of the dialect.
pub async fn finish(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if request.method() == Method::OPTIONS {
        let mut response = request.into_response(HttpResponse::Ok().finish());
        allow_any_origin(response.headers_mut());
        return Ok(response);
    }
    let response = next.call(request).await?.map_into_boxed_body();
    let answer = fault_of(&response).map(|fault| fault.answer(&request_url(response.request().uri())));
    let mut response = match answer {
        Some(answer) => response.into_response(answer),
        None => response,
    };
    allow_any_origin(response.headers_mut());
    Ok(response)
}

/// The refusal in a response that is not in the envelope yet.
fn fault_of<B>(response: &ServiceResponse<B>) -> Option<Cow<'_, H5Error>> {
    let status = response.status();
    match response.response().error() {
        Some(error) => Some(match error.as_error::<H5Error>() {
            Some(fault) => Cow::Borrowed(fault),
            None if status == StatusCode::PAYLOAD_TOO_LARGE => Cow::Owned(DomainError::TooLarge.into()),
            None if status.is_client_error() => Cow::Owned(DomainError::Malformed("请求无法读取".into()).into()),
            None => {
                tracing::error!(%error, "unforeseen fault");
                Cow::Owned(DomainError::Internal.into())
            }
        }),
        None if status == StatusCode::METHOD_NOT_ALLOWED => {
            Some(Cow::Owned(DomainError::NotFound(Entity::Route).into()))
        }
        None => None,
    }
}

fn allow_any_origin(headers: &mut HeaderMap) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-headers", "token,Origin,X-Requested-With,Content-Type,Accept"),
        ("access-control-allow-methods", "POST,GET"),
    ] {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}
