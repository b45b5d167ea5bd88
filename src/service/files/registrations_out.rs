//! The registrations of a game as a file for spreadsheets, made while it leaves: a page of rows is in memory.

use actors::domain::account::Admin;
use actors::domain::ids::GameId;
use actors::domain::order::OrderStatus;
use actors::domain::registration::Player;
use actors::error::Result;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use super::columns::{self, FIELDS, GROUP, Language, PASSED_OVER, USER};
use super::sheet::{BYTE_ORDER_MARK, Lines, cell, finish, internal, lines};
use crate::context::Context;
use crate::service::people;
use crate::service::registration::must_exist;
use crate::store::sql::collections::wire::Time;
use crate::store::sql::db::Db;
use crate::store::sql::registrations_file::{self as store, Exported};
use crate::vault::Vault;

/// Writes down who takes a copy, before it leaves.
///
/// Errors: `NotFound(Game)`.
pub async fn begin_export(context: &Context, admin: &Admin, game: GameId) -> Result<()> {
    must_exist(context, game).await?;
    people::record(&context.db, Some(admin), "export", "games", game.0, None).await
}

struct State {
    db: Db,
    vault: Vault,
    game: GameId,
    language: Language,
    /// The last registration that left; none before the heading did.
    after: Option<i64>,
}

/// CSV in pieces: every live registration of the game, by its id, with its player opened.
pub fn export_registrations(
    db: Db,
    vault: Vault,
    game: GameId,
    language: Language,
) -> impl Stream<Item = Result<String>> {
    let first = State { db, vault, game, language, after: None };
    try_unfold(first, |mut state| async move {
        let Some(after) = state.after else {
            state.after = Some(0);
            return Ok(Some((heading(state.language, true)?, state)));
        };
        let rows = store::page(&state.db, state.game, after).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        state.after = Some(last.id);
        let mut lines = lines();
        for row in &rows {
            write_row(&mut lines, &state, row)?;
        }
        Ok(Some((finish(lines)?, state)))
    })
}

/// An empty file with the headings that an import takes.
pub fn template(language: Language) -> Result<String> {
    heading(language, false)
}

fn heading(language: Language, exported: bool) -> Result<String> {
    let mut lines = lines();
    let names = [GROUP, USER]
        .into_iter()
        .chain(PASSED_OVER.into_iter().filter(|_| exported))
        .chain(FIELDS.into_iter().map(|(english, chinese, _)| (english, chinese)))
        .map(|(english, chinese)| if language == Language::Zh { chinese } else { english });
    lines.write_record(names).map_err(internal)?;
    Ok(format!("{BYTE_ORDER_MARK}{}", finish(lines)?))
}

fn write_row(lines: &mut Lines, state: &State, row: &Exported) -> Result<()> {
    let paid_at = row.paid_at.and_then(|at| serde_json::to_value(Time(at)).ok());
    let paid_at = paid_at.as_ref().and_then(|text| text.as_str()).unwrap_or_default();
    let player = state.vault.open(&row.player_sealed).ok().and_then(|text| serde_json::from_str::<Player>(&text).ok());
    // One that cannot be read must not keep the others from leaving; its row shows who it was by the order.
    let fields = player.map(|player| columns::write(&player, state.language)).unwrap_or_else(|| {
        tracing::error!(registration = row.id, "a stored player cannot be read");
        Default::default()
    });
    let stands = row.status.of_registration(true, row.refunding);
    let own = [row.user.to_string(), row.id.to_string(), status(stands, state.language).to_owned()];
    // Numbers of ours and times are read as what they are.
    let texts = std::iter::once(cell(&row.order_no))
        .chain(own.iter().map(|text| text.as_str().into()))
        .chain([paid_at.into()])
        .chain(fields.iter().zip(FIELDS).map(|(text, (name, _, _))| match name {
            "birth_date" | "certificate_type" | "gender" if !text.starts_with('-') => text.as_str().into(),
            _ => cell(text),
        }));
    lines.write_record(texts.map(|text| text.into_owned())).map_err(internal)
}

fn status(status: OrderStatus, language: Language) -> &'static str {
    match (status, language) {
        (OrderStatus::Paid, Language::En) => "paid",
        (OrderStatus::Paid, Language::Zh) => "已支付",
        (OrderStatus::Refunding, Language::En) => "refunding",
        (OrderStatus::Refunding, Language::Zh) => "退款中",
        (_, Language::En) => "unpaid",
        (_, Language::Zh) => "等待支付",
    }
}
