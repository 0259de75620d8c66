-- What a worker tells is recognised by its own number: replicas can take batches of one attempt in any order.
ALTER TABLE events ADD COLUMN worker_n INTEGER;
CREATE UNIQUE INDEX events_told_once ON events (operation_id, attempt, worker_n) WHERE worker_n IS NOT NULL;
ALTER TABLE attempts DROP COLUMN last_event_n;
