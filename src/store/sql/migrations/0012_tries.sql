-- Addresses from which a person signed in: wrong passwords of others do not lock these out. Both columns are keyed hashes.
CREATE TABLE known_addresses (
    subject_key          TEXT NOT NULL,
    address_key          TEXT NOT NULL,
    seen_at              BIGINT NOT NULL,
    PRIMARY KEY (subject_key, address_key)
);
CREATE INDEX known_addresses_by_time ON known_addresses (seen_at);

-- The code before the last one stays good until its own end.
ALTER TABLE phone_codes ADD COLUMN previous_hash TEXT;
ALTER TABLE phone_codes ADD COLUMN previous_expires_at BIGINT;
