-- AlterTable
ALTER TABLE "attempts" ADD COLUMN     "fell_back_from" TEXT;
