-- Phone numbers are sealed like players. What these columns hold at this moment is plain text; the application seals it
-- at its next start (store/sql/seal_plain.rs), because the key is not in the database. A row is plain while its phone is
-- there and its key is not, or, where there is no key, while the text is shorter than any sealed one.

ALTER TABLE accounts RENAME COLUMN mobile TO mobile_sealed;
ALTER TABLE accounts ADD COLUMN mobile_key TEXT;      -- keyed hash of the number
CREATE UNIQUE INDEX accounts_by_mobile ON accounts (mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX accounts_plain_mobile ON accounts (id) WHERE mobile_sealed IS NOT NULL AND mobile_key IS NULL;

ALTER TABLE members RENAME COLUMN mobile TO mobile_sealed;
ALTER TABLE members ADD COLUMN mobile_key TEXT;
CREATE UNIQUE INDEX members_by_mobile ON members (mobile_key) WHERE mobile_key IS NOT NULL;
CREATE INDEX members_plain_mobile ON members (id) WHERE mobile_sealed IS NOT NULL AND mobile_key IS NULL;

ALTER TABLE orders RENAME COLUMN phone TO phone_sealed;
CREATE INDEX orders_plain_phone ON orders (id) WHERE phone_sealed <> '' AND LENGTH(phone_sealed) < 38;

ALTER TABLE feeds RENAME COLUMN phone TO phone_sealed;
CREATE INDEX feeds_plain_phone ON feeds (id) WHERE phone_sealed <> '' AND LENGTH(phone_sealed) < 38;

-- Codes live for minutes; those of before are worth nothing after a restart.
DELETE FROM phone_codes;
ALTER TABLE phone_codes RENAME COLUMN phone TO phone_key;

-- One row a file that was taken in, so that sending it again changes nothing.
CREATE TABLE imports (
    id                   $ID,
    game_id              BIGINT NOT NULL REFERENCES games (id),
    file_key             TEXT NOT NULL,               -- keyed hash of the file
    orders               BIGINT NOT NULL,
    places               BIGINT NOT NULL,
    total_fen            BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    UNIQUE (game_id, file_key)
);
