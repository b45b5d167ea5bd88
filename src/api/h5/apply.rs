//! Item 19: `POST competition/apply/commit` and `…/cancel`, an athlete's wish to play.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::auth::Signed;
use super::envelope::{H5Error, done};
use crate::context::Context;
use crate::service::content::competitions;

pub async fn commit(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<HttpResponse, H5Error> {
    let id = caller.params.required("id")?;
    competitions::apply(&context, caller.account.id, id).await?;
    Ok(done(&request, StatusCode::CREATED))
}

pub async fn cancel(context: Data<Context>, request: HttpRequest, caller: Signed) -> Result<HttpResponse, H5Error> {
    let id = caller.params.required("id")?;
    competitions::withdraw(&context, caller.account.id, id).await?;
    Ok(done(&request, StatusCode::OK))
}
