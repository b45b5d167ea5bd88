//! The event that the load registers for and talks about: written before the first life, so that the test depends on no
//! demo data.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Game 1 has places for a part of the load, game 2 for very few; live 1 is the room.
const ROWS: [(&str, i64); 4] = [
    ("INSERT INTO competitions (id, title, play_time, created_at) VALUES (1, 'Crash run', $1, 0)", 30 * DAY_MS),
    (
        "INSERT INTO games (id, competition_id, name, price_fen, start_time, created_at) \
         VALUES (1, 1, 'Half marathon', 12000, $1, 0), (2, 1, '10 km', 8000, $1, 0)",
        30 * DAY_MS,
    ),
    (
        "INSERT INTO game_queue (game_id, limitation, balance) VALUES (1, 500, 500), (2, 3, 3) ON CONFLICT (game_id) DO \
         UPDATE SET limitation = excluded.limitation, balance = excluded.balance WHERE $1 > 0",
        1,
    ),
    (
        "INSERT INTO lives (id, competition_id, title, live_status, publish_time, created_at) VALUES (1, 1, 'Live', 1, $1, 0)",
        0,
    ),
];

/// Fills the migrated, empty database in `folder`.
pub async fn write(folder: &Path) {
    let options = SqliteConnectOptions::new().filename(folder.join("matchday.db"));
    let pool = SqlitePool::connect_with(options).await.unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let now = i64::try_from(now).unwrap();
    for (statement, after_now) in ROWS {
        sqlx::query(statement).bind(now + after_now).execute(&pool).await.unwrap();
    }
    pool.close().await;
}
