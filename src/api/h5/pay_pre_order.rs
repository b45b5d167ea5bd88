//! Item 14, `POST pay/pre_order`: what the page hands to WeChat's payment dialogue. Takes the order's `id` or, for
//! orders that came out of the registration queue, its `order_no`.

use actix_web::web::{Data, Json};
use actors::domain::ids::OrderId;
use actors::domain::order::OrderNo;
use actors::error::DomainError;
use serde::Serialize;

use super::auth::Signed;
use super::body::Params;
use super::envelope::H5Error;
use crate::api::client_address::ClientAddress;
use crate::context::Context;
use crate::service::payments::{self, OrderRef};

/// `timestamp` is the document's name, `timeStamp` the one that the page reads.
#[derive(Serialize)]
pub struct PagePayment {
    timestamp: String,
    #[serde(rename = "timeStamp")]
    time_stamp: String,
    #[serde(rename = "nonceStr")]
    nonce_str: String,
    package: String,
    #[serde(rename = "signType")]
    sign_type: &'static str,
    #[serde(rename = "paySign")]
    pay_sign: String,
}

pub async fn pre_order(
    context: Data<Context>,
    address: ClientAddress,
    signed: Signed,
) -> Result<Json<PagePayment>, H5Error> {
    let order = order_ref(&signed.params)?;
    let page = payments::pre_order(&context, &signed.account, &order, address.0).await?;
    Ok(Json(PagePayment {
        timestamp: page.timestamp.clone(),
        time_stamp: page.timestamp,
        nonce_str: page.nonce,
        package: page.package,
        sign_type: page.sign_type,
        pay_sign: page.signature,
    }))
}

fn order_ref(params: &Params) -> Result<OrderRef, DomainError> {
    if let Some(id) = params.text("id")? {
        return OrderId::parse(&id).map(OrderRef::Id).ok_or_else(|| DomainError::field("id", "必须是正整数"));
    }
    let order_no = params.text("order_no")?.ok_or_else(|| DomainError::field("id", "必须是正整数"))?;
    OrderNo::parse(&order_no).map(OrderRef::No).ok_or_else(|| DomainError::field("order_no", "必须是22位数字"))
}
