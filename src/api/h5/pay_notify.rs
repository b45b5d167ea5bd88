//! Item 15, `POST pay/notify`: WeChat's notices. Answers WeChat's XML, never the envelope; anything but SUCCESS makes
//! WeChat send the notice again. Nobody is signed in here: the signature says who speaks.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data};
use actors::error::DomainError;

use crate::context::Context;
use crate::service::payments;

pub async fn notify(context: Data<Context>, body: Result<Bytes, actix_web::Error>) -> HttpResponse {
    let outcome = match body {
        Ok(body) => payments::notify(&context, &body).await,
        Err(_) => Err(DomainError::TooLarge),
    };
    match &outcome {
        Ok(settlement) => tracing::info!(?settlement, "payment notice"),
        Err(error) => tracing::warn!(%error, "payment notice refused"),
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("text/xml; charset=utf-8")))
        .body(payments::reply_to_notice(&outcome))
}
