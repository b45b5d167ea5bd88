-- How many places of one game an account may keep without paying: more than the setting allows, for clubs and agents.
-- Null: as the setting says.
ALTER TABLE accounts ADD COLUMN open_places_allowance BIGINT
    CHECK (open_places_allowance IS NULL OR open_places_allowance BETWEEN 1 AND 100000);

-- An account's tokens of a game are counted before it gets another.
CREATE INDEX queue_tokens_by_account ON queue_tokens (game_id, account_id);
