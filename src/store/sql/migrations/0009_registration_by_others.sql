-- Accounts that are made through other applications: encrypted SSO, and Regist behind HAWK. Keys that both sides know
-- are sealed like phones; what stood here in plain text (the demo's) is sealed at the next start (seal_plain.rs).

-- Nothing wrote the column until now.
ALTER TABLE accounts RENAME COLUMN email TO email_sealed;
ALTER TABLE accounts ADD COLUMN email_key TEXT;       -- keyed hash of the folded address
CREATE UNIQUE INDEX accounts_by_email ON accounts (email_key) WHERE email_key IS NOT NULL;
ALTER TABLE accounts ADD COLUMN email_pending BIGINT NOT NULL DEFAULT 0 CHECK (email_pending IN (0, 1));  -- 1 not confirmed yet
ALTER TABLE accounts ADD COLUMN password_kind BIGINT NOT NULL DEFAULT 0 CHECK (password_kind BETWEEN 0 AND 2);
                                                      -- the hash is over: 1 lower-case MD5 hex, 2 a blob of Regist

CREATE INDEX accounts_pending ON accounts (register_time) WHERE email_pending = 1;

-- A name that nobody can register: a login name has no blanks.
UPDATE accounts SET login_name = 'matchday offline registrations' WHERE login_name = 'matchday-offline-registrations';

ALTER TABLE sso_apps RENAME COLUMN app_key TO app_key_sealed;
ALTER TABLE sso_apps RENAME COLUMN app_secret TO app_secret_sealed;
ALTER TABLE sso_apps ADD COLUMN previous_key_sealed TEXT;       -- what was rotated away and is still good until
ALTER TABLE sso_apps ADD COLUMN previous_secret_sealed TEXT;
ALTER TABLE sso_apps ADD COLUMN previous_until BIGINT;
ALTER TABLE sso_apps ADD COLUMN may_register BIGINT NOT NULL DEFAULT 1 CHECK (may_register IN (0, 1));
ALTER TABLE sso_apps ADD COLUMN ip_allow TEXT NOT NULL DEFAULT '';   -- a pattern a line, * stands for anything
ALTER TABLE sso_apps ADD COLUMN ip_bad TEXT NOT NULL DEFAULT '';
ALTER TABLE sso_apps ADD COLUMN notify_url TEXT NOT NULL DEFAULT ''; -- empty: it is told nothing
ALTER TABLE sso_apps ADD COLUMN notify_params TEXT NOT NULL DEFAULT '{}';  -- JSON object of texts
ALTER TABLE sso_apps ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- Who was registered by an application, and what it told.
CREATE TABLE sso_members (
    account_id           BIGINT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    app_id               BIGINT NOT NULL REFERENCES sso_apps (id),
    user_name            TEXT NOT NULL,               -- as typed; accounts.login_name is folded
    contact_sealed       TEXT NOT NULL DEFAULT '',
    extend_sealed        TEXT NOT NULL DEFAULT '',
    address_sealed       TEXT NOT NULL DEFAULT '',    -- the person's network address
    created_at           BIGINT NOT NULL
);
CREATE INDEX sso_members_by_app ON sso_members (app_id);

-- Calls that were taken; the same one again is refused while its timestamp would be good.
CREATE TABLE sso_calls (
    app_id               BIGINT NOT NULL,
    sign                 TEXT NOT NULL,
    expires_at           BIGINT NOT NULL,
    PRIMARY KEY (app_id, sign)
);
CREATE INDEX sso_calls_by_expiry ON sso_calls (expires_at);

CREATE TABLE mail_confirmations (
    token_hash           TEXT PRIMARY KEY,            -- hex SHA-256 of the token in the link
    account_id           BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    created_at           BIGINT NOT NULL,
    expires_at           BIGINT NOT NULL
);
CREATE INDEX mail_confirmations_by_account ON mail_confirmations (account_id);
CREATE INDEX mail_confirmations_by_expiry ON mail_confirmations (expires_at);

-- Mails of the sandbox, which an administrator reads instead of a mailbox.
CREATE TABLE sandbox_mails (
    id                   $ID,
    account_id           BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    mail_sealed          TEXT NOT NULL,               -- JSON {to, kind, values, until}
    work_id              BIGINT NOT NULL UNIQUE,      -- its piece of the outbox
    created_at           BIGINT NOT NULL
);
CREATE INDEX sandbox_mails_by_account ON sandbox_mails (account_id);

-- Travel agents that personal accounts may act for.
CREATE TABLE agents (
    id                   $ID,
    name                 TEXT NOT NULL,
    username             TEXT NOT NULL UNIQUE,
    type_code            TEXT NOT NULL DEFAULT '',
    type_name            TEXT NOT NULL DEFAULT '',
    password_sealed      TEXT NOT NULL DEFAULT '',    -- upper-case hex MD5 of the agent's password; empty: none
    mobile_sealed        TEXT,
    mobile_key           TEXT,                        -- whoever registers with this phone is bound to the agent
    account_id           BIGINT UNIQUE REFERENCES accounts (id) ON DELETE SET NULL,
    status               BIGINT NOT NULL DEFAULT 1 CHECK (status IN (0, 1)),
    created_at           BIGINT NOT NULL
);
CREATE UNIQUE INDEX agents_by_mobile ON agents (mobile_key) WHERE mobile_key IS NOT NULL;

ALTER TABLE hawk_credentials RENAME COLUMN hawk_key TO hawk_key_sealed;
ALTER TABLE hawk_credentials ADD COLUMN agent_id BIGINT REFERENCES agents (id);   -- class agent: whose session key it is
ALTER TABLE hawk_credentials ADD COLUMN note TEXT NOT NULL DEFAULT '';

-- Nonces that were used; the same one again is refused while its time would be good.
CREATE TABLE hawk_nonces (
    hawk_id              TEXT NOT NULL,
    ts                   BIGINT NOT NULL,             -- seconds, as the caller said
    nonce_hash           TEXT NOT NULL,               -- hex SHA-256
    expires_at           BIGINT NOT NULL,
    PRIMARY KEY (hawk_id, ts, nonce_hash)
);
CREATE INDEX hawk_nonces_by_expiry ON hawk_nonces (expires_at);
