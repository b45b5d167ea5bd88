//! Lives, rooms and their saved lines.

use std::net::IpAddr;
use std::sync::LazyLock;

use actors::chat_room::{ChatLog, NewLine, RoomSnapshot, Verdict};
use actors::domain::chat::{Live, Publication};
use actors::domain::ids::{AccountId, CompetitionId, LiveId};
use actors::domain::visible::{self, Layout};
use actors::error::{DomainError, Entity, Result};
use async_trait::async_trait;
use serde::Serialize;

use super::db::{BatchSql, ColumnKind, Db, Row, StoreError, Tx, json_rows};
use crate::args;

/// The same `client_id` of the same account within this time is the same line.
const REPEAT_WINDOW_MS: i64 = 10 * 60 * 1000;

const LIVE: &str = "SELECT id, competition_id, title, summary, main_img_url, stream_name, play_rtmp, play_flv, \
    play_m3u8, plug_flow, live_status, online_show, browse_num, publish_time, expire_time \
    FROM lives WHERE id = $1 AND deleted_at IS NULL";

/// The live of that id that is not deleted.
pub async fn find_live(db: &Db, id: LiveId) -> Result<Option<Live>> {
    let row = db.fetch_optional(LIVE, args![id.0]).await?;
    Ok(row.map(|row| live(&row)).transpose()?)
}

const IN_PROGRESS: &str = "
SELECT id FROM lives WHERE live_status = 1 AND deleted_at IS NULL AND (expire_time IS NULL OR expire_time > $1)
ORDER BY publish_time DESC, id DESC LIMIT $2";

/// The lives in progress, the newest first, at most `limit`.
pub async fn in_progress(db: &Db, now_ms: i64, limit: i64) -> Result<Vec<LiveId>> {
    let rows = db.fetch_all(IN_PROGRESS, args![now_ms, limit]).await?;
    Ok(rows.iter().map(|row| Ok(LiveId(row.int("id")?))).collect::<Result<_, StoreError>>()?)
}

pub(super) fn live(row: &Row) -> Result<Live, StoreError> {
    Ok(Live {
        id: LiveId(row.int("id")?),
        competition_id: row.opt_int("competition_id")?.map(CompetitionId),
        title: row.text("title")?,
        summary: row.text("summary")?,
        main_img_url: row.text("main_img_url")?,
        stream_name: row.text("stream_name")?,
        play_rtmp: row.text("play_rtmp")?,
        play_flv: row.text("play_flv")?,
        play_m3u8: row.text("play_m3u8")?,
        plug_flow: row.text("plug_flow")?,
        live_status: row.int("live_status")?,
        online_show: row.int("online_show")?,
        browse_num: row.int("browse_num")?,
        publish_time: row.int("publish_time")?,
        expire_time: row.opt_int("expire_time")?,
    })
}

/// Makes the room of a live that exists, with `epoch` if it is new.
pub async fn ensure_room(db: &Db, id: LiveId, epoch: String) -> Result<()> {
    let known = db.fetch_optional("SELECT live_id FROM rooms WHERE live_id = $1", args![id.0]).await?;
    if known.is_some() {
        return Ok(());
    }
    db.write(move |tx| {
        Box::pin(async move {
            tx.execute(
                "INSERT INTO rooms (live_id, epoch) VALUES ($1, $2) ON CONFLICT (live_id) DO NOTHING",
                args![id.0, epoch],
            )
            .await?;
            Ok(())
        })
    })
    .await
}

/// Why somebody may not come in, with the seconds left (`None`: for good).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    pub reason: String,
    pub seconds_left: Option<u32>,
}

const STANDING: &str = "SELECT b.reason, b.until, \
    (SELECT COUNT(*) FROM room_moderators m WHERE m.account_id = $1 AND m.live_id = $4) AS moderator \
    FROM (SELECT 1 AS one) o LEFT JOIN (SELECT reason, until FROM bans \
    WHERE (account_id = $1 OR address = $2 OR ($2 IS NULL AND address IS NOT NULL)) AND (until IS NULL OR until > $3) ORDER BY id LIMIT 1) b ON 1 = 1";

/// The ban of an account or address, if there is one, and whether the account moderates the room. One query. A caller
/// without a known address shares the ban of every address: it may be that one.
pub async fn standing(
    db: &Db,
    account: Option<AccountId>,
    address: Option<IpAddr>,
    room: Option<LiveId>,
) -> Result<(Option<Ban>, bool)> {
    let now = db.now_ms();
    let account = account.map(|account| account.0);
    let room = room.map(|room| room.0);
    let address = address.map(|address| address.to_string());
    let row = db.fetch_one(STANDING, args![account, address, now, room]).await?;
    let moderator = row.flag("moderator")?;
    let Some(reason) = row.opt_text("reason")? else {
        return Ok((None, moderator));
    };
    let seconds_left = row.opt_int("until")?.map(|until| seconds_until(until, now));
    Ok((Some(Ban { reason, seconds_left }), moderator))
}

fn seconds_until(until: i64, now: i64) -> u32 {
    u32::try_from((until - now + 999) / 1000).unwrap_or(u32::MAX)
}

const LINES_AFTER: &str = "SELECT line_offset, account_id, uuid, client_id, content, username, head_img, msg_time, \
    deleted FROM publications WHERE room_id = $1 AND line_offset > $2 ORDER BY line_offset LIMIT $3";
const LINES_BEFORE: &str = "SELECT line_offset, account_id, uuid, client_id, content, username, head_img, msg_time, \
    deleted FROM publications WHERE room_id = $1 AND line_offset < $2 AND deleted = 0 \
    ORDER BY line_offset DESC LIMIT $3";

fn publication(row: &Row) -> Result<Publication, StoreError> {
    // Lines that older versions stored may hide characters or turn the direction of what follows.
    let shown = |text: String, layout| match visible::check(&text, layout) {
        Ok(()) => text,
        Err(_) => visible::without_hidden(&text, layout).into_owned(),
    };
    Ok(Publication {
        offset: row.int("line_offset")?,
        account: AccountId(row.int("account_id")?),
        uuid: row.text("uuid")?.into(),
        client_id: row.opt_text("client_id")?,
        content: shown(row.text("content")?, Layout::Lines),
        username: shown(row.text("username")?, Layout::Line),
        head_img: row.text("head_img")?,
        sent_at: row.int("msg_time")?,
        deleted: row.flag("deleted")?,
    })
}

async fn lines_after(db: &Db, room: LiveId, after: i64, limit: u32) -> Result<Vec<Publication>, StoreError> {
    let rows = db.fetch_all(LINES_AFTER, args![room.0, after, limit]).await?;
    rows.iter().map(publication).collect()
}

/// Lines that can be shown, before the offset `before`, oldest first.
pub async fn lines_before(db: &Db, room: LiveId, before: i64, limit: u32) -> Result<Vec<Publication>> {
    let rows = db.fetch_all(LINES_BEFORE, args![room.0, before, limit]).await?;
    let mut lines = rows.iter().map(publication).collect::<Result<Vec<_>, StoreError>>()?;
    lines.reverse();
    Ok(lines)
}

/// `ChatLog` over SQL.
pub struct SqlChatLog {
    pub db: Db,
}

#[async_trait]
impl ChatLog for SqlChatLog {
    async fn open(&self, room: LiveId, keep: u32) -> Result<RoomSnapshot> {
        let (epoch, tail) = self.tail(room).await?;
        let mut recent = lines_after(&self.db, room, tail - i64::from(keep), keep).await?;
        // Lines committed since the tail was read are left to the first comparison of tails.
        recent.retain(|line| line.offset <= tail);
        Ok(RoomSnapshot { epoch, tail, recent })
    }

    async fn append(&self, room: LiveId, lines: Vec<NewLine>) -> Result<Vec<Verdict>> {
        let db = self.db.clone();
        self.db.write(move |tx| Box::pin(async move { append(&db, tx, room, lines).await })).await
    }

    async fn after(&self, room: LiveId, after: i64, limit: u32) -> Result<Vec<Publication>> {
        Ok(lines_after(&self.db, room, after, limit).await?)
    }

    async fn tail(&self, room: LiveId) -> Result<(String, i64)> {
        let sql = "SELECT r.epoch, r.tail_offset, l.deleted_at FROM rooms r JOIN lives l ON l.id = r.live_id \
            WHERE r.live_id = $1";
        let head = self.db.fetch_one(sql, args![room.0]).await?;
        match head.opt_int("deleted_at")? {
            None => Ok((head.text("epoch")?, head.int("tail_offset")?)),
            Some(_) => Err(DomainError::NotFound(Entity::Live)),
        }
    }
}

const TAKE_OFFSETS: &str = "UPDATE rooms SET tail_offset = tail_offset + $2 WHERE live_id = $1 \
    RETURNING tail_offset, paused";
const GIVE_BACK: &str = "UPDATE rooms SET tail_offset = tail_offset - $2 WHERE live_id = $1";

static REPEATED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT p.line_offset, p.account_id, p.uuid, p.client_id, p.content, p.username, p.head_img, p.msg_time, \
         p.deleted FROM {rows} CROSS JOIN publications p WHERE p.room_id = $2 AND p.account_id = r.account_id \
         AND p.client_id = r.client_id AND p.msg_time > $3 ORDER BY p.line_offset DESC",
        &[("account_id", ColumnKind::Int), ("client_id", ColumnKind::Text)],
    )
});

static SILENCED: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT m.account_id, m.reason, m.until FROM {rows} CROSS JOIN mutes m \
         WHERE m.account_id = r.account_id AND m.live_id = $2 AND m.until > $3 \
         UNION ALL SELECT b.account_id, b.reason, b.until FROM {rows} CROSS JOIN bans b \
         WHERE b.account_id = r.account_id AND (b.until IS NULL OR b.until > $3)",
        &[("account_id", ColumnKind::Int)],
    )
});

static INSERT: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO publications (room_id, line_offset, account_id, uuid, client_id, content, username, head_img, \
         msg_time) SELECT $2, r.line_offset, r.account_id, r.uuid, r.client_id, r.content, r.username, r.head_img, $3 \
         FROM {rows}",
        &[
            ("line_offset", ColumnKind::Int),
            ("account_id", ColumnKind::Int),
            ("uuid", ColumnKind::Text),
            ("client_id", ColumnKind::Text),
            ("content", ColumnKind::Text),
            ("username", ColumnKind::Text),
            ("head_img", ColumnKind::Text),
        ],
    )
});

#[derive(Serialize)]
struct InsertRow<'a> {
    line_offset: i64,
    account_id: i64,
    uuid: &'a str,
    client_id: Option<&'a str>,
    content: &'a str,
    username: &'a str,
    head_img: &'a str,
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Speaker<'a> {
    account_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// One batch: takes the offsets first, which also takes the row's lock, and gives back what repetitions and refusals
/// did not need.
async fn append(db: &Db, tx: &mut Tx, room: LiveId, lines: Vec<NewLine>) -> Result<Vec<Verdict>> {
    let count = i64::try_from(lines.len()).map_err(|_| DomainError::Internal)?;
    let head = tx.fetch_one(TAKE_OFFSETS, args![room.0, count]).await?;
    let base = head.int("tail_offset")? - count;
    let paused = head.flag("paused")?;
    // Read after the room's lock was taken, which whoever deletes the live takes as well.
    let live = tx.fetch_one("SELECT deleted_at FROM lives WHERE id = $1", args![room.0]).await?;
    if live.opt_int("deleted_at")?.is_some() {
        return Err(DomainError::NotFound(Entity::Live));
    }
    let now = db.now_in(tx).await?;

    let earlier = repeated(tx, room, &lines, now).await?;
    let silenced = silenced(tx, room, &lines, now).await?;

    let mut verdicts = Vec::with_capacity(lines.len());
    let mut saved: Vec<Publication> = Vec::with_capacity(lines.len());
    for line in lines {
        let same = |earlier: &&Publication| {
            line.client_id.is_some() && earlier.client_id == line.client_id && earlier.account == line.speaker.account
        };
        if let Some(first) = earlier.iter().chain(&saved).find(same) {
            verdicts.push(Verdict::Repeated(first.clone()));
            continue;
        }
        let silence = silenced.iter().find(|(account, _)| *account == line.speaker.account);
        if let Some((_, error)) = silence {
            verdicts.push(Verdict::Refused(error.clone()));
            continue;
        }
        if paused {
            verdicts
                .push(Verdict::Refused(DomainError::Muted { reason: "the room is paused".into(), seconds_left: 0 }));
            continue;
        }
        let publication = Publication {
            offset: base + 1 + i64::try_from(saved.len()).map_err(|_| DomainError::Internal)?,
            account: line.speaker.account,
            uuid: line.uuid,
            client_id: line.client_id,
            content: line.content,
            username: line.speaker.username,
            head_img: line.speaker.head_img,
            sent_at: now,
            deleted: false,
        };
        verdicts.push(Verdict::Saved(publication.clone()));
        saved.push(publication);
    }

    let unused = count - i64::try_from(saved.len()).map_err(|_| DomainError::Internal)?;
    if unused > 0 {
        tx.execute(GIVE_BACK, args![room.0, unused]).await?;
    }
    if !saved.is_empty() {
        let rows: Vec<InsertRow> = saved.iter().map(insert_row).collect();
        let sql = INSERT.text(tx.dialect());
        tx.execute(sql, vec![json_rows(&rows)?, room.0.into(), now.into()]).await?;
    }
    Ok(verdicts)
}

fn insert_row(line: &Publication) -> InsertRow<'_> {
    InsertRow {
        line_offset: line.offset,
        account_id: line.account.0,
        uuid: &line.uuid,
        client_id: line.client_id.as_deref(),
        content: &line.content,
        username: &line.username,
        head_img: &line.head_img,
    }
}

/// Lines saved before that one of `lines` repeats, the latest first.
async fn repeated(tx: &mut Tx, room: LiveId, lines: &[NewLine], now: i64) -> Result<Vec<Publication>, StoreError> {
    let named: Vec<Speaker> = lines
        .iter()
        .filter(|line| line.client_id.is_some())
        .map(|line| Speaker { account_id: line.speaker.account.0, client_id: line.client_id.as_deref() })
        .collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let since = now - REPEAT_WINDOW_MS;
    let sql = REPEATED.text(tx.dialect());
    let rows = tx.fetch_all(sql, vec![json_rows(&named)?, room.0.into(), since.into()]).await?;
    rows.iter().map(publication).collect()
}

/// The speakers of `lines` who are muted here or banned, with what they are told.
async fn silenced(
    tx: &mut Tx,
    room: LiveId,
    lines: &[NewLine],
    now: i64,
) -> Result<Vec<(AccountId, DomainError)>, StoreError> {
    let mut speakers: Vec<Speaker> =
        lines.iter().map(|line| Speaker { account_id: line.speaker.account.0, client_id: None }).collect();
    speakers.sort();
    speakers.dedup();
    let sql = SILENCED.text(tx.dialect());
    let rows = tx.fetch_all(sql, vec![json_rows(&speakers)?, room.0.into(), now.into()]).await?;
    let verdict = |row: &Row| {
        let until = row.opt_int("until")?;
        let error = DomainError::Muted {
            reason: row.text("reason")?.into(),
            seconds_left: until.map_or(u32::MAX, |until| seconds_until(until, now)),
        };
        Ok((AccountId(row.int("account_id")?), error))
    };
    rows.iter().map(verdict).collect()
}
