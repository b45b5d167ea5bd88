//! The export of an account as one JSON document, made while it leaves: a page of rows is in memory, never the whole.

use actors::domain::ids::AccountId;
use actors::error::Result;
use futures_util::Stream;
use futures_util::stream::try_unfold;

use crate::store::sql::db::Db;
use crate::store::sql::people::export::{Cursor, SECTIONS, page};
use crate::vault::Vault;

struct State {
    db: Db,
    vault: Vault,
    account: AccountId,
    section: usize,
    from: Cursor,
    /// Whether the section has a row already.
    begun: bool,
}

/// `{"account":[…],"orders":[…],…}` in pieces. A reader that gets an error has half a document, which does not parse.
pub fn export(db: Db, vault: Vault, account: AccountId) -> impl Stream<Item = Result<String>> {
    let first = State { db, vault, account, section: 0, from: (0, 0), begun: false };
    try_unfold(Some(first), |state| async move {
        let Some(mut state) = state else { return Ok(None) };
        let section = &SECTIONS[state.section];
        let mut text = String::new();
        if state.from == (0, 0) {
            text.push_str(if state.section == 0 { "{" } else { "," });
            text.push_str(&format!("\"{}\":[", section.name));
        }
        let (rows, next) = page(&state.db, &state.vault, section, state.account, state.from).await?;
        for row in rows {
            if std::mem::replace(&mut state.begun, true) {
                text.push(',');
            }
            text.push_str(&row.to_string());
        }
        if let Some(next) = next {
            state.from = next;
            return Ok(Some((text, Some(state))));
        }
        text.push(']');
        (state.section, state.from, state.begun) = (state.section + 1, (0, 0), false);
        if state.section < SECTIONS.len() {
            return Ok(Some((text, Some(state))));
        }
        text.push('}');
        Ok(Some((text, None)))
    })
}
