-- Entries on signing in have the hour that they belong to; they are pruned by it, and what has the same key in one hour is
-- one entry that counts. Entries on changes have neither and are kept.
ALTER TABLE audit ADD COLUMN period BIGINT;
ALTER TABLE audit ADD COLUMN period_key TEXT;
ALTER TABLE audit ADD COLUMN times BIGINT NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN last_at BIGINT;          -- of the last one that was counted
CREATE UNIQUE INDEX audit_by_period ON audit (period, period_key);

-- One row. Whoever makes an administrator locks it first, so that a one-time link and another way cannot both find nobody.
CREATE TABLE admin_creations (
    id                   BIGINT PRIMARY KEY CHECK (id = 1),
    at                   BIGINT NOT NULL
);

-- One-time links that set a new password. They end with their use, with any other change of the password, and by time.
CREATE TABLE admin_reset_links (
    token_hash           TEXT PRIMARY KEY,
    admin_id             BIGINT NOT NULL REFERENCES admins (id) ON DELETE CASCADE,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);
CREATE INDEX admin_reset_links_by_admin ON admin_reset_links (admin_id);
CREATE INDEX admin_sessions_by_admin ON admin_sessions (admin_id);
