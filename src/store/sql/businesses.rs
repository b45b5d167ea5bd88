//! What can be bought apart from places: memberships.

use actors::domain::ids::BusinessId;
use actors::domain::money::Fen;

use super::db::{Db, StoreError};
use super::games::fen;
use crate::args;

/// A business that is on sale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub id: BusinessId,
    pub title: String,
    pub price: Fen,
    pub cost: Fen,
    /// Years.
    pub valid_time: i64,
    pub specs: String,
    pub content: String,
}

const ON_SALE: &str = "
SELECT id, title, price_fen, cost_fen, valid_time, specs, content FROM businesses WHERE id = $1 AND status = 1";

pub async fn on_sale(db: &Db, id: BusinessId) -> Result<Option<Offer>, StoreError> {
    db.fetch_optional(ON_SALE, args![id.0])
        .await?
        .map(|row| {
            Ok(Offer {
                id: BusinessId(row.int("id")?),
                title: row.text("title")?,
                price: fen(&row, "price_fen")?,
                cost: fen(&row, "cost_fen")?,
                valid_time: row.int("valid_time")?,
                specs: row.text("specs")?,
                content: row.text("content")?,
            })
        })
        .transpose()
}
