//! All orders as a file for spreadsheets, made while it leaves: a page of rows is in memory.

use actors::domain::account::Admin;
use actors::error::Result;
use futures_util::Stream;
use futures_util::stream::try_unfold;
use serde_json::Value;

use super::columns::Language;
use super::sheet::{BYTE_ORDER_MARK, Lines, cell, finish, internal, lines};
use crate::context::Context;
use crate::service::people;
use crate::store::sql::collections::orders::{self as store, OrderRecord};
use crate::store::sql::db::Db;

const PAGE: i64 = 500;

/// Members of an order as the collection names them, and their Chinese headings.
const COLUMNS: [(&str, &str); 16] = [
    ("id", "编号"),
    ("order_no", "订单号"),
    ("kind", "类别"),
    ("game_id", "比赛编号"),
    ("business_id", "业务编号"),
    ("name", "标题"),
    ("account_id", "用户编号"),
    ("count", "数量"),
    ("total_price", "金额（元）"),
    ("status", "状态"),
    ("create_time", "下单时间"),
    ("expire_time", "支付期限"),
    ("pay_time", "支付时间"),
    ("transaction_id", "交易号"),
    ("refunded_count", "已退数量"),
    ("refunded_price", "已退金额（元）"),
];

/// Writes down who takes a copy, before it leaves.
pub async fn begin_orders_export(context: &Context, admin: &Admin) -> Result<()> {
    people::record(&context.db, Some(admin), "export", "orders", 0, None).await
}

struct State {
    db: Db,
    language: Language,
    /// The last order that left; none before the heading did.
    after: Option<i64>,
}

/// CSV in pieces: every order, by its id.
pub fn export_orders(db: Db, language: Language) -> impl Stream<Item = Result<String>> {
    try_unfold(State { db, language, after: None }, |mut state| async move {
        let Some(after) = state.after else {
            state.after = Some(0);
            let mut heading = lines();
            let names =
                COLUMNS.map(|(english, chinese)| if state.language == Language::Zh { chinese } else { english });
            heading.write_record(names).map_err(internal)?;
            return Ok(Some((format!("{BYTE_ORDER_MARK}{}", finish(heading)?), state)));
        };
        let rows = store::after(&state.db, after, PAGE).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        state.after = Some(last.id);
        let mut page = lines();
        for row in &rows {
            write_row(&mut page, row, state.language)?;
        }
        Ok(Some((finish(page)?, state)))
    })
}

fn write_row(lines: &mut Lines, order: &OrderRecord, language: Language) -> Result<()> {
    let members = serde_json::to_value(order).map_err(internal)?;
    let cells = COLUMNS.map(|(name, _)| match (name, &members[name]) {
        ("kind", _) => kind(order, language).to_owned(),
        ("status", _) => status(order.status, language).to_owned(),
        ("total_price", _) => format!("{:.2}", order.total_price.0.yuan()),
        ("refunded_price", _) => format!("{:.2}", order.refunded_price.0.yuan()),
        (_, Value::Null) => String::new(),
        ("order_no" | "name" | "transaction_id", Value::String(text)) => cell(text).into_owned(),
        // Times are read as what they are.
        (_, Value::String(text)) => text.clone(),
        (_, number) => number.to_string(),
    });
    lines.write_record(cells).map_err(internal)
}

fn kind(order: &OrderRecord, language: Language) -> &'static str {
    match (order.kind, language) {
        (kind, Language::En) => kind,
        ("race", Language::Zh) => "报名",
        (_, Language::Zh) => "会员",
    }
}

fn status(status: i64, language: Language) -> &'static str {
    let (english, chinese) = match status {
        0 => ("unpaid", "等待支付"),
        1 => ("paid", "已支付"),
        2 => ("expired", "已过期"),
        3 => ("refunding", "退款中"),
        4 => ("refunded", "已退款"),
        5 => ("cancelled", "已取消"),
        _ => ("closed", "已关闭"),
    };
    if language == Language::Zh { chinese } else { english }
}
