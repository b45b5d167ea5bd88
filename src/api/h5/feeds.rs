//! Item 16, `POST feeds`: a word to the organiser.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::auth::Signed;
use super::envelope::{H5Error, done};
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::content::feeds::{self, Feed};

const SUGGESTION: i64 = 1;

pub async fn submit(
    context: Data<Context>,
    request: HttpRequest,
    address: ClientAddress,
    caller: Signed,
) -> Result<HttpResponse, H5Error> {
    let text = |name| Ok::<_, H5Error>(caller.params.text(name)?.unwrap_or_default());
    let feed = Feed {
        kind: caller.params.number("type")?.unwrap_or(SUGGESTION),
        phone: text("phone")?,
        title: text("title")?,
        content: text("content")?,
    };
    feeds::submit(&context, caller.account.id, address.0, feed).await?;
    Ok(done(&request, StatusCode::CREATED))
}
