//! Items 9 to 13: a membership ordered, orders cancelled, read, closed and listed. Race orders of the registration queue
//! are among them.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use actors::domain::ids::{BusinessId, OrderId};
use actors::error::DomainError;
use serde::Serialize;
use serde_json::Value;

use super::auth::{Caller, Signed};
use super::body::Params;
use super::envelope::{H5Error, done};
use super::page::PageOf;
use crate::api::times;
use crate::context::Context;
use crate::service::orders::{self, OrderDetail};

#[derive(Serialize)]
struct Placed {
    id: OrderId,
    order_no: String,
    total_price: f64,
    name: String,
    create_time: String,
}

/// Item 9.
pub async fn commit(context: Data<Context>, signed: Signed) -> Result<HttpResponse, H5Error> {
    let business = signed.params.text("business_id")?;
    let business = business.and_then(|id| BusinessId::parse(&id)).ok_or_else(|| not_positive("business_id"))?;
    let name = signed.params.text("name")?;
    let placed = orders::commit(&context, &signed.account, business, name).await?;
    Ok(HttpResponse::Created().json(Placed {
        id: placed.id,
        order_no: placed.order_no,
        total_price: placed.total.yuan(),
        name: placed.name,
        create_time: times::seconds(placed.create_time),
    }))
}

/// Item 10.
pub async fn cancel(context: Data<Context>, request: HttpRequest, signed: Signed) -> Result<HttpResponse, H5Error> {
    orders::cancel(&context, &signed.account, id_of(&signed.params)?).await?;
    Ok(done(&request, StatusCode::OK))
}

/// Item 12.
pub async fn close(context: Data<Context>, request: HttpRequest, signed: Signed) -> Result<HttpResponse, H5Error> {
    orders::close(&context, &signed.account, id_of(&signed.params)?).await?;
    Ok(done(&request, StatusCode::OK))
}

/// What items 11 and 13 have in common.
#[derive(Serialize)]
struct Order {
    id: OrderId,
    order_no: String,
    count: i64,
    price: f64,
    total_price: f64,
    business_id: Option<BusinessId>,
    name: String,
    pay_amount: Option<f64>,
    pay_time: String,
    pay_way: i64,
    remark: String,
    status: i64,
    coupon: String,
    phone: String,
    discounts: f64,
    refund_count: i64,
    refund_amount: f64,
    create_time: String,
}

#[derive(Serialize)]
struct WithSnapshot {
    #[serde(flatten)]
    order: Order,
    /// The business as it was sold; null for race orders.
    snap_items: Option<Value>,
}

fn order((order, phone): (OrderDetail, String)) -> Order {
    Order {
        id: order.id,
        order_no: order.order_no,
        count: order.count,
        price: order.price.yuan(),
        total_price: order.total.yuan(),
        business_id: order.business,
        name: order.name,
        pay_amount: order.pay_amount.map(|amount| amount.yuan()),
        pay_time: order.pay_time.map(times::seconds).unwrap_or_default(),
        pay_way: order.pay_way,
        remark: order.remark,
        status: order.status.code(),
        coupon: order.coupon,
        phone,
        discounts: order.discounts.yuan(),
        refund_count: order.refunded_count,
        refund_amount: order.refunded.yuan(),
        create_time: times::seconds(order.create_time),
    }
}

/// Item 11.
pub async fn detail(context: Data<Context>, caller: Caller, id: Path<String>) -> Result<HttpResponse, H5Error> {
    let id = OrderId::parse(&id).ok_or_else(|| not_positive("id"))?;
    let found = orders::detail(&context, &caller.0, id).await?;
    let snap_items = serde_json::from_str(&found.0.snap_items).ok();
    Ok(HttpResponse::Ok().json(WithSnapshot { order: order(found), snap_items }))
}

/// Item 13.
pub async fn by_user(context: Data<Context>, signed: Signed) -> Result<Json<Value>, H5Error> {
    let page = PageOf::read(&signed.params)?;
    let (total, found) = orders::page(&context, &signed.account, page.number, page.size).await?;
    let rows: Vec<Order> = found.into_iter().map(order).collect();
    Ok(Json(page.answer(total, &rows)))
}

fn id_of(params: &Params) -> Result<OrderId, DomainError> {
    params.text("id")?.and_then(|id| OrderId::parse(&id)).ok_or_else(|| not_positive("id"))
}

fn not_positive(field: &'static str) -> DomainError {
    DomainError::field(field, "必须是正整数")
}
