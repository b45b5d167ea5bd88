//! Item 15, `POST pay/notify`, and `POST pay/refund_notify`: what the payment provider tells by itself. Answers in the
//! provider's form, never the envelope; anything but success makes it send the notice again. Nobody is signed in here:
//! the signature says who speaks.

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use crate::api::bodies;
use crate::context::Context;
use crate::service::payments::{self, RawNotice};

pub async fn notify(context: Data<Context>, request: HttpRequest, payload: Payload) -> HttpResponse {
    let outcome = match bodies::read(&request, payload.into_inner(), bodies::OF_STRANGERS).await {
        Ok(body) => payments::notify(&context, &raw(&request, body)).await,
        Err(error) => Err(error),
    };
    match &outcome {
        Ok(settlement) => tracing::info!(?settlement, "payment notice"),
        Err(error) => tracing::warn!(%error, "payment notice refused"),
    }
    let reply = payments::reply_to_notice(&context, &outcome);
    HttpResponse::build(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
        .insert_header((CONTENT_TYPE, HeaderValue::from_static(reply.content_type)))
        .body(reply.body)
}

fn raw(request: &HttpRequest, body: Bytes) -> RawNotice {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    RawNotice {
        body,
        timestamp: header("wechatpay-timestamp"),
        nonce: header("wechatpay-nonce"),
        signature: header("wechatpay-signature"),
        serial: header("wechatpay-serial"),
    }
}
