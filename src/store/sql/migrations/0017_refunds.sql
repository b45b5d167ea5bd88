-- What tells this installation from others that use the same merchant; drawn at its first use.
CREATE TABLE installation (
    name                 TEXT PRIMARY KEY,
    value                BIGINT NOT NULL
);

-- Every return of money: the price of one registration, or all of a payment that was not asked back before.
CREATE TABLE refunds (
    id                   $ID,
    order_id             BIGINT NOT NULL REFERENCES orders (id),
    provider             TEXT NOT NULL,
    transaction_id       TEXT NOT NULL,
    registration_id      BIGINT NOT NULL DEFAULT 0,   -- 0: the rest of the payment
    amount_fen           BIGINT NOT NULL CHECK (amount_fen >= 0),
    state                BIGINT NOT NULL DEFAULT 1 CHECK (state IN (1, 2)),   -- 1 under way, 2 done
    refund_no            TEXT UNIQUE,                 -- its number at the provider; null: no provider is asked
    requested_at         BIGINT NOT NULL,
    done_at              BIGINT,
    billed_on            TEXT,                        -- the day (YYYY-MM-DD, Beijing) of the bill that has it
    CONSTRAINT each_part_once UNIQUE (provider, transaction_id, registration_id)
);
CREATE INDEX refunds_by_order ON refunds (order_id);
CREATE UNIQUE INDEX refunds_by_registration ON refunds (registration_id) WHERE registration_id <> 0;
CREATE INDEX refunds_done_not_billed ON refunds (provider, done_at) WHERE state = 2 AND billed_on IS NULL;

INSERT INTO refunds (order_id, provider, transaction_id, amount_fen, state, refund_no, requested_at, done_at, billed_on)
SELECT p.order_id, p.provider, p.transaction_id, p.amount_fen, CASE WHEN p.state = 3 THEN 2 ELSE 1 END,
       CASE WHEN w.id IS NULL THEN NULL ELSE o.order_no || 'r' || CAST(w.id AS TEXT) END,
       COALESCE(w.created_at, p.received_at),
       CASE WHEN p.state = 3 THEN COALESCE(w.done_at, o.refunded_at, p.received_at) ELSE NULL END,
       p.refund_billed_on
FROM payments p JOIN orders o ON o.id = p.order_id
LEFT JOIN outbox w ON w.work_key = 'refund:' || p.provider || ':' || p.transaction_id
WHERE p.state IN (2, 3) OR (p.state = 1 AND o.status = 3)
ORDER BY p.id;

DROP INDEX refunds_not_billed;
ALTER TABLE payments DROP COLUMN refund_billed_on;

-- What came back of an order: registrations (their places are free) and money.
ALTER TABLE orders ADD COLUMN refunded_count BIGINT NOT NULL DEFAULT 0
    CHECK (refunded_count >= 0 AND refunded_count <= item_count);
ALTER TABLE orders ADD COLUMN refunded_fen BIGINT NOT NULL DEFAULT 0 CHECK (refunded_fen >= 0);
UPDATE orders SET refunded_count = item_count, refunded_fen = COALESCE(pay_amount_fen, 0) WHERE status = 4;

-- The journal books each part of a payment that goes back: the registration, or 0 for the payment as a whole and for its
-- rest. The table is made again because SQLite cannot change a constraint.
CREATE TABLE journal_by_part (
    id                   $ID,
    at                   BIGINT NOT NULL,
    kind                 TEXT NOT NULL CHECK (kind IN ('payment', 'late_payment', 'refund_requested', 'refund_done')),
    debit_account        TEXT NOT NULL CHECK (debit_account IN ('cash', 'sales', 'refunds_due')),
    credit_account       TEXT NOT NULL CHECK (credit_account IN ('cash', 'sales', 'refunds_due')),
    amount_fen           BIGINT NOT NULL CHECK (amount_fen > 0),
    order_id             BIGINT NOT NULL REFERENCES orders (id),
    provider             TEXT NOT NULL,
    transaction_id       TEXT NOT NULL,
    part                 BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT between_two_accounts CHECK (debit_account <> credit_account),
    CONSTRAINT each_part_booked_once UNIQUE (provider, transaction_id, kind, part)
);
INSERT INTO journal_by_part (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id)
SELECT at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id FROM journal ORDER BY id;
DROP TABLE journal;
ALTER TABLE journal_by_part RENAME TO journal;
