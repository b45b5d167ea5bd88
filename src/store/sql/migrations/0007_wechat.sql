-- The account-wide access token and ticket of WeChat, sealed. Who has the lease may ask WeChat for a new one.
CREATE TABLE wechat_credentials (
    app_id               TEXT NOT NULL,
    name                 TEXT NOT NULL CHECK (name IN ('access_token', 'jsapi_ticket')),
    value_sealed         TEXT NOT NULL DEFAULT '',
    expires_at           BIGINT NOT NULL DEFAULT 0,
    lease_until          BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (app_id, name)
);

-- When the payment provider said that it takes no more money for an order it knows.
ALTER TABLE orders ADD COLUMN provider_closed_at BIGINT;

-- The day (YYYY-MM-DD, Beijing) of the provider's bill that a payment and its refund were found on.
ALTER TABLE payments ADD COLUMN billed_on TEXT;
ALTER TABLE payments ADD COLUMN refund_billed_on TEXT;
CREATE INDEX payments_not_billed ON payments (provider, received_at) WHERE billed_on IS NULL;
CREATE INDEX refunds_not_billed ON payments (provider, received_at) WHERE state = 3 AND refund_billed_on IS NULL;

-- What the comparison of a day's bill with the journal came to.
CREATE TABLE bill_reports (
    id                   $ID,
    provider             TEXT NOT NULL,
    day                  TEXT NOT NULL,
    line_count           BIGINT NOT NULL,
    paid_fen             BIGINT NOT NULL,
    refunded_fen         BIGINT NOT NULL,
    difference_count     BIGINT NOT NULL,
    differences          TEXT NOT NULL,               -- JSON, the first of them
    created_at           BIGINT NOT NULL,
    UNIQUE (provider, day)
);
