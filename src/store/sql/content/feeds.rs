//! What people write to the organiser.

use actors::domain::ids::AccountId;

use super::super::db::{StoreError, Tx};
use crate::args;

#[derive(Debug, Clone)]
pub struct NewFeed {
    pub account: AccountId,
    /// 1 suggestion, 2 complaint, 3 other.
    pub kind: i64,
    /// Sealed; empty without one.
    pub phone_sealed: String,
    pub title: String,
    pub content: String,
    pub address: String,
}

pub async fn insert(tx: &mut Tx, new: &NewFeed, now: i64) -> Result<(), StoreError> {
    // Source 1 is the official account, the only one there is.
    let sql = "INSERT INTO feeds (account_id, kind, phone_sealed, title, content, address, source, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, 1, $7)";
    let args = args![new.account.0, new.kind, &new.phone_sealed, &new.title, &new.content, &new.address, now];
    tx.execute(sql, args).await.map(drop)
}
