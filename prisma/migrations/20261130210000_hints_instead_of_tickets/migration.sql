-- What waits for a worker is read from the operations; nothing is owed to NATS.
DROP TABLE "outbox";
ALTER TABLE "operations" DROP COLUMN "ticketed_at";

ALTER TABLE "workers" ADD COLUMN "silent_claims" INTEGER NOT NULL DEFAULT 0;
