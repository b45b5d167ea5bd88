-- The line complete: wait-list, rates, an opening that is shuffled, draws, messages, and the log of what happened.

ALTER TABLE game_queue ADD COLUMN wait_listed BIGINT NOT NULL DEFAULT 0 CHECK (wait_listed >= 0);   -- tokens on the wait-list now
ALTER TABLE game_queue ADD COLUMN list_version BIGINT NOT NULL DEFAULT 0;       -- counts changes of wait-list and leavers
ALTER TABLE game_queue ADD COLUMN wait_list BIGINT NOT NULL DEFAULT 0 CHECK (wait_list >= 0);       -- most tokens on it; 0 = none
ALTER TABLE game_queue ADD COLUMN wait_for_refunds BIGINT NOT NULL DEFAULT 0 CHECK (wait_for_refunds IN (0, 1));
ALTER TABLE game_queue ADD COLUMN offer_seconds BIGINT NOT NULL DEFAULT 0 CHECK (offer_seconds >= 0);
ALTER TABLE game_queue ADD COLUMN orders_per_minute BIGINT NOT NULL DEFAULT 0 CHECK (orders_per_minute >= 0);
ALTER TABLE game_queue ADD COLUMN most_unpaid BIGINT NOT NULL DEFAULT 0 CHECK (most_unpaid >= 0);
ALTER TABLE game_queue ADD COLUMN pre_queue_at BIGINT;
ALTER TABLE game_queue ADD COLUMN opening_at BIGINT;
ALTER TABLE game_queue ADD COLUMN rate_credit BIGINT NOT NULL DEFAULT 0;        -- in 1/60,000 of an order
ALTER TABLE game_queue ADD COLUMN rate_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE game_queue ADD COLUMN lottery BIGINT NOT NULL DEFAULT 0 CHECK (lottery IN (0, 1, 2));
ALTER TABLE game_queue ADD COLUMN shuffled_count BIGINT;                        -- so many first sequences are taken in a drawn order
ALTER TABLE game_queue ADD COLUMN shuffle_seed TEXT;                            -- 64 hex, made before the opening
ALTER TABLE game_queue ADD COLUMN notice TEXT NOT NULL DEFAULT '';
ALTER TABLE game_queue ADD COLUMN notice_version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE game_queue ADD COLUMN event_count BIGINT NOT NULL DEFAULT 0;
ALTER TABLE game_queue ADD COLUMN event_hash TEXT NOT NULL DEFAULT '';          -- 64 hex; '' = no event yet

-- The position at which a token was put on the wait-list; null: it is not on it.
ALTER TABLE queue_tokens ADD COLUMN wait_position BIGINT;
CREATE INDEX queue_tokens_wait_list ON queue_tokens (game_id, wait_position) WHERE wait_position IS NOT NULL;
CREATE INDEX queue_tokens_left ON queue_tokens (game_id, sequence) WHERE state = 5;

-- What happened in a game's line, in order, one row a transaction. Only ever inserted; each row's hash covers the one
-- before it, so that a change or a gap shows.
CREATE TABLE game_events (
    game_id              BIGINT NOT NULL REFERENCES game_queue (game_id),
    number               BIGINT NOT NULL,             -- 1, 2, 3, …
    at                   BIGINT NOT NULL,
    event                TEXT NOT NULL,               -- JSON
    first_sequence       BIGINT,                      -- the tokens it names lie between these two; null: none
    last_sequence        BIGINT,
    hash                 TEXT NOT NULL,               -- 64 hex: SHA-256 of the previous hash, the time and the event
    PRIMARY KEY (game_id, number)
);

-- The drawn order of a lottery's entries: a JSON array of sequences, the first is decided first. The order of a shuffled
-- opening is not stored, because its seed gives it.
CREATE TABLE line_orders (
    game_id              BIGINT PRIMARY KEY REFERENCES game_queue (game_id),
    sequences            TEXT NOT NULL
);

-- Who waits where a second token would be a second chance: in a line that will be shuffled or drawn, or on a wait-list.
-- The sequence is that of the latest token with this certificate; whether it still waits, its state tells.
CREATE TABLE line_certificates (
    game_id              BIGINT NOT NULL REFERENCES game_queue (game_id),
    certificate_key      TEXT NOT NULL,
    sequence             BIGINT NOT NULL,
    PRIMARY KEY (game_id, certificate_key)
);
