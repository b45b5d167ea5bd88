//! The collections that are made of plain columns.

use actors::error::Entity;

use super::hooks;
use super::table::Kind::{
    Address, Code, Created, Day, Int, Joined, Line, Note, Number, OptNote, OptTime, Phone, PhoneKey, Ref, Rich, Stream,
    Text, Time, Updated, Yuan,
};
use super::table::{Column, Description, Link, PLAIN, Table, column};

/// Characters of a longer text.
const LONG: usize = 20_000;
const SHORT: usize = 200;

const CREATED: Column = column("create_time", Created).sql("created_at");
const COMPETITION: Column = column(
    "competition_id",
    Ref("SELECT 1 AS one FROM competitions WHERE id = $1 AND deleted_at IS NULL", Entity::Competition),
)
.of("competitions");
const FILE: Column = column("file_id", Ref("SELECT 1 AS one FROM files WHERE id = $1", Entity::Item)).of("files");

/// All that administrators write.
pub static WRITTEN: [&Table; 9] =
    [&COMPETITIONS, &LIVES, &VIDEOS, &TEAMS, &MEMBERS, &BUSINESSES, &BANNERS, &FILES, &CONFIGS];

pub static COMPETITIONS: Table = Table::new(Description {
    name: "competitions",
    entity: Entity::Competition,
    from: "competitions",
    columns: &[
        column("title", Line).required(),
        column("summary", Text(LONG)),
        column("description", Rich),
        column("score", Text(SHORT)),
        column("main_img_url", Address).picture(),
        column("place", Text(SHORT)),
        column("notes", Text(LONG)),
        column("is_hot", Int(0, 1, 0)),
        column("valid_state", Int(0, 2, 1)),
        column("play_time", Time).required().not_before("registration_open_at"),
        column("end_time", OptTime).not_before("play_time"),
        column("registration_open_at", OptTime),
        column("registration_close_at", OptTime).not_before("registration_open_at"),
        column("change_deadline", OptTime),
        column("refund_deadline", OptTime),
        CREATED,
    ],
    links: &[Link {
        name: "team_ids",
        table: "team_competitions",
        own: "competition_id",
        other: "team_id",
        others: "teams",
        entity: Entity::Team,
        most: Some(2),
    }],
    search: &["title", "summary"],
    marked: true,
    deleting: Some(hooks::competition_without_games),
    ..PLAIN
});

pub static LIVES: Table = Table::new(Description {
    name: "lives",
    entity: Entity::Live,
    from: "lives",
    columns: &[
        COMPETITION,
        column("title", Line).required(),
        column("summary", Text(LONG)),
        column("main_img_url", Address).picture(),
        column("stream_name", Stream),
        column("play_rtmp", Address),
        column("play_flv", Address),
        column("play_m3u8", Address),
        column("plug_flow", Address).private(),
        column("live_status", Int(0, 9, 0)),
        column("online_show", Int(0, 1, 1)),
        column("browse_num", Number),
        column("publish_time", Time),
        column("expire_time", OptTime).not_before("publish_time"),
        column("create_time", Created).sql("created_at"),
    ],
    search: &["title"],
    marked: true,
    inserted: Some(hooks::room_of_live),
    stored: Some(hooks::own_stream),
    deleting: Some(hooks::close_room),
    ..PLAIN
});

pub static VIDEOS: Table = Table::new(Description {
    name: "videos",
    entity: Entity::Video,
    from: "videos",
    columns: &[
        COMPETITION,
        column("type", Int(1, 2, 0)).sql("kind").required(),
        column("title", Line).required(),
        column("summary", Text(LONG)),
        column("main_img_url", Address).picture(),
        FILE,
        column("browse_num", Number),
        column("publish_time", Time),
        CREATED,
    ],
    search: &["title", "summary"],
    marked: true,
    ..PLAIN
});

pub static TEAMS: Table = Table::new(Description {
    name: "teams",
    entity: Entity::Team,
    from: "teams",
    columns: &[column("name", Line).required(), column("logo", Address).picture(), CREATED],
    links: &[
        Link {
            name: "member_ids",
            table: "team_members",
            own: "team_id",
            other: "member_id",
            others: "members",
            entity: Entity::Member,
            most: None,
        },
        Link {
            name: "competition_ids",
            table: "team_competitions",
            own: "team_id",
            other: "competition_id",
            others: "competitions",
            entity: Entity::Competition,
            most: None,
        },
    ],
    search: &["name"],
    marked: true,
    ..PLAIN
});

pub static MEMBERS: Table = Table::new(Description {
    name: "members",
    entity: Entity::Member,
    from: "members",
    columns: &[
        column("mobile", Phone).sql("mobile_sealed").private(),
        column("mobile_key", PhoneKey).private(),
        column("account_id", Joined).of("accounts"),
        column("cn_name", Line).required().private(),
        column("birthday", Day).private(),
        column("birth_addr", Text(SHORT)).private(),
        column("sex", Int(0, 2, 0)).private(),
        column("stature", Int(0, 300, 0)).private(),
        column("weight", Int(0, 500, 0)).private(),
        column("native_place", Text(SHORT)).private(),
        column("nation", Text(SHORT)).private(),
        column("photo", Address).picture().private(),
        column("individual", Rich).private(),
        column("number", Text(SHORT)).sql("jersey_number"),
        column("position", Text(SHORT)).sql("field_position"),
        column("school", Text(SHORT)).private(),
        column("experience", Rich).private(),
        column("feature", Rich).private(),
        column("honor", Rich).private(),
        column("comment", Rich).sql("evaluation").private(),
        column("status", Int(0, 1, 1)),
        CREATED,
    ],
    links: &[Link {
        name: "team_ids",
        table: "team_members",
        own: "member_id",
        other: "team_id",
        others: "teams",
        entity: Entity::Team,
        most: Some(20),
    }],
    search: &["cn_name", "jersey_number"],
    marked: true,
    unique: "mobile",
    stored: Some(hooks::join_account),
    deleting: Some(hooks::part_from_account),
    ..PLAIN
});

pub static BUSINESSES: Table = Table::new(Description {
    name: "businesses",
    entity: Entity::Business,
    from: "businesses",
    columns: &[
        column("s_id", Int(1, 1_000_000, 1)),
        column("title", Line).required(),
        column("cost", Yuan).sql("cost_fen").required(),
        column("price", Yuan).sql("price_fen").required(),
        column("content", Rich),
        column("remark", Text(LONG)),
        column("num", Text(SHORT)),
        column("valid_time", Int(1, 100, 1)),
        column("amount", Int(0, 1_000_000_000, 0)),
        column("specs", Text(SHORT)),
        column("people", Int(1, 1_000_000, 1)),
        column("audit_time", OptTime),
        column("istui", Int(0, 1, 0)),
        column("status", Int(0, 1, 1)),
        CREATED,
    ],
    search: &["title", "remark"],
    marked: true,
    deleting: Some(hooks::disable_business),
    ..PLAIN
});

pub static BANNERS: Table = Table::new(Description {
    name: "banners",
    entity: Entity::Banner,
    from: "banners",
    columns: &[
        column("title", Line).required(),
        column("description", Text(LONG)),
        column("position", Int(1, 3, 0)).sql("banner_position").required(),
        column("img_url", Address).picture(),
        column("jump_url", Address),
        FILE,
        column("display", Int(0, 1, 1)),
        column("status", Int(0, 1, 1)),
        CREATED,
    ],
    search: &["title", "description"],
    marked: true,
    ..PLAIN
});

pub static FILES: Table = Table::new(Description {
    name: "files",
    entity: Entity::Item,
    from: "files",
    columns: &[
        column("cate", Int(1, 3, 0)).required(),
        column("path", Address).picture().required(),
        column("original", Text(SHORT)),
        column("size", Int(0, 1 << 50, 0)),
        CREATED,
    ],
    search: &["path", "original"],
    unique: "path",
    deleting: Some(hooks::unused_file),
    ..PLAIN
});

pub static CONFIGS: Table = Table::new(Description {
    name: "configs",
    entity: Entity::Config,
    from: "site_configs",
    columns: &[
        column("code", Code).required(),
        column("title", Text(SHORT)),
        column("content", Rich).required(),
        column("update_time", Updated).sql("updated_at"),
    ],
    search: &["code", "title", "content"],
    unique: "code",
    ..PLAIN
});

/// What people wrote: read and deleted, not written.
pub static FEEDS: Table = Table::new(Description {
    name: "feeds",
    entity: Entity::Item,
    from: "feeds",
    columns: &[
        column("account_id", Number).of("accounts"),
        column("type", Number).sql("kind"),
        column("phone", Phone).sql("phone_sealed").private(),
        column("title", Note).private(),
        column("content", Note).private(),
        column("address", Note).private(),
        column("source", Number),
        CREATED,
    ],
    search: &["title", "content"],
    ..PLAIN
});

/// Read only.
pub static APPLICATIONS: Table = Table::new(Description {
    name: "applications",
    entity: Entity::Item,
    from: "applications a JOIN members m ON m.id = a.member_id JOIN competitions c ON c.id = a.competition_id",
    id: "a.id",
    columns: &[
        column("member_id", Number).sql("a.member_id").of("members"),
        column("member_name", Note).sql("m.cn_name"),
        column("competition_id", Number).sql("a.competition_id").of("competitions"),
        column("competition_title", Note).sql("c.title"),
        column("create_time", Created).sql("a.created_at"),
    ],
    search: &["m.cn_name", "c.title"],
    ..PLAIN
});

/// Read only, without the player's own fields: those leave in the file of a game.
pub static REGISTRATIONS: Table = Table::new(Description {
    name: "registrations",
    entity: Entity::Registration,
    from: "registrations r JOIN orders o ON o.id = r.order_id JOIN games g ON g.id = r.game_id",
    id: "r.id",
    columns: &[
        column("order_id", Number).sql("r.order_id").of("orders"),
        column("order_no", OptNote).sql("o.order_no"),
        column("competition_id", Number).sql("r.competition_id").of("competitions"),
        column("game_id", Number).sql("r.game_id").of("games"),
        column("game_name", Note).sql("g.name"),
        column("player_id", Number).sql("r.player_id"),
        column("account_id", Number).of("accounts").sql("r.account_id"),
        column("live", Number).sql("r.live"),
        column("create_time", Created).sql("r.created_at"),
    ],
    search: &["o.order_no", "g.name"],
    ..PLAIN
});
