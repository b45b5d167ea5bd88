-- Phone codes with their limits, messages that are sent, memberships that end, pictures.

-- Who was sent how many messages on a day of Beijing; the keys are keyed hashes of phones and addresses.
CREATE TABLE sms_counts (
    day                  BIGINT NOT NULL,             -- days since 1970
    counted_key          TEXT NOT NULL,
    sent                 BIGINT NOT NULL,
    PRIMARY KEY (day, counted_key)
);

-- Messages of the sandbox, which an administrator reads instead of a phone.
CREATE TABLE sandbox_sms (
    id                   $ID,
    phone_key            TEXT NOT NULL,
    message_sealed       TEXT NOT NULL,               -- JSON {phone, kind, code}
    work_id              BIGINT NOT NULL UNIQUE,      -- its piece of the outbox
    created_at           BIGINT NOT NULL
);
CREATE INDEX sandbox_sms_by_phone ON sandbox_sms (phone_key, id);

CREATE INDEX accounts_ending_memberships ON accounts (member_expire_time) WHERE member_status = 1;
CREATE INDEX orders_due_memberships ON orders (expires_at) WHERE status = 0 AND kind = 1;
CREATE UNIQUE INDEX files_by_path ON files (path) WHERE path LIKE '/uploads/%';
