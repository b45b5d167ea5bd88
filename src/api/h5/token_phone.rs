//! Signing in by a phone, which is not in the original document: `POST token/code` sends a code, `POST token/phone` makes
//! it a token.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use actors::error::DomainError;

use super::body::Params;
use super::envelope::{H5Error, done};
use super::token_user::Token;
use super::user_change::phone;
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::phone_sign_in::{self, Named, Outcome};
use crate::service::phones::{self, Asker};

pub async fn send_code(
    context: Data<Context>,
    request: HttpRequest,
    address: ClientAddress,
    params: Params,
) -> Result<HttpResponse, H5Error> {
    context.limits.sign_in(address.0).await?;
    phones::send_code(&context, address.0, &phone(&params)?, Asker::Stranger).await?;
    Ok(done(&request, StatusCode::OK))
}

pub async fn token_phone(
    context: Data<Context>,
    address: ClientAddress,
    params: Params,
) -> Result<Json<Token>, H5Error> {
    context.limits.sign_in(address.0).await?;
    let phone = phone(&params)?;
    let required = |name: &'static str| DomainError::field(name, "不能为空");
    let code = params.text("code")?.ok_or_else(|| required("code"))?;
    let named = match (params.text("user_name")?, params.text("user_pass")?) {
        (None, None) => None,
        (Some(user_name), Some(user_pass)) => Some(Named { user_name, user_pass }),
        (None, Some(_)) => return Err(required("user_name").into()),
        (Some(_), None) => return Err(required("user_pass").into()),
    };
    match phone_sign_in::sign_in(&context, address.0, &phone, &code, named).await? {
        Outcome::Token(token) => Ok(Json(Token { token })),
        Outcome::MailSent => Err(H5Error::worded(DomainError::AccountDisabled, "邮箱尚未确认，已重新发送确认邮件")),
        Outcome::EmailPending => Err(H5Error::worded(DomainError::AccountDisabled, "邮箱尚未确认")),
    }
}
