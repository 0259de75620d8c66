-- AlterTable
ALTER TABLE "checkpoints" ADD COLUMN     "expiry_warned_at" TIMESTAMPTZ(3);
