//! The database of the killed server, reached without any of its code: the event that the load registers for, and what
//! is left of it in the end.

use sqlx::{PgPool, SqlitePool};

use super::ledger::{GameState, LinePromise, OrderState, State};
use super::sso::Account;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Game 1 has places for all, game 3 for a part of the load, game 2 for very few; live 1 is the room. Each statement's
/// one parameter is a time: now and so much more.
const EVENT: [(&str, i64); 4] = [
    ("INSERT INTO competitions (id, title, play_time, created_at) VALUES (1, 'Crash run', $1, 0)", 30 * DAY_MS),
    (
        "INSERT INTO games (id, competition_id, name, price_fen, start_time, created_at) VALUES \
         (1, 1, 'Half marathon', 12000, $1, 0), (2, 1, '10 km', 8000, $1, 0), (3, 1, '5 km', 5000, $1, 0)",
        30 * DAY_MS,
    ),
    (
        "INSERT INTO game_queue (game_id, limitation, balance, wait_list) \
         SELECT id, CASE id WHEN 1 THEN 100000 WHEN 2 THEN 3 ELSE 100 END, \
                CASE id WHEN 1 THEN 100000 WHEN 2 THEN 3 ELSE 100 END, \
                CASE id WHEN 2 THEN 20 ELSE 0 END FROM games WHERE start_time > $1 \
         ON CONFLICT (game_id) DO UPDATE SET limitation = excluded.limitation, balance = excluded.balance, \
                                             wait_list = excluded.wait_list",
        0,
    ),
    (
        "INSERT INTO lives (id, competition_id, title, live_status, publish_time, created_at) VALUES (1, 1, 'Live', 1, $1, 0)",
        0,
    ),
];

/// As if the server had been down until every refund is due, and every inquiry about an order that is over.
const WORK_IS_DUE: &str = "UPDATE outbox SET next_at = 0 WHERE state = 0 AND (kind <> 'inquiry' \
    OR work_key IN (SELECT 'inquiry:' || order_no FROM orders WHERE expires_at <= $1))";
/// Orders that the payment provider was told of, that were not paid, and that it still takes money for.
const NOT_CLOSED: &str = "SELECT COUNT(*) FROM orders \
    WHERE prepay_id IS NOT NULL AND provider_closed_at IS NULL AND status IN (-1, 0, 2, 5)";
const REFUNDS_NOT_MADE: &str = "SELECT (SELECT COUNT(*) FROM outbox WHERE state <> 1) \
    + (SELECT COUNT(*) FROM payments WHERE state = 2) + (SELECT COUNT(*) FROM orders WHERE status = 3) \
    + (SELECT COUNT(*) FROM refunds WHERE state = 1)";
/// Money that the journal says is here, less the payments that settled an order and were kept.
const CASH_OFF: &str = "SELECT \
    (SELECT CAST(COALESCE(SUM(CASE WHEN debit_account = 'cash' THEN amount_fen ELSE -amount_fen END), 0) AS BIGINT) \
     FROM journal WHERE 'cash' IN (debit_account, credit_account)) \
    - (SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM payments WHERE state = 1) \
    + (SELECT CAST(COALESCE(SUM(refunded_fen), 0) AS BIGINT) FROM orders WHERE status IN (1, 3))";
const GAMES: &str = "SELECT game_id, limitation, balance, sold, held, \
    (SELECT COUNT(*) FROM queue_tokens t WHERE t.game_id = g.game_id), \
    (SELECT COUNT(*) FROM queue_tokens t WHERE t.game_id = g.game_id AND t.state = 1), \
    (SELECT COUNT(*) FROM registrations r WHERE r.game_id = g.game_id AND r.live = 1) \
    FROM game_queue g ORDER BY game_id";
const ORDERS: &str = "SELECT order_no, game_id, status, item_count - CASE WHEN status = 4 THEN 0 ELSE refunded_count END, \
    (SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id AND p.state = 1), \
    (SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id AND p.state = 3), \
    (SELECT COUNT(*) FROM outbox w WHERE w.work_key = 'inquiry:' || o.order_no AND o.prepay_id IS NOT NULL) \
    FROM orders o WHERE kind = 0";
const PEOPLE: &str = "SELECT login_name, \
    (SELECT COUNT(*) FROM sso_members m WHERE m.account_id = a.id), \
    (SELECT COUNT(*) FROM mail_confirmations c WHERE c.account_id = a.id), \
    (SELECT COUNT(*) FROM outbox w WHERE w.work_key LIKE 'mail:' || CAST(a.id AS TEXT) || ':%') \
    FROM accounts a WHERE password_kind = 1";
const CALLS: &str = "SELECT COUNT(*) FROM sso_calls";
const LINES: &str = "SELECT content, line_offset FROM publications WHERE room_id = 1";

const ACCOUNTS: &str = "SELECT login_name, id FROM accounts WHERE password_kind = 2";
const CODES: &str = "SELECT COUNT(*) FROM phone_codes";

type GameRow = (i64, i64, i64, i64, i64, i64, i64, i64);
type PersonRow = (String, i64, i64, i64);
type OrderRow = (String, i64, i64, i64, i64, i64, i64);

fn now_ms() -> i64 {
    i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

pub enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

macro_rules! on {
    ($database:expr, $pool:ident => $work:expr) => {
        match $database {
            Database::Sqlite($pool) => $work,
            Database::Postgres($pool) => $work,
        }
    };
}

impl Database {
    pub async fn open(url: &str) -> Self {
        if url.starts_with("sqlite:") {
            Self::Sqlite(SqlitePool::connect(url).await.unwrap())
        } else {
            Self::Postgres(PgPool::connect(url).await.unwrap())
        }
    }

    pub async fn close(self) {
        on!(self, pool => pool.close().await);
    }

    /// Fills the migrated, empty database.
    pub async fn write_event(&self) {
        for (statement, after_now) in EVENT {
            on!(self, pool => drop(sqlx::query(statement).bind(now_ms() + after_now).execute(pool).await.unwrap()));
        }
    }

    /// One more game with so many places, all free.
    pub async fn add_game(&self, id: i64, places: i64) {
        let game = "INSERT INTO games (id, competition_id, name, price_fen, start_time, created_at) \
            VALUES ($1, 1, 'Game ' || CAST($1 AS TEXT), 100, $2, 0)";
        let line = "INSERT INTO game_queue (game_id, limitation, balance) VALUES ($1, $2, $2)";
        for (sql, value) in [(game, now_ms() + 30 * DAY_MS), (line, places)] {
            on!(self, pool => drop(sqlx::query(sql).bind(id).bind(value).execute(pool).await.unwrap()));
        }
    }

    pub async fn let_work_be_due(&self) {
        on!(self, pool => drop(sqlx::query(WORK_IS_DUE).bind(now_ms()).execute(pool).await.unwrap()));
    }

    pub async fn not_closed(&self) -> i64 {
        on!(self, pool => sqlx::query_scalar(NOT_CLOSED).fetch_one(pool).await.unwrap())
    }

    pub async fn refunds_not_made(&self) -> i64 {
        on!(self, pool => sqlx::query_scalar(REFUNDS_NOT_MADE).fetch_one(pool).await.unwrap())
    }

    /// How often the live was opened, as its row says.
    pub async fn openings(&self) -> i64 {
        on!(self, pool => sqlx::query_scalar("SELECT browse_num FROM lives WHERE id = 1").fetch_one(pool).await.unwrap())
    }

    /// What a dead server left.
    pub async fn state(&self) -> State {
        let games: Vec<GameRow> = on!(self, pool => sqlx::query_as(GAMES).fetch_all(pool).await.unwrap());
        let orders: Vec<OrderRow> = on!(self, pool => sqlx::query_as(ORDERS).fetch_all(pool).await.unwrap());
        let lines: Vec<(String, i64)> = on!(self, pool => sqlx::query_as(LINES).fetch_all(pool).await.unwrap());
        let game = |(id, limitation, balance, sold, held, tokens, ordered, registered)| GameState {
            id,
            limitation,
            balance,
            sold,
            held,
            tokens,
            ordered,
            registered,
        };
        let order = |(order_no, game, status, places, settled_payments, returned_payments, inquiries)| OrderState {
            order_no,
            game,
            status,
            places,
            settled_payments,
            returned_payments,
            inquiries,
        };
        let line = |(content, offset)| LinePromise { content, offset };
        let people: Vec<PersonRow> = on!(self, pool => sqlx::query_as(PEOPLE).fetch_all(pool).await.unwrap());
        let person = |(name, members, links, mails)| Account { name, members, links, mails };
        State {
            people: people.into_iter().map(person).collect(),
            calls: on!(self, pool => sqlx::query_scalar(CALLS).fetch_one(pool).await.unwrap()),
            games: games.into_iter().map(game).collect(),
            orders: orders.into_iter().map(order).collect(),
            lines: lines.into_iter().map(line).collect(),
            accounts: on!(self, pool => sqlx::query_as(ACCOUNTS).fetch_all(pool).await.unwrap()),
            codes: on!(self, pool => sqlx::query_scalar(CODES).fetch_one(pool).await.unwrap()),
            refunds_not_made: self.refunds_not_made().await,
            cash_off_fen: on!(self, pool => sqlx::query_scalar(CASH_OFF).fetch_one(pool).await.unwrap()),
        }
    }
}
