-- The whole platform. One text for SQLite and Postgres:
--   $ID stands for the database's own generated primary key.
--   Integers are BIGINT, times BIGINT milliseconds since 1970 (UTC), money BIGINT fen, booleans BIGINT 0/1, JSON and
--   sealed personal data TEXT.

-- ---------------------------------------------------------------- people who sign in

CREATE TABLE accounts (
    id                   $ID,
    openid               TEXT UNIQUE,                 -- WeChat
    login_name           TEXT UNIQUE,                 -- SSO and Regist, case folded
    mobile               TEXT UNIQUE,                 -- bound and proven
    email                TEXT UNIQUE,                 -- case folded
    password_hash        TEXT,                        -- Argon2id, PHC text
    username             TEXT NOT NULL DEFAULT '',    -- display name, not unique
    sex                  BIGINT NOT NULL DEFAULT 0 CHECK (sex IN (0, 1, 2)),
    country              TEXT NOT NULL DEFAULT '',
    province             TEXT NOT NULL DEFAULT '',
    city                 TEXT NOT NULL DEFAULT '',
    head_img             TEXT NOT NULL DEFAULT '',
    status               BIGINT NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),   -- 0 disabled
    register_time        BIGINT NOT NULL,
    last_login_time      BIGINT,
    login_count          BIGINT NOT NULL DEFAULT 0,
    member_status        BIGINT NOT NULL DEFAULT 0 CHECK (member_status BETWEEN 0 AND 3),
    member_expire_time   BIGINT
);

CREATE TABLE sessions (
    token_hash           TEXT PRIMARY KEY,            -- hex SHA-256 of the 32 hex token
    account_id           BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    scope                BIGINT NOT NULL DEFAULT 16,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- ---------------------------------------------------------------- administrators

CREATE TABLE admins (
    id                   $ID,
    username             TEXT NOT NULL UNIQUE,
    password_hash        TEXT NOT NULL,
    role                 TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'cashier', 'moderator')),
    status               BIGINT NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),
    created_at           BIGINT NOT NULL
);

CREATE TABLE admin_sessions (
    token_hash           TEXT PRIMARY KEY,
    admin_id             BIGINT NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);

-- One-time links that set the first password.
CREATE TABLE admin_setup_links (
    token_hash           TEXT PRIMARY KEY,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL,
    used_at              BIGINT
);

CREATE TABLE audit (
    id                   $ID,
    at                   BIGINT NOT NULL,
    admin_id             BIGINT,                      -- no reference: the trail outlives the administrator
    admin_name           TEXT NOT NULL,
    action               TEXT NOT NULL,
    entity               TEXT NOT NULL,
    entity_id            TEXT NOT NULL,
    before_json          TEXT,
    after_json           TEXT
);
CREATE INDEX audit_by_entity ON audit (entity, entity_id, id);

CREATE TABLE idempotency_keys (
    admin_id             BIGINT NOT NULL,
    idempotency_key      TEXT NOT NULL,
    request_hash         TEXT NOT NULL,
    status               BIGINT NOT NULL,
    body                 TEXT NOT NULL,
    created_at           BIGINT NOT NULL,
    PRIMARY KEY (admin_id, idempotency_key)
);

-- ---------------------------------------------------------------- competitions and games

CREATE TABLE competitions (
    id                   $ID,
    title                TEXT NOT NULL,
    summary              TEXT NOT NULL DEFAULT '',
    description          TEXT NOT NULL DEFAULT '',
    score                TEXT NOT NULL DEFAULT '',
    main_img_url         TEXT NOT NULL DEFAULT '',
    place                TEXT NOT NULL DEFAULT '',
    notes                TEXT NOT NULL DEFAULT '',
    is_hot               BIGINT NOT NULL DEFAULT 0 CHECK (is_hot IN (0, 1)),
    valid_state          BIGINT NOT NULL DEFAULT 1 CHECK (valid_state IN (0, 1, 2)),
    play_time            BIGINT NOT NULL,
    end_time             BIGINT,
    registration_open_at  BIGINT,                     -- null: open from the start
    registration_close_at BIGINT,                     -- null: open until play_time
    change_deadline      BIGINT,
    refund_deadline      BIGINT,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

CREATE TABLE games (
    id                   $ID,
    competition_id       BIGINT NOT NULL REFERENCES competitions (id),
    name                 TEXT NOT NULL,
    price_fen            BIGINT NOT NULL CHECK (price_fen >= 0),
    currency_type        BIGINT NOT NULL DEFAULT 1,
    gender_req           BIGINT NOT NULL DEFAULT 0 CHECK (gender_req IN (0, 1, 2)),
    min_age_req          BIGINT NOT NULL DEFAULT 0 CHECK (min_age_req BETWEEN 0 AND 255),
    max_age_req          BIGINT NOT NULL DEFAULT 0 CHECK (max_age_req BETWEEN 0 AND 255),
    start_time           BIGINT NOT NULL,
    end_time             BIGINT,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT,
    UNIQUE (competition_id, name)
);

-- The one row a game's line and places hang on. Every batch locks it first; `tail` is the last sequence number handed
-- out, `head` the last one decided. places: limitation 0 = unlimited, else
-- limitation = sold + held + withheld + balance, where withheld is negative after the limit was lowered below what was
-- already given. The two checks below refuse an oversell whatever a program does.
CREATE TABLE game_queue (
    game_id              BIGINT PRIMARY KEY REFERENCES games (id),
    state                BIGINT NOT NULL DEFAULT 1 CHECK (state IN (0, 1, 2)),    -- 0 closed, 1 open, 2 paused
    version              BIGINT NOT NULL DEFAULT 0,   -- counts changes, so that readers can tell newer from older
    tail                 BIGINT NOT NULL DEFAULT 0,
    head                 BIGINT NOT NULL DEFAULT 0,
    limitation           BIGINT NOT NULL DEFAULT 0 CHECK (limitation >= 0),
    balance              BIGINT NOT NULL DEFAULT 0,
    sold                 BIGINT NOT NULL DEFAULT 0 CHECK (sold >= 0),
    held                 BIGINT NOT NULL DEFAULT 0 CHECK (held >= 0),
    CONSTRAINT head_within_tail CHECK (head <= tail AND head >= 0),
    CONSTRAINT balance_not_negative CHECK (balance >= 0),
    CONSTRAINT never_oversold CHECK (limitation = 0 OR balance = 0 OR sold + held + balance <= limitation)
);

CREATE TABLE queue_tokens (
    game_id              BIGINT NOT NULL REFERENCES game_queue (game_id),
    sequence             BIGINT NOT NULL,
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    request_key          TEXT NOT NULL,               -- keyed hash of caller and players: the same request again is the same token
    live                 BIGINT NOT NULL DEFAULT 1 CHECK (live IN (0, 1)),        -- waiting, or its order is live
    state                BIGINT NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 5), -- 0..4 as in the command dialect, 5 left
    group_size           BIGINT NOT NULL CHECK (group_size BETWEEN 1 AND 100),
    players_sealed       TEXT NOT NULL,
    order_no             TEXT,                        -- state 1: its order; state 4: the earlier order, when it is the owner's
    created_at           BIGINT NOT NULL,
    decided_at           BIGINT,
    PRIMARY KEY (game_id, sequence)
);
CREATE UNIQUE INDEX queue_tokens_one_live_request ON queue_tokens (game_id, request_key) WHERE live = 1;
CREATE INDEX queue_tokens_by_order ON queue_tokens (order_no);

-- ---------------------------------------------------------------- orders and registrations

CREATE TABLE players (
    id                   $ID,
    certificate_key      TEXT NOT NULL UNIQUE,        -- keyed hash of type and number
    created_at           BIGINT NOT NULL
);

CREATE TABLE businesses (
    id                   $ID,
    s_id                 BIGINT NOT NULL DEFAULT 1,
    title                TEXT NOT NULL,
    cost_fen             BIGINT NOT NULL CHECK (cost_fen >= 0),
    price_fen            BIGINT NOT NULL CHECK (price_fen >= 0),
    content              TEXT NOT NULL DEFAULT '',
    remark               TEXT NOT NULL DEFAULT '',
    num                  TEXT NOT NULL DEFAULT '',
    valid_time           BIGINT NOT NULL DEFAULT 1,   -- years
    amount               BIGINT NOT NULL DEFAULT 0,
    specs                TEXT NOT NULL DEFAULT '',
    people               BIGINT NOT NULL DEFAULT 1,
    audit_time           BIGINT,
    istui                BIGINT NOT NULL DEFAULT 0,
    status               BIGINT NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),
    created_at           BIGINT NOT NULL
);

CREATE TABLE orders (
    id                   $ID,
    order_no             TEXT NOT NULL UNIQUE,
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    kind                 BIGINT NOT NULL CHECK (kind IN (0, 1)),                  -- 0 race, 1 membership
    game_id              BIGINT REFERENCES games (id),
    business_id          BIGINT REFERENCES businesses (id),
    name                 TEXT NOT NULL,
    item_count           BIGINT NOT NULL CHECK (item_count BETWEEN 1 AND 100),
    price_fen            BIGINT NOT NULL CHECK (price_fen >= 0),
    total_fen            BIGINT NOT NULL CHECK (total_fen >= 0),
    currency_type        BIGINT NOT NULL DEFAULT 1,
    status               BIGINT NOT NULL DEFAULT 0 CHECK (status BETWEEN -1 AND 5),
    version              BIGINT NOT NULL DEFAULT 0,   -- counts changes; raising it takes the row's lock on both databases
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL,
    paid_at              BIGINT,
    cancelled_at         BIGINT,
    refunded_at          BIGINT,
    pay_way              BIGINT NOT NULL DEFAULT 0,
    pay_amount_fen       BIGINT,
    transaction_id       TEXT,
    prepay_id            TEXT,
    prepay_expires_at    BIGINT,
    phone                TEXT NOT NULL DEFAULT '',
    remark               TEXT NOT NULL DEFAULT '',
    coupon               TEXT NOT NULL DEFAULT '',
    discounts_fen        BIGINT NOT NULL DEFAULT 0,
    snap_items           TEXT NOT NULL DEFAULT '',
    CONSTRAINT race_or_membership CHECK ((kind = 0 AND game_id IS NOT NULL) OR (kind = 1 AND business_id IS NOT NULL)),
    CONSTRAINT paid_orders_name_their_payment CHECK (status NOT IN (1, 3, 4) OR (transaction_id IS NOT NULL AND paid_at IS NOT NULL AND pay_amount_fen IS NOT NULL))
);
CREATE INDEX orders_by_account ON orders (account_id, id);
CREATE INDEX orders_due ON orders (game_id, expires_at) WHERE status = 0;

CREATE TABLE registrations (
    id                   $ID,
    order_id             BIGINT NOT NULL REFERENCES orders (id),
    game_id              BIGINT NOT NULL REFERENCES games (id),
    competition_id       BIGINT NOT NULL REFERENCES competitions (id),
    player_id            BIGINT NOT NULL REFERENCES players (id),
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    certificate_key      TEXT NOT NULL,
    player_sealed        TEXT NOT NULL,               -- the order's own copy of the player's fields
    live                 BIGINT NOT NULL DEFAULT 1 CHECK (live IN (0, 1)),
    created_at           BIGINT NOT NULL
);
-- One place a person in a game, whoever registers them.
CREATE UNIQUE INDEX registrations_one_live_certificate ON registrations (game_id, certificate_key) WHERE live = 1;
CREATE INDEX registrations_by_order ON registrations (order_id);

-- What payment providers told us. One settled payment an order; the same transaction only once.
CREATE TABLE payments (
    id                   $ID,
    order_id             BIGINT NOT NULL REFERENCES orders (id),
    provider             TEXT NOT NULL,
    transaction_id       TEXT NOT NULL,
    amount_fen           BIGINT NOT NULL CHECK (amount_fen >= 0),
    state                BIGINT NOT NULL CHECK (state IN (1, 2, 3)),              -- 1 settled, 2 to be refunded, 3 refunded
    received_at          BIGINT NOT NULL,
    UNIQUE (provider, transaction_id)
);
CREATE UNIQUE INDEX payments_one_settled ON payments (order_id) WHERE state = 1;

-- Work that must survive a crash; done by one loop, idempotent by its key.
CREATE TABLE outbox (
    id                   $ID,
    kind                 TEXT NOT NULL,
    work_key             TEXT NOT NULL UNIQUE,
    payload              TEXT NOT NULL,
    state                BIGINT NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),    -- 0 to do, 1 done, 2 given up
    attempts             BIGINT NOT NULL DEFAULT 0,
    next_at              BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    done_at              BIGINT,
    last_error           TEXT
);
CREATE INDEX outbox_due ON outbox (next_at) WHERE state = 0;

-- ---------------------------------------------------------------- lives, rooms, chat

CREATE TABLE lives (
    id                   $ID,
    competition_id       BIGINT REFERENCES competitions (id),
    title                TEXT NOT NULL,
    summary              TEXT NOT NULL DEFAULT '',
    main_img_url         TEXT NOT NULL DEFAULT '',
    stream_name          TEXT NOT NULL DEFAULT '',
    play_rtmp            TEXT NOT NULL DEFAULT '',
    play_flv             TEXT NOT NULL DEFAULT '',
    play_m3u8            TEXT NOT NULL DEFAULT '',
    plug_flow            TEXT NOT NULL DEFAULT '',
    live_status          BIGINT NOT NULL DEFAULT 0,
    online_show          BIGINT NOT NULL DEFAULT 1,
    browse_num           BIGINT NOT NULL DEFAULT 0,
    publish_time         BIGINT NOT NULL,
    expire_time          BIGINT,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

-- The row a room's lines are ordered by. `epoch` changes only when the history is lost or restored.
CREATE TABLE rooms (
    live_id              BIGINT PRIMARY KEY REFERENCES lives (id),
    epoch                TEXT NOT NULL,
    tail_offset          BIGINT NOT NULL DEFAULT 0 CHECK (tail_offset >= 0),
    slow_mode_seconds    BIGINT NOT NULL DEFAULT 0,
    members_only         BIGINT NOT NULL DEFAULT 0,
    emoji_only           BIGINT NOT NULL DEFAULT 0,
    new_account_wait_seconds BIGINT NOT NULL DEFAULT 0,
    paused               BIGINT NOT NULL DEFAULT 0,
    pinned_notice        TEXT NOT NULL DEFAULT ''
);

CREATE TABLE publications (
    room_id              BIGINT NOT NULL REFERENCES rooms (live_id),
    line_offset          BIGINT NOT NULL,
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    uuid                 TEXT NOT NULL,
    client_id            TEXT,
    content              TEXT NOT NULL,               -- as typed; escaped when it leaves
    username             TEXT NOT NULL,
    head_img             TEXT NOT NULL,
    msg_time             BIGINT NOT NULL,             -- milliseconds; leaves as seconds
    deleted              BIGINT NOT NULL DEFAULT 0 CHECK (deleted IN (0, 1)),
    PRIMARY KEY (room_id, line_offset)
);
CREATE INDEX publications_by_client ON publications (room_id, account_id, client_id);

CREATE TABLE room_moderators (
    live_id              BIGINT NOT NULL REFERENCES rooms (live_id),
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (live_id, account_id)
);

CREATE TABLE mutes (
    id                   $ID,
    live_id              BIGINT NOT NULL REFERENCES rooms (live_id),
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    reason               TEXT NOT NULL DEFAULT '',
    until                BIGINT NOT NULL,
    created_at           BIGINT NOT NULL
);

CREATE TABLE bans (
    id                   $ID,
    account_id           BIGINT REFERENCES accounts (id),
    address              TEXT,
    reason               TEXT NOT NULL DEFAULT '',
    until                BIGINT,
    created_at           BIGINT NOT NULL
);

CREATE TABLE banned_words (
    id                   $ID,
    word                 TEXT NOT NULL,
    action               TEXT NOT NULL CHECK (action IN ('mask', 'hold', 'mute')),
    live_id              BIGINT REFERENCES rooms (live_id),
    created_at           BIGINT NOT NULL
);

-- ---------------------------------------------------------------- teams, members, content

CREATE TABLE teams (
    id                   $ID,
    name                 TEXT NOT NULL,
    logo                 TEXT NOT NULL DEFAULT '',
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

CREATE TABLE team_competitions (
    team_id              BIGINT NOT NULL REFERENCES teams (id),
    competition_id       BIGINT NOT NULL REFERENCES competitions (id),
    PRIMARY KEY (team_id, competition_id)
);

CREATE TABLE members (
    id                   $ID,
    account_id           BIGINT UNIQUE REFERENCES accounts (id),   -- null: not joined yet
    mobile               TEXT UNIQUE,
    cn_name              TEXT NOT NULL,
    birthday             TEXT NOT NULL DEFAULT '',    -- YYYY-MM-DD
    birth_addr           TEXT NOT NULL DEFAULT '',
    sex                  BIGINT NOT NULL DEFAULT 0,
    stature              BIGINT NOT NULL DEFAULT 0,   -- cm
    weight               BIGINT NOT NULL DEFAULT 0,   -- kg
    native_place         TEXT NOT NULL DEFAULT '',
    nation               TEXT NOT NULL DEFAULT '',
    photo                TEXT NOT NULL DEFAULT '',
    individual           TEXT NOT NULL DEFAULT '',
    jersey_number        TEXT NOT NULL DEFAULT '',
    field_position       TEXT NOT NULL DEFAULT '',
    school               TEXT NOT NULL DEFAULT '',
    experience           TEXT NOT NULL DEFAULT '',
    feature              TEXT NOT NULL DEFAULT '',
    honor                TEXT NOT NULL DEFAULT '',
    evaluation           TEXT NOT NULL DEFAULT '',
    status               BIGINT NOT NULL DEFAULT 1,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

CREATE TABLE team_members (
    team_id              BIGINT NOT NULL REFERENCES teams (id),
    member_id            BIGINT NOT NULL REFERENCES members (id),
    PRIMARY KEY (team_id, member_id)
);

-- A member's wish to play in a competition (H5 item 19); a race registration is another thing.
CREATE TABLE applications (
    member_id            BIGINT NOT NULL REFERENCES members (id),
    competition_id       BIGINT NOT NULL REFERENCES competitions (id),
    created_at           BIGINT NOT NULL,
    PRIMARY KEY (member_id, competition_id)
);

CREATE TABLE files (
    id                   $ID,
    cate                 BIGINT NOT NULL CHECK (cate IN (1, 2, 3)),   -- picture, video, other
    path                 TEXT NOT NULL,               -- under /static or /uploads, or an absolute address
    original             TEXT NOT NULL DEFAULT '',
    size                 BIGINT NOT NULL DEFAULT 0,   -- bytes
    created_at           BIGINT NOT NULL
);

CREATE TABLE videos (
    id                   $ID,
    competition_id       BIGINT REFERENCES competitions (id),
    kind                 BIGINT NOT NULL CHECK (kind IN (1, 2)),      -- 1 replay, 2 highlights
    title                TEXT NOT NULL,
    summary              TEXT NOT NULL DEFAULT '',
    main_img_url         TEXT NOT NULL DEFAULT '',
    browse_num           BIGINT NOT NULL DEFAULT 0,
    file_id              BIGINT REFERENCES files (id),
    publish_time         BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

CREATE TABLE banners (
    id                   $ID,
    title                TEXT NOT NULL,
    description          TEXT NOT NULL DEFAULT '',
    banner_position      BIGINT NOT NULL CHECK (banner_position IN (1, 2, 3)),
    img_url              TEXT NOT NULL DEFAULT '',
    jump_url             TEXT NOT NULL DEFAULT '',
    file_id              BIGINT REFERENCES files (id),
    display              BIGINT NOT NULL DEFAULT 1,
    status               BIGINT NOT NULL DEFAULT 1,
    created_at           BIGINT NOT NULL,
    deleted_at           BIGINT
);

CREATE TABLE site_configs (
    code                 TEXT PRIMARY KEY,
    title                TEXT NOT NULL DEFAULT '',
    content              TEXT NOT NULL,
    updated_at           BIGINT NOT NULL
);

CREATE TABLE feeds (
    id                   $ID,
    account_id           BIGINT NOT NULL REFERENCES accounts (id),
    kind                 BIGINT NOT NULL DEFAULT 1,
    phone                TEXT NOT NULL DEFAULT '',
    title                TEXT NOT NULL DEFAULT '',
    content              TEXT NOT NULL,
    address              TEXT NOT NULL DEFAULT '',
    source               BIGINT NOT NULL DEFAULT 1,
    created_at           BIGINT NOT NULL
);

CREATE TABLE phone_codes (
    phone                TEXT PRIMARY KEY,
    code_hash            TEXT NOT NULL,
    tries_left           BIGINT NOT NULL,
    sent_at              BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);

-- ---------------------------------------------------------------- clients of the signed dialects

CREATE TABLE sso_apps (
    id                   $ID,
    app_key              TEXT NOT NULL UNIQUE,
    app_secret           TEXT NOT NULL,
    name                 TEXT NOT NULL,
    status               BIGINT NOT NULL DEFAULT 1,
    created_at           BIGINT NOT NULL
);

CREATE TABLE hawk_credentials (
    id                   $ID,
    hawk_id              TEXT NOT NULL UNIQUE,
    hawk_key             TEXT NOT NULL,
    algorithm            TEXT NOT NULL DEFAULT 'sha256',
    class                TEXT NOT NULL CHECK (class IN ('official', 'agent')),
    status               BIGINT NOT NULL DEFAULT 1,
    created_at           BIGINT NOT NULL
);

-- ---------------------------------------------------------------- the server itself

-- One row: what the data key makes of a known text. A server with another key must not write beside it: it would not
-- recognise a certificate that is registered already.
CREATE TABLE data_key_check (
    id                   BIGINT PRIMARY KEY CHECK (id = 1),
    value                TEXT NOT NULL
);
