-- The H5 application's content, administered row by row.

-- Configs and applications get an id like all that administrators name; their own keys stay unique.
ALTER TABLE site_configs RENAME TO site_configs_by_code;
CREATE TABLE site_configs (
    id                   $ID,
    code                 TEXT NOT NULL UNIQUE,
    title                TEXT NOT NULL DEFAULT '',
    content              TEXT NOT NULL,
    updated_at           BIGINT NOT NULL
);
INSERT INTO site_configs (code, title, content, updated_at)
    SELECT code, title, content, updated_at FROM site_configs_by_code ORDER BY code;
DROP TABLE site_configs_by_code;

ALTER TABLE applications RENAME TO applications_by_member;
CREATE TABLE applications (
    id                   $ID,
    member_id            BIGINT NOT NULL REFERENCES members (id),
    competition_id       BIGINT NOT NULL REFERENCES competitions (id),
    created_at           BIGINT NOT NULL,
    UNIQUE (member_id, competition_id)
);
INSERT INTO applications (member_id, competition_id, created_at)
    SELECT member_id, competition_id, created_at FROM applications_by_member ORDER BY created_at;
DROP TABLE applications_by_member;

ALTER TABLE businesses ADD COLUMN deleted_at BIGINT;

CREATE INDEX team_competitions_by_competition ON team_competitions (competition_id);
CREATE INDEX team_members_by_member ON team_members (member_id);
CREATE INDEX competitions_by_start ON competitions (play_time) WHERE deleted_at IS NULL;
CREATE INDEX videos_by_time ON videos (publish_time) WHERE deleted_at IS NULL;
CREATE INDEX lives_by_time ON lives (publish_time) WHERE deleted_at IS NULL;
CREATE INDEX feeds_by_account ON feeds (account_id);
