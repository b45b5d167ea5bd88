-- A membership lasts as long as was sold, whatever its business offers when it is paid.
ALTER TABLE orders ADD COLUMN membership_years BIGINT;   -- of kind 1 only
UPDATE orders SET membership_years = (SELECT b.valid_time FROM businesses b WHERE b.id = orders.business_id) WHERE kind = 1;
