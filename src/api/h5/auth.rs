//! Who calls: the account behind the header `token`. A handler that asks for `Signed` is closed to others, and its body
//! is not read before the caller is known.

use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use actors::domain::account::Account;
use actors::error::DomainError;

use super::body::Params;
use super::envelope::H5Error;
use crate::api::bodies;
use crate::context::Context;
use crate::service::accounts;

const TOKEN: &str = "token";

/// The signed-in caller.
pub struct Caller(pub Arc<Account>);

/// The caller and, read after that, the parameters.
pub struct Signed {
    pub account: Arc<Account>,
    pub params: Params,
}

type Extraction<T> = Pin<Box<dyn Future<Output = Result<T, H5Error>>>>;

async fn caller(request: &HttpRequest) -> Result<Arc<Account>, H5Error> {
    let context = request.app_data::<web::Data<Context>>().ok_or(DomainError::Internal)?;
    let token =
        request.headers().get(TOKEN).and_then(|value| value.to_str().ok()).ok_or(DomainError::Unauthenticated)?;
    Ok(accounts::authenticate(context, token).await?)
}

impl FromRequest for Caller {
    type Error = H5Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { caller(&request).await.map(Self) })
    }
}

impl FromRequest for Signed {
    type Error = H5Error;
    type Future = Extraction<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let account = caller(&request).await?;
            bodies::caller_is_known(&request);
            let params = Params::from_request(&request, &mut payload).await?;
            Ok(Self { account, params })
        })
    }
}
