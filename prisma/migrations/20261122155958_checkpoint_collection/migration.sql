-- AlterTable
ALTER TABLE "checkpoints" ADD COLUMN     "verified_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "service_records" (
    "name" TEXT NOT NULL,
    "value" JSONB NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "service_records_pkey" PRIMARY KEY ("name")
);

-- CreateIndex
CREATE INDEX "checkpoints_files_idx" ON "checkpoints" USING GIN ("files" jsonb_path_ops);
