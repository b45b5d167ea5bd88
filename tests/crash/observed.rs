//! What a dead server left in its database, read without any of its code.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::ledger::{GameState, LinePromise, OrderState, State};

const GAMES: &str = "SELECT game_id, limitation, balance, sold, held, \
    (SELECT COUNT(*) FROM queue_tokens t WHERE t.game_id = g.game_id), \
    (SELECT COUNT(*) FROM queue_tokens t WHERE t.game_id = g.game_id AND t.state = 1), \
    (SELECT COUNT(*) FROM registrations r WHERE r.game_id = g.game_id AND r.live = 1) \
    FROM game_queue g ORDER BY game_id";
const ORDERS: &str = "SELECT order_no, game_id, status, item_count, \
    (SELECT COUNT(*) FROM payments p WHERE p.order_id = o.id AND p.state = 1) \
    FROM orders o WHERE kind = 0";
const LINES: &str = "SELECT content, line_offset FROM publications WHERE room_id = 1";

type GameRow = (i64, i64, i64, i64, i64, i64, i64, i64);

pub async fn read(folder: &Path) -> State {
    let options = SqliteConnectOptions::new().filename(folder.join("matchday.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let games: Vec<GameRow> = sqlx::query_as(GAMES).fetch_all(&pool).await.unwrap();
    let orders: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(ORDERS).fetch_all(&pool).await.unwrap();
    let lines: Vec<(String, i64)> = sqlx::query_as(LINES).fetch_all(&pool).await.unwrap();
    pool.close().await;
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
    let order = |(order_no, game, status, places, settled_payments)| OrderState {
        order_no,
        game,
        status,
        places,
        settled_payments,
    };
    let line = |(content, offset)| LinePromise { content, offset };
    State {
        games: games.into_iter().map(game).collect(),
        orders: orders.into_iter().map(order).collect(),
        lines: lines.into_iter().map(line).collect(),
    }
}
