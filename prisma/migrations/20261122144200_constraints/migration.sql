-- What the schema language cannot say. The lists repeat libs/operations/src/operation-status.ts and
-- libs/contracts' checkpoint kinds; a test compares them.

ALTER TABLE operations
  ADD CONSTRAINT operations_status_known CHECK (status IN
    ('queued', 'running', 'pausing', 'paused', 'resuming', 'cancelling', 'cancelled', 'completed', 'failed')),
  ADD CONSTRAINT operations_lease_held_where_leased CHECK
    ((status IN ('running', 'pausing', 'cancelling')) = (worker_id IS NOT NULL AND lease_expires_at IS NOT NULL)),
  ADD CONSTRAINT operations_finished_where_final CHECK
    ((status IN ('cancelled', 'completed', 'failed')) = (finished_at IS NOT NULL)),
  ADD CONSTRAINT operations_counters_rise CHECK (version >= 1 AND attempt >= 0 AND event_seq >= 1 AND recoveries >= 0);

ALTER TABLE checkpoints
  ADD CONSTRAINT checkpoints_kind_known CHECK (kind IN
    ('periodic', 'pause', 'cancel', 'shutdown', 'failure', 'best', 'manual', 'final')),
  ADD CONSTRAINT checkpoints_position_counted CHECK (step >= 0 AND epoch >= 0 AND bytes >= 0);

-- The queue, in the order in which it is served.
CREATE INDEX operations_queue ON operations (pool, priority DESC, queued_at, id) WHERE status IN ('queued', 'resuming');

-- What the lease sweeper looks for.
CREATE INDEX operations_leases ON operations (lease_expires_at) WHERE status IN ('running', 'pausing', 'cancelling');

-- `completed` never changes, whatever statement asks for it.
CREATE FUNCTION refuse_change_of_completed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'operation % is completed, which never changes', OLD.id USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER operations_completed_is_final BEFORE UPDATE OF status, version, attempt, result ON operations
  FOR EACH ROW WHEN (OLD.status = 'completed') EXECUTE FUNCTION refuse_change_of_completed();
