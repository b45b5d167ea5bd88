//! Takes a person out and leaves every number: orders, payments, places and counters stay as they are, names and keys
//! go. Lock order: orders, the account, registrations, tokens.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use actors::domain::ids::AccountId;
use actors::error::{DomainError, Entity, Result};
use actors::quota_queue::messages::SealedPlayer;
use serde::Serialize;

use super::super::db::{BatchSql, ColumnKind, StoreError, Tx, json_rows};
use super::super::{files, outbox};
use super::scan::{Found, TokenKey};
use crate::args;

/// Rows of one statement.
const BATCH: usize = 500;
/// Games named in a refusal.
const MOST_NAMED: usize = 5;

/// What was done, as the audit trail and the caller are told.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Erased {
    pub orders: u64,
    pub registrations: u64,
    pub queue_tokens: u64,
    pub chat_lines: u64,
    pub sessions: u64,
    /// Rooms with lines of the person.
    #[serde(skip)]
    pub rooms: Vec<i64>,
}

/// The sealed phone of an account, if it has one.
pub async fn phone_sealed(tx: &mut Tx, id: AccountId) -> Result<Option<String>, StoreError> {
    let row = tx.fetch_optional("SELECT mobile_sealed FROM accounts WHERE id = $1", args![id.0]).await?;
    row.map_or(Ok(None), |row| row.opt_text("mobile_sealed"))
}

/// Erases an account and everything that it brought. `placeholder` is a sealed player that says nothing.
///
/// Errors: `NotFound(Account)`; `InUse` while it waits in a line or holds places in a game that has not started.
pub async fn account(tx: &mut Tx, id: AccountId, found: &Found, placeholder: &str, now: i64) -> Result<Erased> {
    let mut erased = Erased::default();
    let sql = "UPDATE orders SET phone_sealed = '', remark = '', version = version + 1 WHERE account_id = $1";
    erased.orders = tx.execute(sql, args![id.0]).await?;
    // An athlete's page with the account's phone is the account's, joined or not; the phone goes below.
    let sql = "UPDATE members SET account_id = $1
               WHERE account_id IS NULL AND mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1)
                 AND NOT EXISTS (SELECT 1 FROM members o WHERE o.account_id = $1)";
    tx.execute(sql, args![id.0]).await?;
    // Whoever was bound to an agent by a phone leaves it.
    let sql = "UPDATE agents SET account_id = NULL,
                   mobile_key = CASE WHEN mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1) THEN NULL ELSE mobile_key END,
                   mobile_sealed = CASE WHEN mobile_key = (SELECT a.mobile_key FROM accounts a WHERE a.id = $1) THEN NULL ELSE mobile_sealed END
               WHERE account_id = $1";
    tx.execute(sql, args![id.0]).await?;
    forget_pictures(tx, id, now).await?;
    let sql = "UPDATE accounts SET openid = NULL, login_name = NULL, mobile_key = NULL, mobile_sealed = NULL,
                   email_key = NULL, email_sealed = NULL, email_pending = 0, password_hash = NULL, password_kind = 0,
                   username = '', sex = 0, country = '', province = '', city = '', head_img = '', status = 0, last_login_time = NULL
               WHERE id = $1";
    if tx.execute(sql, args![id.0]).await? == 0 {
        return Err(DomainError::NotFound(Entity::Account));
    }
    erased.sessions = tx.execute("DELETE FROM sessions WHERE account_id = $1", args![id.0]).await?;
    let sql = "SELECT r.id FROM orders o JOIN registrations r ON r.order_id = o.id WHERE o.account_id = $1";
    let registrations = tx.fetch_all(sql, args![id.0]).await?;
    let registrations: Vec<i64> = registrations.iter().map(|row| row.int("id")).collect::<Result<_, _>>()?;
    erased.registrations = erase_registrations(tx, &registrations, placeholder, now).await?;
    refuse_waiting(tx, &found.tokens).await?;
    erased.queue_tokens = empty_tokens(tx, &found.tokens).await?;
    (erased.chat_lines, erased.rooms) = chat_lines(tx, id).await?;
    rest(tx, id, now).await?;
    Ok(erased)
}

/// Erases one player wherever somebody registered them. `key` is the keyed hash of the certificate.
///
/// Errors: `NotFound(Registration)`; `InUse` as for an account.
pub async fn certificate(tx: &mut Tx, key: &str, found: &Found, placeholder: &str, now: i64) -> Result<Erased> {
    if found.registrations.is_empty() && found.tokens.is_empty() {
        return Err(DomainError::NotFound(Entity::Registration));
    }
    let mut erased = Erased {
        registrations: erase_registrations(tx, &found.registrations, placeholder, now).await?,
        ..Erased::default()
    };
    refuse_waiting(tx, &found.tokens).await?;
    for (game, sequence) in &found.tokens {
        let sql = "SELECT players_sealed FROM queue_tokens WHERE game_id = $1 AND sequence = $2";
        let token = tx.fetch_one(sql, args![*game, *sequence]).await?;
        let mut players: Vec<SealedPlayer> =
            serde_json::from_str(&token.text("players_sealed")?).map_err(|_| DomainError::Internal)?;
        for player in players.iter_mut().filter(|player| player.certificate_key == key) {
            *player = SealedPlayer { certificate_key: random_key(), sealed: placeholder.to_owned() };
        }
        let players = serde_json::to_string(&players).map_err(|_| DomainError::Internal)?;
        let sql = "UPDATE queue_tokens SET players_sealed = $3, request_key = $4 WHERE game_id = $1 AND sequence = $2";
        erased.queue_tokens += tx.execute(sql, args![*game, *sequence, players, random_key()]).await?;
    }
    Ok(erased)
}

fn random_key() -> String {
    hex::encode(rand::random::<[u8; 16]>())
}

#[derive(Serialize)]
struct TokenRow {
    game: i64,
    sequence: i64,
    k: String,
}

#[derive(Serialize)]
struct KeyRow<'a> {
    k: &'a str,
}

#[derive(Serialize)]
struct RegistrationRow<'a> {
    id: i64,
    k: &'a str,
}

const TOKEN: &[(&str, ColumnKind)] =
    &[("game", ColumnKind::Int), ("sequence", ColumnKind::Int), ("k", ColumnKind::Text)];

static WAITING: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT t.game_id, t.sequence FROM {rows}
         JOIN queue_tokens t ON t.game_id = r.game AND t.sequence = r.sequence AND t.state = 0 AND t.live = 1",
        TOKEN,
    )
});

/// The players and the key of the request, which is made of them.
static EMPTY_TOKENS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE queue_tokens SET players_sealed = '[]', request_key = r.k
         FROM {rows} WHERE queue_tokens.game_id = r.game AND queue_tokens.sequence = r.sequence",
        TOKEN,
    )
});

fn token_rows(tokens: &[TokenKey]) -> Vec<TokenRow> {
    tokens.iter().map(|(game, sequence)| TokenRow { game: *game, sequence: *sequence, k: random_key() }).collect()
}

async fn refuse_waiting(tx: &mut Tx, tokens: &[TokenKey]) -> Result<()> {
    for batch in tokens.chunks(BATCH) {
        let rows = tx.fetch_all(WAITING.text(tx.dialect()), args![json_rows(&token_rows(batch))?]).await?;
        if let Some(token) = rows.first() {
            let game = token.int("game_id")?;
            let text = format!("the person waits in the line of game {game}: wait for the decision, or leave the line");
            return Err(DomainError::InUse(text.into()));
        }
    }
    Ok(())
}

async fn empty_tokens(tx: &mut Tx, tokens: &[TokenKey]) -> Result<u64> {
    let mut changed = 0;
    for batch in tokens.chunks(BATCH) {
        changed += tx.execute(EMPTY_TOKENS.text(tx.dialect()), args![json_rows(&token_rows(batch))?]).await?;
    }
    Ok(changed)
}

const IDS: &[(&str, ColumnKind)] = &[("id", ColumnKind::Int), ("k", ColumnKind::Text)];
const KEYS: &[(&str, ColumnKind)] = &[("k", ColumnKind::Text)];

static STATES: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT g.id, g.certificate_key, g.game_id, g.live, m.start_time, o.order_no
         FROM {rows} JOIN registrations g ON g.id = r.id JOIN games m ON m.id = g.game_id JOIN orders o ON o.id = g.order_id",
        IDS,
    )
});

/// By game, because the index of live certificates begins with it.
static LIVE: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "SELECT g.id, g.certificate_key FROM {rows} CROSS JOIN games m
         JOIN registrations g ON g.game_id = m.id AND g.certificate_key = r.k AND g.live = 1",
        KEYS,
    )
});

static RENAME_PLAYERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE players SET certificate_key = r.new_key FROM {rows} WHERE players.certificate_key = r.old_key",
        &[("old_key", ColumnKind::Text), ("new_key", ColumnKind::Text)],
    )
});

static ADD_PLAYERS: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "INSERT INTO players (certificate_key, created_at) SELECT r.new_key, $2 FROM {rows} WHERE true
         ON CONFLICT (certificate_key) DO NOTHING",
        &[("old_key", ColumnKind::Text), ("new_key", ColumnKind::Text)],
    )
});

static ERASE: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "UPDATE registrations SET certificate_key = r.k, player_id = p.id, player_sealed = $2
         FROM {rows} JOIN players p ON p.certificate_key = r.k WHERE registrations.id = r.id",
        IDS,
    )
});

/// The lists of draws that are over name nobody who is gone.
static UNLIST: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "DELETE FROM draw_group_members WHERE certificate_key IN (SELECT r.old_key FROM {rows})
             AND game_id IN (SELECT id FROM games WHERE start_time <= $2)",
        &[("old_key", ColumnKind::Text), ("new_key", ColumnKind::Text)],
    )
});

/// As are the lines of games that are over.
static UNLINE: LazyLock<BatchSql> = LazyLock::new(|| {
    BatchSql::new(
        "DELETE FROM line_certificates WHERE certificate_key IN (SELECT r.old_key FROM {rows})
             AND game_id IN (SELECT id FROM games WHERE start_time <= $2)",
        &[("old_key", ColumnKind::Text), ("new_key", ColumnKind::Text)],
    )
});

#[derive(Serialize)]
struct Rename<'a> {
    old_key: &'a str,
    new_key: &'a str,
}

/// Puts a random key and the placeholder in the place of the players. A certificate that is live in a registration that
/// stays keeps its key and its row there.
async fn erase_registrations(tx: &mut Tx, ids: &[i64], placeholder: &str, now: i64) -> Result<u64> {
    let dialect = tx.dialect();
    let mut keys: HashMap<i64, String> = HashMap::new();
    let mut held: Vec<String> = Vec::new();
    for batch in ids.chunks(BATCH) {
        let rows: Vec<RegistrationRow<'_>> = batch.iter().map(|id| RegistrationRow { id: *id, k: "" }).collect();
        for row in tx.fetch_all(STATES.text(dialect), args![json_rows(&rows)?]).await? {
            if row.flag("live")? && row.int("start_time")? > now {
                held.push(format!("game {} (order {})", row.int("game_id")?, row.text("order_no")?));
            }
            keys.insert(row.int("id")?, row.text("certificate_key")?);
        }
    }
    if !held.is_empty() {
        held.sort();
        held.dedup();
        let more = if held.len() > MOST_NAMED { ", …" } else { "" };
        held.truncate(MOST_NAMED);
        let games = held.join(", ");
        let text = format!(
            "the person holds places in games that have not started: {games}{more}; refund or cancel these orders first"
        );
        return Err(DomainError::InUse(text.into()));
    }

    let new_keys: HashMap<&str, String> = keys.values().map(|key| (key.as_str(), random_key())).collect();
    let elsewhere = live_elsewhere(tx, &keys).await?;
    let (stay, go): (Vec<Rename<'_>>, Vec<Rename<'_>>) = new_keys
        .iter()
        .map(|(old, new)| Rename { old_key: old, new_key: new })
        .partition(|rename| elsewhere.contains(rename.old_key));
    for batch in go.chunks(BATCH) {
        let rows = json_rows(batch)?;
        tx.execute(RENAME_PLAYERS.text(dialect), vec![rows.clone()]).await?;
        tx.execute(UNLIST.text(dialect), vec![rows.clone(), now.into()]).await?;
        tx.execute(UNLINE.text(dialect), vec![rows, now.into()]).await?;
    }
    for batch in stay.chunks(BATCH) {
        tx.execute(ADD_PLAYERS.text(dialect), vec![json_rows(batch)?, now.into()]).await?;
    }
    let rows: Vec<RegistrationRow<'_>> =
        keys.iter().map(|(id, old)| RegistrationRow { id: *id, k: &new_keys[old.as_str()] }).collect();
    let mut changed = 0;
    for batch in rows.chunks(BATCH) {
        changed += tx.execute(ERASE.text(dialect), vec![json_rows(batch)?, placeholder.into()]).await?;
    }
    if changed != keys.len() as u64 {
        tracing::error!(changed, expected = keys.len(), "registrations without a player's row");
        return Err(DomainError::Internal);
    }
    Ok(changed)
}

/// The certificates of `going` that are live in other registrations.
async fn live_elsewhere(tx: &mut Tx, going: &HashMap<i64, String>) -> Result<HashSet<String>, StoreError> {
    let mut keys: Vec<KeyRow<'_>> = going.values().map(|key| KeyRow { k: key }).collect();
    keys.sort_by_key(|row| row.k);
    keys.dedup_by_key(|row| row.k);
    let mut elsewhere = HashSet::new();
    for batch in keys.chunks(BATCH) {
        for row in tx.fetch_all(LIVE.text(tx.dialect()), vec![json_rows(batch)?]).await? {
            if !going.contains_key(&row.int("id")?) {
                elsewhere.insert(row.text("certificate_key")?);
            }
        }
    }
    Ok(elsewhere)
}

/// The person's own pictures, as the account and its lines show them, are removed after the commit, and again until it is
/// done: a file cannot be part of a transaction.
async fn forget_pictures(tx: &mut Tx, id: AccountId, now: i64) -> Result<(), StoreError> {
    let sql = "SELECT head_img FROM accounts WHERE id = $1 AND head_img LIKE '/uploads/%'
               UNION SELECT p.head_img FROM rooms JOIN publications p ON p.room_id = rooms.live_id AND p.account_id = $1
               WHERE p.head_img LIKE '/uploads/%'";
    for row in tx.fetch_all(sql, args![id.0]).await? {
        let path = row.text("head_img")?;
        let work_key = format!("{}:{}:{now}:{path}", files::FORGET, id.0);
        outbox::insert(tx, files::FORGET, &work_key, &files::ForgetWork { path }, now).await?;
    }
    Ok(())
}

/// The lines stay as tombstones, so that no offset is missing. Answers how many, and their rooms.
async fn chat_lines(tx: &mut Tx, id: AccountId) -> Result<(u64, Vec<i64>), StoreError> {
    let sql = "SELECT live_id FROM rooms WHERE EXISTS
                   (SELECT 1 FROM publications p WHERE p.room_id = rooms.live_id AND p.account_id = $1)";
    let rooms = tx.fetch_all(sql, args![id.0]).await?;
    let rooms: Vec<i64> = rooms.iter().map(|row| row.int("live_id")).collect::<Result<_, _>>()?;
    let mut changed = 0;
    for room in &rooms {
        let sql = "UPDATE publications SET content = '', username = '', head_img = '', uuid = '', client_id = NULL,
                       deleted = 1
                   WHERE room_id = $2 AND account_id = $1";
        changed += tx.execute(sql, args![id.0, *room]).await?;
    }
    Ok((changed, rooms))
}

/// What else names the person: the athlete's page, what they wrote, rights in rooms, and the administrators' traces.
async fn rest(tx: &mut Tx, id: AccountId, now: i64) -> Result<(), StoreError> {
    for member in tx.fetch_all("SELECT id FROM members WHERE account_id = $1", args![id.0]).await? {
        let member = member.int("id")?;
        tx.execute("DELETE FROM applications WHERE member_id = $1", args![member]).await?;
        // Answers to writes are kept for a day, and hold the whole row.
        let sql = "UPDATE idempotency_keys SET body = '' WHERE body LIKE $1 AND body LIKE '%\"cn_name\"%'";
        tx.execute(sql, args![format!("%\"id\":{member},%")]).await?;
    }
    let sql =
        "UPDATE members SET account_id = NULL, mobile_key = NULL, mobile_sealed = NULL, cn_name = '', birthday = '',
                   birth_addr = '', sex = 0, stature = 0, weight = 0, native_place = '', nation = '', photo = '',
                   individual = '', jersey_number = '', field_position = '', school = '', experience = '', feature = '', honor = '', evaluation = '',
                   deleted_at = COALESCE(deleted_at, $2)
               WHERE account_id = $1";
    tx.execute(sql, args![id.0, now]).await?;
    for sql in [
        "DELETE FROM feeds WHERE account_id = $1",
        "DELETE FROM sso_members WHERE account_id = $1",
        "DELETE FROM mail_confirmations WHERE account_id = $1",
        "DELETE FROM sandbox_mails WHERE account_id = $1",
        "DELETE FROM room_moderators WHERE account_id = $1",
        "UPDATE mutes SET reason = '' WHERE account_id = $1",
        "UPDATE bans SET reason = '' WHERE account_id = $1",
    ] {
        tx.execute(sql, args![id.0]).await?;
    }
    // Mails that have not left yet.
    tx.execute("DELETE FROM outbox WHERE kind = 'mail' AND work_key LIKE $1", args![format!("mail:{}:%", id.0)])
        .await?;
    let sql = "UPDATE audit SET before_json = NULL, after_json = NULL WHERE entity = 'accounts' AND entity_id = $1";
    tx.execute(sql, args![id.0.to_string()]).await?;
    // So do those of accounts.
    let sql = "UPDATE idempotency_keys SET body = '' WHERE body LIKE $1 AND body LIKE '%\"login_count\"%'";
    tx.execute(sql, args![format!("%\"id\":{},%", id.0)]).await?;
    Ok(())
}
