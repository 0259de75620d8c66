-- CreateTable
CREATE TABLE "operations" (
    "id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "pool" TEXT NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 0,
    "status" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "event_seq" INTEGER NOT NULL DEFAULT 0,
    "spec" JSONB NOT NULL,
    "spec_sha256" TEXT NOT NULL,
    "requirements" TEXT[],
    "pinned_backend" TEXT,
    "parent_id" TEXT,
    "created_by" TEXT NOT NULL,
    "submission_key" TEXT,
    "worker_id" TEXT,
    "lease_expires_at" TIMESTAMPTZ(3),
    "max_recoveries" INTEGER NOT NULL,
    "recoveries" INTEGER NOT NULL DEFAULT 0,
    "pause_request" JSONB,
    "cancel_request" JSONB,
    "resume_checkpoint_id" TEXT,
    "progress" JSONB,
    "metrics" JSONB,
    "best" JSONB,
    "error" JSONB,
    "warnings" JSONB NOT NULL DEFAULT '[]',
    "result" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "queued_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "status_since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "queued_ms" BIGINT NOT NULL DEFAULT 0,
    "active_ms" BIGINT NOT NULL DEFAULT 0,
    "paused_ms" BIGINT NOT NULL DEFAULT 0,
    "progress_at" TIMESTAMPTZ(3),
    "former_spec_sha256" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "origin" JSONB,
    "overrides" JSONB,
    "pause_record" JSONB,
    "stuck_since" TIMESTAMPTZ(3),
    "watchdog" JSONB,
    "backend_change_allowed" BOOLEAN NOT NULL DEFAULT false,
    "checkpointing" JSONB,

    CONSTRAINT "operations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "attempts" (
    "operation_id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "worker_id" TEXT NOT NULL,
    "claim_id" TEXT NOT NULL,
    "claimed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "restored_at" TIMESTAMPTZ(3),
    "ended_at" TIMESTAMPTZ(3),
    "outcome" TEXT,
    "checkpoint_id" TEXT,
    "start_step" INTEGER,
    "start_epoch" INTEGER,
    "backend" TEXT,
    "ended_by" TEXT,
    "claimed_step" INTEGER,
    "fell_back_from" TEXT,

    CONSTRAINT "attempts_pkey" PRIMARY KEY ("operation_id","attempt")
);

-- CreateTable
CREATE TABLE "checkpoints" (
    "id" TEXT NOT NULL,
    "operation_id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "seq" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "committed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "manifest_key" TEXT NOT NULL,
    "manifest_sha256" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "files" JSONB NOT NULL,
    "metrics" JSONB NOT NULL,
    "is_best" BOOLEAN NOT NULL,
    "pinned" BOOLEAN NOT NULL DEFAULT false,
    "corrupted_at" TIMESTAMPTZ(3),
    "deleting_at" TIMESTAMPTZ(3),
    "parent_id" TEXT,
    "stall_ms" DOUBLE PRECISION,
    "save_ms" DOUBLE PRECISION,
    "uploaded_bytes" BIGINT,
    "verified_at" TIMESTAMPTZ(3),
    "expiry_warned_at" TIMESTAMPTZ(3),
    "superseded_at" TIMESTAMPTZ(3),

    CONSTRAINT "checkpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "operation_history" (
    "operation_id" TEXT NOT NULL,
    "n" INTEGER NOT NULL,
    "event" TEXT NOT NULL,
    "from_status" TEXT,
    "to_status" TEXT NOT NULL,
    "actor" TEXT NOT NULL,
    "reason" TEXT,
    "attempt" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "details" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "operation_history_pkey" PRIMARY KEY ("operation_id","n")
);

-- CreateTable
CREATE TABLE "events" (
    "operation_id" TEXT NOT NULL,
    "seq" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "data" JSONB NOT NULL,
    "position" BIGSERIAL NOT NULL,
    "txid" xid8 NOT NULL DEFAULT pg_current_xact_id(),
    "worker_n" INTEGER,

    CONSTRAINT "events_pkey" PRIMARY KEY ("operation_id","seq")
);

-- CreateTable
CREATE TABLE "metric_points" (
    "operation_id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "step" INTEGER NOT NULL,
    "epoch" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "values" JSONB NOT NULL,

    CONSTRAINT "metric_points_pkey" PRIMARY KEY ("operation_id","step","attempt")
);

-- CreateTable
CREATE TABLE "workers" (
    "id" TEXT NOT NULL,
    "pool" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "slots" INTEGER NOT NULL,
    "free_slots" INTEGER NOT NULL,
    "capabilities" TEXT[],
    "draining" BOOLEAN NOT NULL DEFAULT false,
    "registered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "silent_claims" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "workers_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "scope" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "status" INTEGER,
    "body" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "locked_until" TIMESTAMPTZ(3),

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("scope","key")
);

-- CreateTable
CREATE TABLE "api_tokens" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "api_tokens_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhooks" (
    "id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "secret" TEXT NOT NULL,
    "statuses" TEXT[],
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "disabled_at" TIMESTAMPTZ(3),

    CONSTRAINT "webhooks_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" BIGSERIAL NOT NULL,
    "webhook_id" TEXT NOT NULL,
    "operation_id" TEXT NOT NULL,
    "event_seq" INTEGER NOT NULL,
    "payload" JSONB NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "delivered_at" TIMESTAMPTZ(3),
    "given_up_at" TIMESTAMPTZ(3),
    "last_error" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "service_records" (
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "service_records_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "worker_enrolments" (
    "id" TEXT NOT NULL,
    "sha256" TEXT NOT NULL,
    "pool" TEXT NOT NULL,
    "worker_id" TEXT,
    "uses_left" INTEGER,
    "expires_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "worker_enrolments_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "worker_identities" (
    "nkey" TEXT NOT NULL,
    "worker_id" TEXT NOT NULL,
    "pool" TEXT NOT NULL,
    "enrolment_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "worker_identities_pkey" PRIMARY KEY ("nkey")
);

-- CreateIndex
CREATE UNIQUE INDEX "operations_submission_key_key" ON "operations"("submission_key");

-- CreateIndex
CREATE INDEX "operations_status_created_at_id_idx" ON "operations"("status", "created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "operations_created_at_id_idx" ON "operations"("created_at" DESC, "id");

-- CreateIndex
CREATE INDEX "operations_worker_id_idx" ON "operations"("worker_id");

-- CreateIndex
CREATE INDEX "operations_parent_id_idx" ON "operations"("parent_id");

-- CreateIndex
CREATE UNIQUE INDEX "attempts_claim_id_key" ON "attempts"("claim_id");

-- CreateIndex
CREATE UNIQUE INDEX "checkpoints_manifest_key_key" ON "checkpoints"("manifest_key");

-- CreateIndex
CREATE INDEX "checkpoints_operation_id_step_idx" ON "checkpoints"("operation_id", "step" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "checkpoints_operation_id_attempt_seq_key" ON "checkpoints"("operation_id", "attempt", "seq");

-- CreateIndex
CREATE INDEX "events_txid_position_idx" ON "events"("txid", "position");

-- CreateIndex
CREATE INDEX "idempotency_keys_created_at_idx" ON "idempotency_keys"("created_at");

-- CreateIndex
CREATE UNIQUE INDEX "api_tokens_sha256_key" ON "api_tokens"("sha256");

-- CreateIndex
CREATE INDEX "webhook_deliveries_next_at_idx" ON "webhook_deliveries"("next_at");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_webhook_id_operation_id_event_seq_key" ON "webhook_deliveries"("webhook_id", "operation_id", "event_seq");

-- CreateIndex
CREATE INDEX "checkpoints_files_idx" ON "checkpoints" USING GIN ("files" jsonb_path_ops);

-- CreateIndex
CREATE UNIQUE INDEX "worker_enrolments_sha256_key" ON "worker_enrolments"("sha256");

-- AddForeignKey
ALTER TABLE "attempts" ADD CONSTRAINT "attempts_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "checkpoints" ADD CONSTRAINT "checkpoints_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "operation_history" ADD CONSTRAINT "operation_history_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "events" ADD CONSTRAINT "events_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "metric_points" ADD CONSTRAINT "metric_points_operation_id_fkey" FOREIGN KEY ("operation_id") REFERENCES "operations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_webhook_id_fkey" FOREIGN KEY ("webhook_id") REFERENCES "webhooks"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "worker_identities" ADD CONSTRAINT "worker_identities_enrolment_id_fkey" FOREIGN KEY ("enrolment_id") REFERENCES "worker_enrolments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- What the schema language cannot say. The lists repeat the statuses of @ktrdr/operations and the checkpoint kinds of
-- @ktrdr/contracts; a test compares them.

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

ALTER TABLE worker_enrolments ADD CONSTRAINT worker_enrolments_uses_counted CHECK (uses_left >= 0);

-- The queue, in the order in which it is served.
CREATE INDEX operations_queue ON operations (pool, priority DESC, queued_at, id) WHERE status IN ('queued', 'resuming');

-- What the lease sweeper looks for.
CREATE INDEX operations_leases ON operations (lease_expires_at) WHERE status IN ('running', 'pausing', 'cancelling');

-- The operations that were made from an operation.
CREATE INDEX operations_made_from ON operations ((origin->>'operationId'), created_at DESC) WHERE origin IS NOT NULL;

-- The forks among an operation's many events.
CREATE INDEX events_forked ON events (operation_id, seq) WHERE type = 'forked';

-- The number of a worker's event identifies it: replicas can take batches of one attempt in any order.
CREATE UNIQUE INDEX events_told_once ON events (operation_id, attempt, worker_n) WHERE worker_n IS NOT NULL;

-- One key that is not revoked owns a worker id.
CREATE UNIQUE INDEX worker_identities_one_key ON worker_identities (worker_id) WHERE revoked_at IS NULL;

-- A look-up would read through all entries that wait to be sorted in. A commit adds only a handful.
ALTER INDEX checkpoints_files_idx SET (fastupdate = off);

-- `completed` never changes, whatever statement asks for it.
CREATE FUNCTION refuse_change_of_completed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'operation % is completed, which never changes', OLD.id USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER operations_completed_is_final BEFORE UPDATE OF status, version, attempt, result ON operations
  FOR EACH ROW WHEN (OLD.status = 'completed') EXECUTE FUNCTION refuse_change_of_completed();
