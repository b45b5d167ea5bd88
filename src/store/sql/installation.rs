//! What tells this installation from others with the same merchant: the key that orders its order numbers. It is drawn
//! once and lies in the database, so that all nodes and every restored copy go on with the same numbers.

use std::sync::{Arc, OnceLock};

use super::db::{StoreError, Tx};
use crate::args;

const NAME: &str = "order_key";
const READ: &str = "SELECT value FROM installation WHERE name = $1";
const DRAW: &str = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

/// Kept in memory once it was read.
#[derive(Clone, Default)]
pub struct OrderKey(Arc<OnceLock<u64>>);

impl OrderKey {
    pub async fn of(&self, tx: &mut Tx) -> Result<u64, StoreError> {
        if let Some(key) = self.0.get() {
            return Ok(*key);
        }
        if let Some(row) = tx.fetch_optional(READ, args![NAME]).await? {
            let key = row.int("value")?.cast_unsigned();
            return Ok(*self.0.get_or_init(|| key));
        }
        tx.execute(DRAW, args![NAME, rand::random::<i64>()]).await?;
        // Not kept yet: this transaction may come to nothing, and another node may have been faster.
        Ok(tx.fetch_one(READ, args![NAME]).await?.int("value")?.cast_unsigned())
    }
}
