-- What is done is looked for once a minute, by its kind, to be removed.
CREATE INDEX outbox_over ON outbox (kind, created_at) WHERE state <> 0;
