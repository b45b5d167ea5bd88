-- The double-entry journal: one row is one transfer between two accounts, so that all accounts always sum to zero.
--   cash         what was received and not given back
--   sales        what was paid for orders that are paid
--   refunds_due  what is to be given back and is not yet
-- A transfer is written in the transaction of the change it books, and never changed.

CREATE TABLE journal (
    id                   $ID,
    at                   BIGINT NOT NULL,
    kind                 TEXT NOT NULL CHECK (kind IN ('payment', 'late_payment', 'refund_requested', 'refund_done')),
    debit_account        TEXT NOT NULL CHECK (debit_account IN ('cash', 'sales', 'refunds_due')),
    credit_account       TEXT NOT NULL CHECK (credit_account IN ('cash', 'sales', 'refunds_due')),
    amount_fen           BIGINT NOT NULL CHECK (amount_fen > 0),
    order_id             BIGINT NOT NULL REFERENCES orders (id),
    provider             TEXT NOT NULL,
    transaction_id       TEXT NOT NULL,
    CONSTRAINT between_two_accounts CHECK (debit_account <> credit_account),
    CONSTRAINT booked_once UNIQUE (provider, transaction_id, kind)
);

-- Payments that came before there was a journal. A payment settled its order if the order names it.
INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id)
SELECT p.received_at,
       CASE WHEN p.state <> 2 AND o.transaction_id = p.transaction_id THEN 'payment' ELSE 'late_payment' END,
       'cash',
       CASE WHEN p.state <> 2 AND o.transaction_id = p.transaction_id THEN 'sales' ELSE 'refunds_due' END,
       p.amount_fen, p.order_id, p.provider, p.transaction_id
FROM payments p JOIN orders o ON o.id = p.order_id
WHERE p.amount_fen > 0
ORDER BY p.id;

INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id)
SELECT COALESCE(w.created_at, p.received_at), 'refund_requested', 'sales', 'refunds_due', p.amount_fen, p.order_id,
       p.provider, p.transaction_id
FROM payments p JOIN orders o ON o.id = p.order_id
LEFT JOIN outbox w ON w.work_key = 'refund:' || p.provider || ':' || p.transaction_id
WHERE p.amount_fen > 0 AND o.transaction_id = p.transaction_id
  AND ((p.state = 1 AND o.status = 3) OR p.state = 3)
ORDER BY p.id;

INSERT INTO journal (at, kind, debit_account, credit_account, amount_fen, order_id, provider, transaction_id)
SELECT COALESCE(w.done_at, o.refunded_at, p.received_at), 'refund_done', 'refunds_due', 'cash', p.amount_fen, p.order_id,
       p.provider, p.transaction_id
FROM payments p JOIN orders o ON o.id = p.order_id
LEFT JOIN outbox w ON w.work_key = 'refund:' || p.provider || ':' || p.transaction_id
WHERE p.amount_fen > 0 AND p.state = 3
ORDER BY p.id;

-- A wrong certificate may be corrected once.
ALTER TABLE registrations ADD COLUMN certificate_corrections BIGINT NOT NULL DEFAULT 0
    CHECK (certificate_corrections IN (0, 1));
