-- What is done is looked for once a minute, by its kind, to be removed.
CREATE INDEX outbox_over ON outbox (kind, created_at) WHERE state <> 0;

-- Whose server a piece goes to, where there are several: none of them gets more than its share. Empty: nobody's.
ALTER TABLE outbox ADD COLUMN party TEXT NOT NULL DEFAULT '';
