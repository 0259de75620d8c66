-- AlterTable
ALTER TABLE "checkpoints" ADD COLUMN     "superseded_at" TIMESTAMPTZ(3);

-- What is trained again since is behind the operation: an attempt that began at an earlier step has left it.
UPDATE "checkpoints" c SET "superseded_at" = clock_timestamp()
WHERE EXISTS (
  SELECT 1 FROM "attempts" a
  WHERE a."operation_id" = c."operation_id" AND a."attempt" > c."attempt"
    AND coalesce(a."start_step", a."claimed_step") < c."step"
);
