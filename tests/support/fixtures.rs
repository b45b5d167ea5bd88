//! Rows and callers that tests start from: accounts with tokens, a game with places, orders as the queue makes them.

use actors::domain::ids::{AccountId, GameId};
use actors::domain::money::Fen;
use actors::domain::order::OrderNo;
use matchday::args;
use matchday::clients::wechat::notice::{self, PaidNotice};
use matchday::clients::wechat::sign::Fields;
use matchday::service::accounts;
use matchday::store::sql::db::{Db, Row, Value};

use super::TestApp;

pub struct Person {
    pub account: AccountId,
    pub token: String,
}

/// Signs in by the sandbox.
pub async fn person(app: &TestApp, openid: &str) -> Person {
    let token = accounts::sign_in(&app.context, &format!("sandbox:{openid}")).await.unwrap();
    let account = accounts::authenticate(&app.context, &token).await.unwrap().id;
    Person { account, token }
}

/// Binds a phone to an account, as binding it does.
pub async fn bind_phone(app: &TestApp, account: AccountId, number: &str) {
    let (key, sealed) = (app.context.vault.mobile_key(number), app.context.vault.seal(number));
    let sql = "UPDATE accounts SET mobile_key = $2, mobile_sealed = $3 WHERE id = $1";
    execute(&app.context.db, sql, args![account.0, key, sealed]).await;
}

/// One statement in a transaction of its own.
pub async fn execute(db: &Db, sql: &'static str, values: Vec<Value>) -> u64 {
    db.write(move |tx| Box::pin(async move { Ok(tx.execute(sql, values).await?) })).await.unwrap()
}

async fn insert(db: &Db, sql: &'static str, values: Vec<Value>) -> i64 {
    db.write(move |tx| Box::pin(async move { Ok(tx.fetch_one(sql, values).await?.int("id")?) })).await.unwrap()
}

pub async fn row(db: &Db, sql: &'static str, values: Vec<Value>) -> Row {
    db.fetch_one(sql, values).await.unwrap()
}

/// A game of a new competition, its places all free. `limitation` 0: unlimited.
pub async fn game(db: &Db, limitation: i64) -> GameId {
    let now = db.now_ms();
    let later = now + 30 * 86_400_000;
    let competition = insert(
        db,
        "INSERT INTO competitions (title, play_time, created_at) VALUES ('测试赛事', $1, $2) RETURNING id",
        args![later, now],
    )
    .await;
    let game = insert(
        db,
        "INSERT INTO games (competition_id, name, price_fen, start_time, created_at)
         VALUES ($1, 'ten', 8000, $2, $3) RETURNING id",
        args![competition, later, now],
    )
    .await;
    execute(
        db,
        "INSERT INTO game_queue (game_id, state, limitation, balance) VALUES ($1, 2, $2, $2)",
        args![game, limitation],
    )
    .await;
    GameId(game)
}

pub struct RaceOrder {
    pub id: i64,
    pub order_no: OrderNo,
    pub total: Fen,
    pub game: GameId,
}

/// An unpaid order as the line makes it: one place and registration per certificate, held, with its decided token.
pub async fn race_order(db: &Db, owner: &Person, game: GameId, certificates: &[&str]) -> RaceOrder {
    let now = db.now_ms();
    let places = i64::try_from(certificates.len()).unwrap();
    let order_no = OrderNo::compose(now, rand::random());
    let total = Fen::new(8000 * places).unwrap();
    let id = insert(
        db,
        "INSERT INTO orders (order_no, account_id, kind, game_id, name, item_count, price_fen, total_fen, created_at,
                             expires_at)
         VALUES ($1, $2, 0, $3, '十公里', $4, 8000, $5, $6, $7) RETURNING id",
        args![order_no.as_str(), owner.account.0, game.0, places, total.get(), now, now + 1_800_000],
    )
    .await;
    for certificate in certificates {
        let certificate = (*certificate).to_owned();
        execute(
            db,
            "INSERT INTO players (certificate_key, created_at) VALUES ($1, $2) ON CONFLICT (certificate_key) DO NOTHING",
            args![&certificate, now],
        )
        .await;
        execute(
            db,
            "INSERT INTO registrations (order_id, game_id, competition_id, player_id, account_id, certificate_key,
                                        player_sealed, created_at)
             SELECT $1, g.id, g.competition_id, p.id, $2, p.certificate_key, '', $3
             FROM games g, players p WHERE g.id = $4 AND p.certificate_key = $5",
            args![id, owner.account.0, now, game.0, &certificate],
        )
        .await;
    }
    let moved = execute(
        db,
        "UPDATE game_queue SET held = held + $2, balance = CASE WHEN limitation = 0 THEN 0 ELSE balance - $2 END,
                               tail = tail + 1, head = head + 1, version = version + 1
         WHERE game_id = $1",
        args![game.0, places],
    )
    .await;
    assert_eq!(moved, 1);
    execute(
        db,
        "INSERT INTO queue_tokens (game_id, sequence, account_id, request_key, state, group_size, players_sealed,
                                   order_no, created_at, decided_at)
         SELECT game_id, tail, $2, $3, 1, $4, '', $5, $6, $6 FROM game_queue WHERE game_id = $1",
        args![game.0, owner.account.0, certificates.join("+"), places, order_no.as_str(), now],
    )
    .await;
    RaceOrder { id, order_no, total, game }
}

/// Ends an unpaid order as the end of its payment window (2) or its owner (5) does: places, registrations and token go.
pub async fn end_order(db: &Db, order: &RaceOrder, status: i64) {
    let places = order.total.get() / 8000;
    let (id, game, order_no) = (order.id, order.game.0, order.order_no.to_string());
    execute(
        db,
        "UPDATE game_queue SET held = held - $2, balance = CASE WHEN limitation = 0 THEN 0 ELSE balance + $2 END,
                               version = version + 1
         WHERE game_id = $1",
        args![game, places],
    )
    .await;
    execute(db, "UPDATE orders SET status = $2 WHERE id = $1", args![id, status]).await;
    execute(db, "UPDATE registrations SET live = 0 WHERE order_id = $1", args![id]).await;
    execute(db, "UPDATE queue_tokens SET live = 0 WHERE order_no = $1", args![order_no]).await;
}

/// A membership order for a business of `years` years at 99.00 yuan.
pub async fn membership_order(db: &Db, owner: &Person, years: i64) -> (OrderNo, Fen) {
    let now = db.now_ms();
    let business = insert(
        db,
        "INSERT INTO businesses (title, cost_fen, price_fen, valid_time, created_at)
         VALUES ('会员', 19900, 9900, $1, $2) RETURNING id",
        args![years, now],
    )
    .await;
    let order_no = OrderNo::compose(now, rand::random());
    insert(
        db,
        "INSERT INTO orders (order_no, account_id, kind, business_id, name, item_count, price_fen, total_fen,
                             created_at, expires_at, membership_years)
         VALUES ($1, $2, 1, $3, '会员', 1, 9900, 9900, $4, $5, $6) RETURNING id",
        args![order_no.as_str(), owner.account.0, business, now, now + 86_400_000, years],
    )
    .await;
    (order_no, Fen::new(9900).unwrap())
}

/// The members of the notice that pays `total` for `order_no`, by its owner, not signed yet.
pub async fn notice_fields(app: &TestApp, order_no: &OrderNo, transaction: &str, total: Fen) -> Fields {
    let merchant = app.context.outside.merchant.as_ref().unwrap();
    let sql = "SELECT a.openid FROM orders o JOIN accounts a ON a.id = o.account_id WHERE o.order_no = $1";
    let owner = app.context.db.fetch_optional(sql, args![order_no.as_str()]).await.unwrap();
    let payer = owner.and_then(|owner| owner.opt_text("openid").unwrap()).unwrap_or_else(|| "payer".to_owned());
    let transaction_id = transaction.to_owned();
    let paid = PaidNotice { order_no: order_no.clone(), transaction_id, amount: total, payer };
    notice::compose(merchant, &paid, app.context.db.now_ms())
}

/// Signs and writes a notice.
pub fn sealed(app: &TestApp, fields: Fields) -> String {
    notice::seal(app.context.outside.merchant.as_ref().unwrap(), fields)
}

/// Sends a notice as the provider does; answers what our side said.
pub async fn send_notice(app: &TestApp, xml: String) -> String {
    let answer = app.client.post(app.at("/api/v1/pay/notify")).body(xml).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/xml; charset=utf-8");
    answer.text().await.unwrap()
}

/// A live with its room; answers its id.
pub async fn live(db: &Db) -> i64 {
    let live = insert(
        db,
        "INSERT INTO lives (title, summary, main_img_url, play_rtmp, play_flv, play_m3u8, plug_flow, live_status,
                            browse_num, publish_time, created_at)
         VALUES ('决赛', '直播', '/static/img/live.jpg', 'rtmp://live.example/app/one', '', '/static/media/one.m3u8',
                 'rtmp://push.example/app/one?auth_key=secret', 1, 7, 1700000000000, 1700000000000) RETURNING id",
        args![],
    )
    .await;
    execute(db, "INSERT INTO rooms (live_id, epoch) VALUES ($1, 'e')", args![live]).await;
    live
}

/// A saved line, `offset` the next one of its room.
pub async fn line(db: &Db, live: i64, offset: i64, speaker: &Person, content: &str) {
    let sql = "INSERT INTO publications (room_id, line_offset, account_id, uuid, content, username, head_img, msg_time)
               VALUES ($1, $2, $3, 'MC4wLjAuMF8xOTgzMl82', $4, 'a<b>', '/uploads/a.jpg', $5)";
    let at = 1_700_000_000_000 + offset * 1000;
    execute(db, sql, args![live, offset, speaker.account.0, content, at]).await;
    execute(db, "UPDATE rooms SET tail_offset = $2 WHERE live_id = $1", args![live, offset]).await;
}
