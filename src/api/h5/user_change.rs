//! Items 3 to 5: the own account changed, a code asked for, a phone bound.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use actors::error::DomainError;

use super::auth::Signed;
use super::body::Params;
use super::envelope::{H5Error, done};
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::accounts::{self, Wanted};
use crate::service::phones::{self, Asker};

/// Item 3.
pub async fn save(context: Data<Context>, request: HttpRequest, signed: Signed) -> Result<HttpResponse, H5Error> {
    let params = &signed.params;
    let sex = params.text("sex")?.map(|text| text.parse().map_err(|_| DomainError::field("sex", "必须是0、1或2")));
    let wanted =
        Wanted { username: params.text("username")?, sex: sex.transpose()?, head_img: params.text("head_img")? };
    accounts::change_profile(&context, signed.account.id, wanted).await.map_err(|fact| match fact {
        // The table's text is of another limit, which has the same code.
        DomainError::RateLimited { .. } => H5Error::worded(fact, "今天上传的图片太多，请明天再试"),
        fact => fact.into(),
    })?;
    Ok(done(&request, StatusCode::OK))
}

/// Item 4.
pub async fn send_code(
    context: Data<Context>,
    request: HttpRequest,
    address: ClientAddress,
    signed: Signed,
) -> Result<HttpResponse, H5Error> {
    phones::send_code(&context, address.0, &phone(&signed.params)?, Asker::SignedIn(signed.account.id)).await?;
    Ok(done(&request, StatusCode::OK))
}

/// Item 5.
pub async fn bind(context: Data<Context>, request: HttpRequest, signed: Signed) -> Result<HttpResponse, H5Error> {
    let phone = phone(&signed.params)?;
    let code = signed.params.text("code")?.ok_or_else(|| DomainError::field("code", "不能为空"))?;
    phones::bind(&context, &signed.account, &phone, &code).await?;
    Ok(done(&request, StatusCode::OK))
}

pub(super) fn phone(params: &Params) -> Result<String, DomainError> {
    params.text("phone")?.ok_or_else(|| DomainError::field("phone", "不能为空"))
}
