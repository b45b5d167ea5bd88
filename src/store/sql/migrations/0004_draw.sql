-- The checkable draw of a game that is decided by lottery.

CREATE TABLE draws (
    game_id              BIGINT PRIMARY KEY REFERENCES game_queue (game_id),
    state                BIGINT NOT NULL DEFAULT 1 CHECK (state IN (1, 2, 3)),    -- 1 entries are taken, 2 closed, 3 drawn
    commitment           TEXT NOT NULL,               -- SHA-256 of the secret, 64 hex
    secret_sealed        TEXT NOT NULL,               -- encrypted; also after the draw
    places               BIGINT NOT NULL CHECK (places >= 1),
    quotas               TEXT NOT NULL,               -- JSON: [{name, places, rule}]
    public_source        TEXT NOT NULL,               -- which public value will be used, in words
    dry_runs             BIGINT NOT NULL DEFAULT 0,
    entrant_count        BIGINT,                      -- the first so many tokens of the line are the entrants
    merkle_root          TEXT,                        -- 64 hex
    public_value         TEXT,
    secret               TEXT,                        -- revealed by the draw, 64 hex
    winners              BIGINT,
    created_at           BIGINT NOT NULL,
    closed_at            BIGINT,
    drawn_at             BIGINT,
    CONSTRAINT closed_draw_has_entrants CHECK (state = 1 OR (entrant_count IS NOT NULL AND merkle_root IS NOT NULL
        AND closed_at IS NOT NULL)),
    CONSTRAINT drawn_draw_has_result CHECK ((state = 3) = (secret IS NOT NULL) AND (state < 3
        OR (public_value IS NOT NULL AND winners IS NOT NULL AND drawn_at IS NOT NULL AND dry_runs > 0)))
);

-- Who belongs to a group whose rule is a list.
CREATE TABLE draw_group_members (
    game_id              BIGINT NOT NULL REFERENCES draws (game_id),
    group_name           TEXT NOT NULL,
    certificate_key      TEXT NOT NULL,               -- keyed hash of certificate type and number
    PRIMARY KEY (game_id, group_name, certificate_key)
);

-- The entrants as closing fixed them. A table of its own, so that a look at a draw does not pass over megabytes.
CREATE TABLE draw_entrants (
    game_id              BIGINT PRIMARY KEY REFERENCES draws (game_id),
    entrants             TEXT NOT NULL                -- JSON, as in the bundle
);
