//! The fixed rows of the demo data, and how to recognise them.

use actors::error::DomainError;

use super::db::{Db, Dialect, StoreError, Tx, Value};
use crate::args;
use crate::vault::Vault;

const DAY_MS: i64 = 24 * 3600 * 1000;
const HOUR_MS: i64 = 3600 * 1000;
const BEIJING_MS: i64 = 8 * HOUR_MS;

const CLIP: &str = "/static/media/demo/index.m3u8";
const MOBILE: &str = "13800000001";
const APP_KEY: &str = "0123456789abcdef0123456789abcdef";
const APP_SECRET: &str = "AbCdEfGhIjKlMnOp";
const HAWK: [(&str, &str, &str); 2] = [
    ("official-demo", "matchday-demo-official-session-key", "official"),
    ("agent-demo", "matchday-demo-agent-session-key", "agent"),
];
const COMPETITIONS: [(&str, &str, &str, &str); 2] = [
    (
        "江城半程马拉松 晨风队 VS 江潮队",
        "沿江二十一公里，从老码头跑到新城灯火里",
        "<p>赛道沿江岸展开，起点老码头，终点江滩公园，全程平缓，适合首次挑战半马的跑者。</p>\
         <p>沿途每五公里设补给站与医疗点，关门时间三小时。设半程与十公里两个组别。</p>",
        "江滩公园",
    ),
    (
        "秋山越野挑战赛 晨风队 VS 江潮队",
        "走进层林尽染的山脊线，把秋天跑一遍",
        "<p>山地越野路线，累计爬升八百米，途经古道、竹海与山脊观景台。</p><p>报名将于近期开放，敬请期待。</p>",
        "秋山国家森林公园",
    ),
];
const TEAMS: [&str; 2] = ["晨风队", "江潮队"];
/// (team, name, jersey, position, birthday, cm, kg, mobile)
type Athlete = (i64, &'static str, &'static str, &'static str, &'static str, i64, i64, Option<&'static str>);
const MEMBERS: [Athlete; 6] = [
    (1, "林晓峰", "7", "领跑", "1994-03-12", 178, 66, Some(MOBILE)),
    (1, "周远", "11", "冲刺", "1997-08-25", 175, 64, None),
    (1, "何思源", "23", "配速", "1991-11-02", 172, 61, None),
    (2, "江一帆", "5", "领跑", "1993-05-30", 180, 68, None),
    (2, "沈知行", "9", "配速", "1996-01-17", 174, 63, None),
    (2, "陆遥", "21", "冲刺", "1998-09-08", 176, 65, None),
];
const BUSINESS: &str = "年度会员";
const VIDEOS: [(i64, &str, &str, &str); 2] = [
    (1, "上届江城半马全程回放", "从鸣枪到关门，三小时完整记录", "/static/img/banner-3.svg"),
    (2, "上届江城半马精彩集锦", "三分钟，看尽奔跑的人", "/static/img/banner-1.svg"),
];
const BANNERS: [(&str, &str, &str, &str); 3] = [
    ("一起跑过江城", "会员专享训练营与领跑服务", "/static/img/banner-1.svg", "/register.html"),
    ("秋山越野挑战赛", "二十一公里山脊线，一步一风景", "/static/img/banner-2.svg", "/"),
    ("现场直播", "看比赛，聊比赛，为每一位跑者加油", "/static/img/banner-3.svg", "/live.html?id=1"),
];
const CONFIGS: [(&str, &str, &str); 8] = [
    ("copyright", "版权信息", "© matchday 演示站点"),
    ("ICP", "备案号", "演示站点，未备案"),
    ("index_title", "首页标题", "江城赛事中心"),
    ("description", "站点描述", "报名、缴费、看直播、聊比赛，一站完成。"),
    ("seo_title", "搜索标题", "江城赛事中心 - 马拉松报名与现场直播"),
    (
        "service_agreement",
        "服务协议",
        "<h3>服务协议</h3><p>本站为演示站点，所有赛事、人物与订单均为虚构，不构成真实的服务承诺。</p>\
         <p>使用本站即表示您同意遵守赛事规程，如实填写报名信息，并尊重其他观众。</p>",
    ),
    (
        "purchase_agreement",
        "购买协议",
        "<h3>购买协议</h3><p>提交订单后请在支付时限内完成支付，逾期订单将自动关闭，名额释放给后面的跑者。</p>\
         <p>开赛前七日内不再受理改项与退款。</p>",
    ),
    (
        "membership_agreement",
        "会员协议",
        "<h3>会员协议</h3><p>会员自支付成功之日起生效，有效期一年，到期前可续费顺延。</p>",
    ),
];

pub async fn is_empty(db: &Db) -> Result<bool, StoreError> {
    let sql = "SELECT 1 AS one FROM competitions UNION ALL SELECT 1 AS one FROM accounts LIMIT 1";
    Ok(db.fetch_optional(sql, args![]).await?.is_none())
}

const SSO_KEYS: &str = "
SELECT app_key_sealed AS sealed FROM sso_apps
UNION ALL SELECT previous_key_sealed AS sealed FROM sso_apps WHERE previous_key_sealed IS NOT NULL";
const HAWK_KEYS: &str = "SELECT hawk_key_sealed AS sealed FROM hawk_credentials";

/// Whether one of the keys that `sql` reads is one of `public`, under whatever name it is kept.
async fn holds_key(db: &Db, vault: &Vault, sql: &'static str, public: &[&str]) -> Result<bool, StoreError> {
    for row in db.fetch_all(sql, args![]).await? {
        let stored = row.text("sealed")?;
        let opened = vault.open(&stored).unwrap_or_default();
        if public.iter().any(|key| *key == stored || *key == opened) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The tables that hold any of the demo rows.
pub async fn present(db: &Db, vault: &Vault) -> Result<Vec<&'static str>, StoreError> {
    let pairs = |texts: [&str; 2]| -> Vec<Value> { texts.map(Value::from).into() };
    let mut found = Vec::new();
    for (table, sql, public) in
        [("sso_apps", SSO_KEYS, &[APP_KEY][..]), ("hawk_credentials", HAWK_KEYS, &HAWK.map(|(_, key, _)| key)[..])]
    {
        if holds_key(db, vault, sql, public).await? {
            found.push(table);
        }
    }
    let checks: [(&'static str, &'static str, Vec<Value>); 8] = [
        (
            "competitions",
            "SELECT 1 AS one FROM competitions WHERE title IN ($1, $2) LIMIT 1",
            pairs(COMPETITIONS.map(|competition| competition.0)),
        ),
        ("lives", "SELECT 1 AS one FROM lives WHERE play_m3u8 = $1 LIMIT 1", args![CLIP]),
        (
            "members",
            "SELECT 1 AS one FROM members WHERE cn_name = $1 AND birthday = $2 LIMIT 1",
            args![MEMBERS[0].1, MEMBERS[0].4],
        ),
        ("teams", "SELECT 1 AS one FROM teams WHERE name IN ($1, $2) LIMIT 1", pairs(TEAMS)),
        (
            "videos",
            "SELECT 1 AS one FROM videos WHERE title IN ($1, $2) LIMIT 1",
            pairs(VIDEOS.map(|(_, title, _, _)| title)),
        ),
        ("banners", "SELECT 1 AS one FROM banners WHERE img_url LIKE $1 LIMIT 1", args!["/static/img/banner-%"]),
        (
            "businesses",
            "SELECT 1 AS one FROM businesses WHERE title = $1 AND price_fen = 9900 LIMIT 1",
            args![BUSINESS],
        ),
        ("site_configs", "SELECT 1 AS one FROM site_configs WHERE content = $1 LIMIT 1", args![CONFIGS[0].2]),
    ];
    for (table, sql, args) in checks {
        if db.fetch_optional(sql, args).await?.is_some() {
            found.push(table);
        }
    }
    Ok(found)
}

/// All rows, into an empty database. Errors: `Conflict` when they are there already.
pub async fn insert(tx: &mut Tx, vault: &Vault, now: i64) -> Result<(), DomainError> {
    // Seven in the morning of the day in Beijing that is 30 days away.
    let today = now - (now + BEIJING_MS).rem_euclid(DAY_MS);
    let start = today + 30 * DAY_MS + 7 * HOUR_MS;
    competitions(tx, now, start).await?;
    teams(tx, vault, now).await?;
    media(tx, now).await?;
    shop_and_texts(tx, now).await?;
    clients(tx, vault, now).await?;
    Ok(continue_keys(tx).await?)
}

async fn competitions(tx: &mut Tx, now: i64, start: i64) -> Result<(), DomainError> {
    let sql = "INSERT INTO competitions (id, title, summary, description, place, main_img_url, is_hot, play_time, \
               end_time, registration_open_at, change_deadline, refund_deadline, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12) ON CONFLICT (id) DO NOTHING";
    for (id, (title, summary, description, place)) in (1_i64..).zip(COMPETITIONS) {
        let play_time = start + (id - 1) * 30 * DAY_MS;
        let opens = if id == 1 { now } else { start };
        let image = format!("/static/img/banner-{id}.svg");
        let args = args![
            id,
            title,
            summary,
            description,
            place,
            image,
            i64::from(id == 1),
            play_time,
            play_time + 5 * HOUR_MS,
            opens,
            play_time - 7 * DAY_MS,
            now,
        ];
        if tx.execute(sql, args).await? == 0 {
            return Err(DomainError::Conflict { field: "competitions".into() });
        }
    }
    for (id, name, places, price, later) in [(1_i64, "半程马拉松", 500, 12_000, 0), (2, "10 公里", 3, 8_000, 1)]
    {
        let sql = "INSERT INTO games (id, competition_id, name, price_fen, start_time, created_at) \
                   VALUES ($1, 1, $2, $3, $4, $5)";
        tx.execute(sql, args![id, name, i64::from(price), start + i64::from(later) * HOUR_MS, now]).await?;
        let sql = "INSERT INTO game_queue (game_id, state, limitation, balance) VALUES ($1, 1, $2, $2)";
        tx.execute(sql, args![id, i64::from(places)]).await?;
    }
    Ok(())
}

async fn teams(tx: &mut Tx, vault: &Vault, now: i64) -> Result<(), StoreError> {
    for (id, name) in (1_i64..).zip(TEAMS) {
        let sql = "INSERT INTO teams (id, name, logo, created_at) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, args![id, name, format!("/static/img/team-{id}.svg"), now]).await?;
        for competition in [1_i64, 2] {
            let sql = "INSERT INTO team_competitions (team_id, competition_id) VALUES ($1, $2)";
            tx.execute(sql, args![id, competition]).await?;
        }
    }
    for (id, (team, name, jersey, position, birthday, stature, weight, mobile)) in (1_i64..).zip(MEMBERS) {
        let sql = "INSERT INTO members (id, mobile_key, mobile_sealed, cn_name, birthday, sex, stature, weight, nation, \
                   jersey_number, field_position, created_at) \
                   VALUES ($1, $2, $3, $4, $5, 1, $6, $7, '汉族', $8, $9, $10)";
        let (key, sealed) = (mobile.map(|it| vault.mobile_key(it)), mobile.map(|it| vault.seal(it)));
        tx.execute(sql, args![id, key, sealed, name, birthday, stature, weight, jersey, position, now]).await?;
        let sql = "INSERT INTO team_members (team_id, member_id) VALUES ($1, $2)";
        tx.execute(sql, args![team, id]).await?;
    }
    Ok(())
}

async fn media(tx: &mut Tx, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO files (id, cate, path, original, created_at) VALUES ($1, $2, $3, $4, $5)";
    for (id, (_, _, image, _)) in (1_i64..).zip(BANNERS) {
        tx.execute(sql, args![id, 1_i64, image, image.rsplit('/').next(), now]).await?;
    }
    tx.execute(sql, args![4_i64, 2_i64, CLIP, "demo.m3u8", now]).await?;
    for (id, (title, description, image, jump)) in (1_i64..).zip(BANNERS) {
        let sql = "INSERT INTO banners (id, title, description, banner_position, img_url, jump_url, file_id, created_at) \
                   VALUES ($1, $2, $3, $1, $4, $5, $1, $6)";
        tx.execute(sql, args![id, title, description, image, jump, now]).await?;
    }
    for (kind, title, summary, image) in VIDEOS {
        let sql = "INSERT INTO videos (id, competition_id, kind, title, summary, main_img_url, file_id, publish_time, \
                   created_at) VALUES ($1, 1, $1, $2, $3, $4, 4, $5, $5)";
        tx.execute(sql, args![kind, title, summary, image, now]).await?;
    }
    let sql = "INSERT INTO lives (id, competition_id, title, summary, main_img_url, stream_name, play_m3u8, live_status, \
               publish_time, expire_time, created_at) VALUES (1, 1, $1, $2, $3, $4, $5, 1, $6, $7, $6)";
    let args = args![
        "江城半程马拉松 现场直播",
        "镜头跟随领先集团，评论席在线陪跑",
        "/static/img/banner-3.svg",
        "competition_1_demo",
        CLIP,
        now,
        now + 365 * DAY_MS,
    ];
    tx.execute(sql, args).await?;
    super::collections::hooks::insert_room(tx, 1).await
}

async fn shop_and_texts(tx: &mut Tx, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO businesses (id, title, cost_fen, price_fen, content, valid_time, created_at) \
               VALUES (1, $1, 9900, 9900, $2, 1, $3)";
    tx.execute(sql, args![BUSINESS, "一年会员：优先报名、训练营、赛后影像", now]).await?;
    for (code, title, content) in CONFIGS {
        let sql = "INSERT INTO site_configs (code, title, content, updated_at) VALUES ($1, $2, $3, $4)";
        tx.execute(sql, args![code, title, content, now]).await?;
    }
    Ok(())
}

async fn clients(tx: &mut Tx, vault: &Vault, now: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO sso_apps (id, app_key_sealed, app_secret_sealed, name, created_at) \
               VALUES (1, $1, $2, '演示应用', $3)";
    tx.execute(sql, args![vault.seal(APP_KEY), vault.seal(APP_SECRET), now]).await?;
    for (id, (name, key, class)) in (1_i64..).zip(HAWK) {
        let sql = "INSERT INTO hawk_credentials (id, hawk_id, hawk_key_sealed, algorithm, class, created_at) \
                   VALUES ($1, $2, $3, 'sha256', $4, $5)";
        tx.execute(sql, args![id, name, vault.seal(key), class, now]).await?;
    }
    Ok(())
}

/// Postgres does not count keys that were given; SQLite does.
async fn continue_keys(tx: &mut Tx) -> Result<(), StoreError> {
    if tx.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    for sql in [
        "SELECT setval(pg_get_serial_sequence('competitions', 'id'), 2)",
        "SELECT setval(pg_get_serial_sequence('games', 'id'), 2)",
        "SELECT setval(pg_get_serial_sequence('teams', 'id'), 2)",
        "SELECT setval(pg_get_serial_sequence('members', 'id'), 6)",
        "SELECT setval(pg_get_serial_sequence('files', 'id'), 4)",
        "SELECT setval(pg_get_serial_sequence('banners', 'id'), 3)",
        "SELECT setval(pg_get_serial_sequence('videos', 'id'), 2)",
        "SELECT setval(pg_get_serial_sequence('lives', 'id'), 1)",
        "SELECT setval(pg_get_serial_sequence('businesses', 'id'), 1)",
        "SELECT setval(pg_get_serial_sequence('sso_apps', 'id'), 1)",
        "SELECT setval(pg_get_serial_sequence('hawk_credentials', 'id'), 2)",
    ] {
        tx.fetch_one(sql, args![]).await?;
    }
    Ok(())
}
