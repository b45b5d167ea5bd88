//! Everything about one account, section by section and page by page, as JSON with phones and players opened.

use actors::domain::ids::AccountId;
use actors::quota_queue::messages::SealedPlayer;
use serde_json::{Map, Value, json};

use super::super::collections::wire::Time;
use super::super::db::{Db, Row, StoreError};
use crate::args;
use crate::vault::Vault;

/// Rows of one page, and token numbers or row ids looked at for one.
const PAGE: i64 = 100;
const LOOKED_AT: i64 = 20_000;

/// Where a section's next page begins.
pub type Cursor = (i64, i64);

/// How a column leaves.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Text,
    Time,
    /// A sealed text.
    Sealed,
    /// A sealed JSON document.
    Player,
    /// A list of sealed JSON documents.
    Players,
}
use Kind::{Int, Player, Players, Sealed, Text, Time as At};

/// One list of the export. The statement takes the account and the cursor's two numbers, and gives them again as the
/// columns `a` and `b`.
pub struct Section {
    pub name: &'static str,
    sql: &'static str,
    columns: &'static [(&'static str, Kind)],
    /// Read game by game: the index of tokens by account begins with the game.
    by_game: bool,
}

const ACCOUNT: Section = Section {
    name: "account",
    sql: "SELECT id AS a, CAST(0 AS BIGINT) AS b, id, openid, login_name, mobile_sealed AS mobile, email_sealed AS email,
                 email_pending, username, sex, country, province, city, head_img, status, register_time, last_login_time, login_count, member_status, member_expire_time,
                 open_places_allowance
          FROM accounts WHERE id = $1 AND id > $2 AND 0 = $3 LIMIT 1",
    columns: &[
        ("id", Int),
        ("openid", Text),
        ("login_name", Text),
        ("mobile", Sealed),
        ("email", Sealed),
        ("email_pending", Int),
        ("username", Text),
        ("sex", Int),
        ("country", Text),
        ("province", Text),
        ("city", Text),
        ("head_img", Text),
        ("status", Int),
        ("register_time", At),
        ("last_login_time", At),
        ("login_count", Int),
        ("member_status", Int),
        ("member_expire_time", At),
        ("open_places_allowance", Int),
    ],
    by_game: false,
};

/// The sections in the order in which they leave.
pub const SECTIONS: [Section; 11] = [
    ACCOUNT,
    Section {
        name: "agent",
        sql: "SELECT id AS a, CAST(0 AS BIGINT) AS b, id, name, username FROM agents
              WHERE account_id = $1 AND id > $2 AND 0 = $3 LIMIT 1",
        columns: &[("id", Int), ("name", Text), ("username", Text)],
        by_game: false,
    },
    Section {
        name: "orders",
        sql: "SELECT id AS a, CAST(0 AS BIGINT) AS b, order_no, name, game_id, business_id, item_count, total_fen, currency_type, status,
                     created_at, expires_at, paid_at, cancelled_at, refunded_at, refunded_count, refunded_fen,
                     pay_amount_fen, transaction_id,
                     phone_sealed AS phone, remark, coupon
              FROM orders WHERE account_id = $1 AND id > $2 AND 0 = $3 ORDER BY id LIMIT 100",
        columns: &[
            ("order_no", Text),
            ("name", Text),
            ("game_id", Int),
            ("business_id", Int),
            ("item_count", Int),
            ("total_fen", Int),
            ("currency_type", Int),
            ("status", Int),
            ("created_at", At),
            ("expires_at", At),
            ("paid_at", At),
            ("cancelled_at", At),
            ("refunded_at", At),
            ("refunded_count", Int),
            ("refunded_fen", Int),
            ("pay_amount_fen", Int),
            ("transaction_id", Text),
            ("phone", Sealed),
            ("remark", Text),
            ("coupon", Text),
        ],
        by_game: false,
    },
    Section {
        name: "registrations",
        sql: "SELECT o.id AS a, r.id AS b, r.id AS reg_id, o.order_no, r.game_id, r.live, r.created_at,
                     r.player_sealed AS player
              FROM orders o JOIN registrations r ON r.order_id = o.id
              WHERE o.account_id = $1 AND o.id >= $2 AND (o.id > $2 OR r.id > $3) ORDER BY o.id, r.id LIMIT 100",
        columns: &[
            ("reg_id", Int),
            ("order_no", Text),
            ("game_id", Int),
            ("live", Int),
            ("created_at", At),
            ("player", Player),
        ],
        by_game: false,
    },
    Section {
        name: "queue_tokens",
        sql: "SELECT game_id AS a, sequence AS b, game_id, sequence, state, group_size, order_no, created_at, decided_at,
                     players_sealed AS players
              FROM queue_tokens
              WHERE account_id = $1 AND game_id = $2 AND sequence > $3 AND sequence <= $4 ORDER BY sequence LIMIT 100",
        columns: &[
            ("game_id", Int),
            ("sequence", Int),
            ("state", Int),
            ("group_size", Int),
            ("order_no", Text),
            ("created_at", At),
            ("decided_at", At),
            ("players", Players),
        ],
        by_game: true,
    },
    Section {
        name: "payments",
        sql: "SELECT o.id AS a, p.id AS b, o.order_no, p.provider, p.transaction_id, p.amount_fen, p.state, p.received_at
              FROM orders o JOIN payments p ON p.order_id = o.id
              WHERE o.account_id = $1 AND o.id >= $2 AND (o.id > $2 OR p.id > $3) ORDER BY o.id, p.id LIMIT 100",
        columns: &[
            ("order_no", Text),
            ("provider", Text),
            ("transaction_id", Text),
            ("amount_fen", Int),
            ("state", Int),
            ("received_at", At),
        ],
        by_game: false,
    },
    Section {
        name: "chat_lines",
        sql: "SELECT p.room_id AS a, p.line_offset AS b, p.room_id, p.line_offset, p.content, p.username, p.msg_time,
                     p.deleted
              FROM rooms m JOIN publications p ON p.room_id = m.live_id AND p.account_id = $1
              WHERE p.room_id >= $2 AND (p.room_id > $2 OR p.line_offset > $3)
              ORDER BY p.room_id, p.line_offset LIMIT 100",
        columns: &[
            ("room_id", Int),
            ("line_offset", Int),
            ("content", Text),
            ("username", Text),
            ("msg_time", At),
            ("deleted", Int),
        ],
        by_game: false,
    },
    Section {
        name: "athlete",
        sql: "SELECT id AS a, CAST(0 AS BIGINT) AS b, id, mobile_sealed AS mobile, cn_name, birthday, birth_addr, sex, stature, weight,
                     native_place, nation, photo, individual, jersey_number, field_position, school, experience, feature,
                     honor, evaluation
              FROM members
              WHERE (account_id = $1
                     OR (account_id IS NULL AND mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1)))
                AND id > $2 AND 0 = $3 ORDER BY id LIMIT 100",
        columns: &[
            ("id", Int),
            ("mobile", Sealed),
            ("cn_name", Text),
            ("birthday", Text),
            ("birth_addr", Text),
            ("sex", Int),
            ("stature", Int),
            ("weight", Int),
            ("native_place", Text),
            ("nation", Text),
            ("photo", Text),
            ("individual", Text),
            ("jersey_number", Text),
            ("field_position", Text),
            ("school", Text),
            ("experience", Text),
            ("feature", Text),
            ("honor", Text),
            ("evaluation", Text),
        ],
        by_game: false,
    },
    Section {
        name: "applications",
        sql: "SELECT p.id AS a, 0 AS b, p.competition_id, c.title, p.created_at
              FROM members m JOIN applications p ON p.member_id = m.id JOIN competitions c ON c.id = p.competition_id
              WHERE (m.account_id = $1
                     OR (m.account_id IS NULL AND m.mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1)))
                AND p.id > $2 AND 0 = $3 ORDER BY p.id LIMIT 100",
        columns: &[("competition_id", Int), ("title", Text), ("created_at", At)],
        by_game: false,
    },
    Section {
        name: "feeds",
        sql: "SELECT id AS a, 0 AS b, id, kind, phone_sealed AS phone, title, content, address, created_at
              FROM feeds WHERE account_id = $1 AND id > $2 AND 0 = $3 ORDER BY id LIMIT 100",
        columns: &[
            ("id", Int),
            ("kind", Int),
            ("phone", Sealed),
            ("title", Text),
            ("content", Text),
            ("address", Text),
            ("created_at", At),
        ],
        by_game: false,
    },
    Section {
        name: "sso",
        sql: "SELECT account_id AS a, CAST(0 AS BIGINT) AS b, app_id, user_name, contact_sealed AS contact,
                     extend_sealed AS extend, address_sealed AS address, created_at
              FROM sso_members WHERE account_id = $1 AND account_id > $2 AND 0 = $3 LIMIT 1",
        columns: &[
            ("app_id", Int),
            ("user_name", Text),
            ("contact", Sealed),
            ("extend", Sealed),
            ("address", Sealed),
            ("created_at", At),
        ],
        by_game: false,
    },
];

/// The rows after `from`, at most a hundred, and where the next page begins; `None` when this was the last.
pub async fn page(
    db: &Db,
    vault: &Vault,
    section: &Section,
    account: AccountId,
    from: Cursor,
) -> Result<(Vec<Value>, Option<Cursor>), StoreError> {
    if section.by_game {
        return page_of_game(db, vault, section, account, from).await;
    }
    let rows = db.fetch_all(section.sql, args![account.0, from.0, from.1]).await?;
    let next = match rows.last() {
        Some(row) if rows.len() as i64 == PAGE => Some((row.int("a")?, row.int("b")?)),
        _ => None,
    };
    Ok((values(section, vault, &rows)?, next))
}

async fn page_of_game(
    db: &Db,
    vault: &Vault,
    section: &Section,
    account: AccountId,
    from: Cursor,
) -> Result<(Vec<Value>, Option<Cursor>), StoreError> {
    let sql = "SELECT game_id, tail FROM game_queue WHERE game_id >= $1 ORDER BY game_id LIMIT 1";
    let Some(line) = db.fetch_optional(sql, args![from.0]).await? else { return Ok((Vec::new(), None)) };
    let (game, tail) = (line.int("game_id")?, line.int("tail")?);
    let after = if game == from.0 { from.1 } else { 0 };
    let until = after.saturating_add(LOOKED_AT);
    let rows = db.fetch_all(section.sql, args![account.0, game, after, until]).await?;
    let next = match rows.last() {
        Some(row) if rows.len() as i64 == PAGE => (game, row.int("b")?),
        _ if until < tail => (game, until),
        _ => (game + 1, 0),
    };
    Ok((values(section, vault, &rows)?, Some(next)))
}

fn values(section: &Section, vault: &Vault, rows: &[Row]) -> Result<Vec<Value>, StoreError> {
    rows.iter().map(|row| value(section, vault, row)).collect()
}

fn value(section: &Section, vault: &Vault, row: &Row) -> Result<Value, StoreError> {
    let mut members = Map::new();
    for (name, kind) in section.columns {
        let value = match kind {
            Int => json!(row.opt_int(name)?),
            Text => json!(row.opt_text(name)?),
            At => json!(row.opt_int(name)?.map(Time)),
            Sealed => row.opt_text(name)?.map_or(Value::Null, |sealed| opened(vault, &sealed)),
            Player => player(vault, &row.text(name)?),
            Players => {
                let sealed: Vec<SealedPlayer> = serde_json::from_str(&row.text(name)?).unwrap_or_default();
                sealed.iter().map(|one| player(vault, &one.sealed)).collect()
            }
        };
        members.insert((*name).to_owned(), value);
    }
    Ok(Value::Object(members))
}

/// Null for what was never there and for what this key cannot open.
fn opened(vault: &Vault, sealed: &str) -> Value {
    vault.open(sealed).map_or(Value::Null, Value::String)
}

fn player(vault: &Vault, sealed: &str) -> Value {
    vault.open(sealed).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
