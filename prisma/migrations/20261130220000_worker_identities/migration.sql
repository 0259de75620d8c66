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

    CONSTRAINT "worker_enrolments_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "worker_enrolments_uses_counted" CHECK (uses_left >= 0)
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
CREATE UNIQUE INDEX "worker_enrolments_sha256_key" ON "worker_enrolments"("sha256");

-- A worker id belongs to one key that is not revoked.
CREATE UNIQUE INDEX "worker_identities_one_key" ON "worker_identities"("worker_id") WHERE "revoked_at" IS NULL;

-- AddForeignKey
ALTER TABLE "worker_identities" ADD CONSTRAINT "worker_identities_enrolment_id_fkey" FOREIGN KEY ("enrolment_id") REFERENCES "worker_enrolments"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
