//! Item 1, `POST token/user`: a page authorisation code becomes a token.

use actix_web::web::{Data, Json};
use actors::error::DomainError;
use serde::Serialize;

use super::body::Params;
use super::envelope::H5Error;
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::accounts;

#[derive(Serialize)]
pub struct Token {
    pub token: String,
}

/// WeChat's codes have 32 characters; the sandbox's have room for a name.
const MAX_CODE_BYTES: usize = 256;

pub async fn token_user(
    context: Data<Context>,
    address: ClientAddress,
    params: Params,
) -> Result<Json<Token>, H5Error> {
    context.limits.sign_in(address.0).await?;
    let code = params
        .text("code")?
        .filter(|code| code.len() <= MAX_CODE_BYTES)
        .ok_or_else(|| H5Error::worded(DomainError::field("code", "missing"), "获取CODE失败，请检查网页是否授权"))?;
    let token = accounts::sign_in(&context, &code).await?;
    Ok(Json(Token { token }))
}
