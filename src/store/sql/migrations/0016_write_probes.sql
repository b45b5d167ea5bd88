-- When each node last found that the database can be written. One row per node, so that none waits for the lock of
-- another. The name starts like those of the migrations: it is about the server, and nothing of the platform.
CREATE TABLE _write_probes (
    node                 TEXT PRIMARY KEY NOT NULL,
    written_at           BIGINT NOT NULL
);
