-- AlterTable
ALTER TABLE "attempts" ADD COLUMN     "ended_by" TEXT;

-- Attempts that ended before: who ended them stands in the history.
UPDATE "attempts" a SET "ended_by" = h."actor"
FROM "operation_history" h
WHERE h."operation_id" = a."operation_id" AND h."attempt" = a."attempt" AND h."at" = a."ended_at" AND h."event" = a."outcome";
