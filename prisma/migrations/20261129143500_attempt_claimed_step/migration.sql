-- AlterTable
ALTER TABLE "attempts" ADD COLUMN     "claimed_step" INTEGER;
