//! Item 8, `GET business/joinus`: the membership for sale, one object.

use actix_web::web::{Data, Json};
use serde::Serialize;

use super::auth::Caller;
use super::envelope::H5Error;
use crate::api::times;
use crate::context::Context;
use crate::service::content::site;

#[derive(Serialize)]
pub struct Membership {
    id: i64,
    s_id: i64,
    title: String,
    /// Yuan.
    cost: f64,
    /// Yuan.
    price: f64,
    /// HTML, cleaned when it was stored.
    content: String,
    remark: String,
    num: String,
    /// Years.
    valid_time: i64,
    amount: i64,
    specs: String,
    people: i64,
    audit_time: String,
    istui: i64,
}

pub async fn join_us(context: Data<Context>, _: Caller) -> Result<Json<Membership>, H5Error> {
    let business = site::membership(&context).await?;
    Ok(Json(Membership {
        id: business.id,
        s_id: business.s_id,
        title: business.title,
        cost: business.cost.yuan(),
        price: business.price.yuan(),
        content: business.content,
        remark: business.remark,
        num: business.num,
        valid_time: business.valid_time,
        amount: business.amount,
        specs: business.specs,
        people: business.people,
        audit_time: business.audit_time.map(times::seconds).unwrap_or_default(),
        istui: business.istui,
    }))
}
