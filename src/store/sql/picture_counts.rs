//! How many pictures each sender sent on a day, and their bytes.

use super::db::{StoreError, Tx};
use crate::args;

const COUNT: &str = "
INSERT INTO picture_counts (day, sender, pictures, bytes) VALUES ($1, $2, 1, $3)
ON CONFLICT (day, sender) DO UPDATE SET pictures = picture_counts.pictures + 1,
    bytes = picture_counts.bytes + excluded.bytes
WHERE picture_counts.pictures < $4 AND picture_counts.bytes + excluded.bytes <= $5";

/// Counts one more picture of a day; the first always. False: there would be more than `most`, or more than `most_bytes`.
pub async fn count(
    tx: &mut Tx,
    day: i64,
    sender: &str,
    bytes: i64,
    most: i64,
    most_bytes: i64,
) -> Result<bool, StoreError> {
    Ok(tx.execute(COUNT, args![day, sender, bytes, most, most_bytes]).await? == 1)
}

/// Forgets the days before `day`.
pub async fn sweep(tx: &mut Tx, day: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM picture_counts WHERE day < $1", args![day]).await.map(drop)
}
