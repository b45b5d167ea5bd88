//! Files that pages show: pictures under `/uploads`, and what is under `/static`.

use serde::{Deserialize, Serialize};

use super::db::{Db, StoreError, Tx};
use crate::args;

const INSERT_PICTURE: &str = "
INSERT INTO files (cate, path, original, size, created_at) VALUES (1, $1, $2, $3, $4)
ON CONFLICT (path) WHERE path LIKE '/uploads/%' DO NOTHING RETURNING id";

/// The row of a stored picture, made if there is none; true: it was made.
pub async fn picture(
    tx: &mut Tx,
    path: &str,
    original: &str,
    size: i64,
    now_ms: i64,
) -> Result<(i64, bool), StoreError> {
    if let Some(row) = tx.fetch_optional(INSERT_PICTURE, args![path, original, size, now_ms]).await? {
        return Ok((row.int("id")?, true));
    }
    let row = tx.fetch_one("SELECT id FROM files WHERE path = $1", args![path]).await?;
    Ok((row.int("id")?, false))
}

/// Outbox work: a picture of somebody who is erased is removed.
pub const FORGET: &str = "forget_picture";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForgetWork {
    pub path: String,
}

const SHOWN: &str = "
SELECT 1 AS one FROM accounts WHERE head_img = $1 UNION ALL SELECT 1 FROM files WHERE path = $1
UNION ALL SELECT 1 FROM publications WHERE head_img = $1 LIMIT 1";

/// Whether an account, a line or a page shows the picture. Reads all accounts and lines.
pub async fn is_shown(db: &Db, path: &str) -> Result<bool, StoreError> {
    Ok(db.fetch_optional(SHOWN, args![path]).await?.is_some())
}
