//! Orders with their refunds, the journal, and refunds that fail. For owners and cashiers.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actors::domain::ids::OrderId;
use actors::domain::order::OrderNo;
use actors::error::{DomainError, Entity};
use serde_json::json;

use super::caller::{By, Cashiers};
use super::codes::problem;
use super::request::{Write, respond};
use super::{collection, resource};
use crate::api::problem::Problem;
use crate::context::Context;
use crate::service::collections::orders::RefundReason;
use crate::service::collections::{self, BillRecord, OrderRecord, OutboxRecord, Time};
use crate::service::journal;
use crate::service::payments::OrderRef;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(resource("/journal").route(web::get().to(show_journal)))
        .service(resource("/orders/{order}/refund").route(web::post().to(refund)))
        .service(resource("/orders/{order}/registrations").route(web::get().to(registrations)))
        .service(resource("/outbox/{id}/retry").route(web::post().to(retry)))
        .configure(collection::read_only::<OrderRecord, Cashiers>("orders", Entity::Order))
        .configure(collection::read_only::<OutboxRecord, Cashiers>("outbox", Entity::Item))
        .configure(collection::read_only::<BillRecord, Cashiers>("bills", Entity::Item));
}

async fn refund(
    context: Data<Context>,
    by: By<Cashiers>,
    order: Path<String>,
    write: Write<RefundReason>,
) -> Result<HttpResponse, Problem> {
    let (writer, reason) = write.by(by.admin);
    collections::orders::refund(&context, writer, &named(&order)?, reason).await.map(respond).map_err(problem)
}

/// An order by its id or its number.
fn named(order: &str) -> Result<OrderRef, Problem> {
    OrderNo::parse(order)
        .map(OrderRef::No)
        .or_else(|| OrderId::parse(order).map(OrderRef::Id))
        .ok_or_else(|| problem(DomainError::NotFound(Entity::Order)))
}

async fn registrations(context: Data<Context>, _: By<Cashiers>, order: Path<String>) -> Result<HttpResponse, Problem> {
    let found = collections::orders::registrations(&context, &named(&order)?).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(json!({"data": found})))
}

async fn retry(
    context: Data<Context>,
    by: By<Cashiers>,
    id: Path<i64>,
    write: Write<()>,
) -> Result<HttpResponse, Problem> {
    let (writer, ()) = write.by(by.admin);
    collections::outbox::retry(&context, writer, *id).await.map(respond).map_err(problem)
}

async fn show_journal(context: Data<Context>, _: By<Cashiers>) -> Result<HttpResponse, Problem> {
    let overview = journal::overview(&context).await.map_err(problem)?;
    let check = overview.check;
    let account = |name: &str, balance: i64, expected: i64| json!({"account": name, "balance": yuan(balance), "expected": yuan(expected)});
    let (booked, expected) = (check.booked, check.expected);
    let transfers: Vec<_> = overview
        .latest
        .iter()
        .map(|transfer| {
            json!({
                "id": transfer.id,
                "time": Time(transfer.at),
                "kind": transfer.kind,
                "debit_account": transfer.debit_account,
                "credit_account": transfer.credit_account,
                "amount": yuan(transfer.amount_fen),
                "order_no": transfer.order_no,
                "provider": transfer.provider,
                "transaction_id": transfer.transaction_id,
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({
        "balances": [
            account("cash", booked.cash, expected.cash),
            account("sales", booked.sales, expected.sales),
            account("refunds_due", booked.refunds_due, expected.refunds_due),
        ],
        "holds": check.holds(),
        "wrong_payments": check.wrong_payments,
        "stray_transfers": check.stray_transfers,
        "transfers": transfers,
    })))
}

/// A journal that is wrong may have balances below zero, so these are not `Fen`.
fn yuan(fen: i64) -> f64 {
    fen as f64 / 100.0
}
