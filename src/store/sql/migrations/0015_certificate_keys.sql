-- Certificates are found by their letters and digits alone. The application gives what older versions stored its new keys at
-- its next start (store/sql/fold_certificates.rs), because the data key is not in the database. The row says how far it
-- came; it is deleted once all is done.
CREATE TABLE certificate_folding (
    id                   BIGINT PRIMARY KEY CHECK (id = 1),
    registration_id      BIGINT NOT NULL DEFAULT 0,   -- the last one that was looked at
    game_id              BIGINT NOT NULL DEFAULT 0,   -- with the sequence: the last queue token that was looked at
    sequence             BIGINT NOT NULL DEFAULT 0
);
INSERT INTO certificate_folding (id) VALUES (1);
