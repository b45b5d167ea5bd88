//! What a collection does beside its own columns, in the same transaction.

use actors::error::{DomainError, Result};

use super::super::db::{BoxFuture, StoreError, Tx};
use crate::args;

async fn finds(tx: &mut Tx, sql: &'static str, id: i64) -> Result<bool> {
    Ok(tx.fetch_optional(sql, args![id]).await?.is_some())
}

/// Errors: `InUse` while it has games.
pub fn competition_without_games(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "SELECT 1 AS one FROM games WHERE competition_id = $1 AND deleted_at IS NULL LIMIT 1";
        if finds(tx, sql, id).await? {
            return Err(DomainError::InUse("the competition has games: delete them first".into()));
        }
        Ok(())
    })
}

/// Errors: `InUse` while a banner or a video shows it.
pub fn unused_file(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "SELECT 1 AS one FROM banners WHERE file_id = $1 AND deleted_at IS NULL UNION ALL \
                   SELECT 1 AS one FROM videos WHERE file_id = $1 AND deleted_at IS NULL LIMIT 1";
        if finds(tx, sql, id).await? {
            return Err(DomainError::InUse("a banner or a video has this file".into()));
        }
        // Nobody sees a deleted one.
        for sql in [
            "UPDATE banners SET file_id = NULL WHERE file_id = $1",
            "UPDATE videos SET file_id = NULL WHERE file_id = $1",
        ] {
            tx.execute(sql, args![id]).await?;
        }
        Ok(())
    })
}

/// The room of a live, with a fresh epoch: its history begins here.
pub async fn insert_room(tx: &mut Tx, live_id: i64) -> Result<(), StoreError> {
    let epoch: [u8; 8] = rand::random();
    let sql = "INSERT INTO rooms (live_id, epoch) VALUES ($1, $2)";
    tx.execute(sql, args![live_id, hex::encode(epoch)]).await?;
    Ok(())
}

/// Seconds that are tried for a stream's name.
const MOST_SECONDS: i64 = 1_000;

/// The room, and the name of the stream where none is given: the first second from now on that no other live has.
///
/// Errors: `Conflict` on `stream_name` when one is given that another live has; `Busy` when a thousand are taken.
pub fn room_of_live(tx: &mut Tx, id: i64, now: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "UPDATE lives SET stream_name = CASE WHEN competition_id IS NULL THEN 'notcompetition_' || $2 \
                   ELSE 'competition_' || competition_id || '_' || $2 END WHERE id = $1";
        let named = "SELECT id FROM lives WHERE id = $1 AND stream_name <> ''";
        if tx.fetch_optional(named, args![id]).await?.is_some() {
            own_stream(tx, id, now).await?;
        } else {
            let first = now / 1000;
            let mut second = first;
            loop {
                tx.execute(sql, args![id, second.to_string()]).await?;
                if !stream_is_shared(tx, id).await? {
                    break;
                }
                second += 1;
                if second - first >= MOST_SECONDS {
                    return Err(DomainError::BUSY);
                }
            }
        }
        Ok(insert_room(tx, id).await?)
    })
}

/// Two lives would show one stream.
///
/// Errors: `Conflict` on `stream_name`.
pub fn own_stream(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        match stream_is_shared(tx, id).await? {
            true => Err(DomainError::Conflict { field: "stream_name".into() }),
            false => Ok(()),
        }
    })
}

async fn stream_is_shared(tx: &mut Tx, id: i64) -> Result<bool> {
    let sql = "SELECT o.id FROM lives l JOIN lives o ON o.stream_name = l.stream_name AND o.id <> l.id \
               WHERE l.id = $1 AND l.stream_name <> '' AND o.deleted_at IS NULL LIMIT 1";
    Ok(tx.fetch_optional(sql, args![id]).await?.is_some())
}

/// Takes the room's lock, too: no line is saved after the commit.
pub fn close_room(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        tx.execute("UPDATE rooms SET paused = paused WHERE live_id = $1", args![id]).await?;
        tx.execute("UPDATE lives SET live_status = 0 WHERE id = $1", args![id]).await?;
        Ok(())
    })
}

/// A member that belongs to nobody belongs to the account that has proven its phone. Once joined it stays that account's
/// until its phone changes, also when the account binds another one.
///
/// Errors: `Conflict` when that account has another member already.
pub fn join_account(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "UPDATE members SET account_id = \
                   (SELECT a.id FROM accounts a WHERE a.mobile_key = members.mobile_key) \
                   WHERE id = $1 AND account_id IS NULL";
        match tx.execute(sql, args![id]).await {
            Err(error) if error.is_unique_violation() => Err(DomainError::Conflict { field: "mobile".into() }),
            outcome => Ok(outcome.map(drop)?),
        }
    })
}

/// The phone is free for another member, and the account for another phone.
pub fn part_from_account(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        let sql = "UPDATE members SET account_id = NULL, mobile_key = NULL, mobile_sealed = NULL WHERE id = $1";
        tx.execute(sql, args![id]).await?;
        Ok(())
    })
}

/// Also for whoever looks at `status` alone: what is deleted is not sold.
pub fn disable_business(tx: &mut Tx, id: i64, _: i64) -> BoxFuture<'_, Result<()>> {
    Box::pin(async move {
        tx.execute("UPDATE businesses SET status = 0 WHERE id = $1", args![id]).await?;
        Ok(())
    })
}
