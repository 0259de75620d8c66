-- AlterTable
ALTER TABLE "operations" ADD COLUMN     "backend_change_allowed" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "checkpointing" JSONB;

-- What was made from an operation.
CREATE INDEX operations_made_from ON operations ((origin->>'operationId'), created_at DESC) WHERE origin IS NOT NULL;

-- Forks in the history of the operation that they were made from, among its many other events.
CREATE INDEX events_forked ON events (operation_id, seq) WHERE type = 'forked';
