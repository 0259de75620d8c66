import { randomUUID } from 'node:crypto';
import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;

/** Work that one replica does at a time. */
const WORK_LOCKS = { 'orphan-sweep': 5_877_011n, 'checkpoint-reverify': 5_877_012n } as const;
const LONGEST_WORK_MS = 6 * 3_600_000;

/** What the service remembers about itself, across replicas and restarts. */
export class ServiceRecords {
  constructor(private readonly prisma: Database) {}

  async read(name: string): Promise<{ readonly value: unknown; readonly at: Date } | null> {
    return this.prisma.serviceRecord.findUnique({ where: { name }, select: { value: true, at: true } });
  }

  /** Milliseconds since it was written, by the database's clock; `Infinity`: never. */
  async ageMs(name: string): Promise<number> {
    const [row] = await this.prisma.$queryRaw<{ ms: number }[]>(sql`
      SELECT extract(epoch FROM clock_timestamp() - at)::float8 * 1000 AS ms FROM service_records WHERE name = ${name}`);
    return row?.ms ?? Infinity;
  }

  async write(name: string, value: unknown): Promise<void> {
    await this.prisma.$executeRaw(sql`
      INSERT INTO service_records (name, value, at) VALUES (${name}, ${JSON.stringify(value)}::jsonb, clock_timestamp())
      ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at`);
  }

  /** The name of this database: made once, the same for ever. */
  async deploymentId(): Promise<string> {
    await this.prisma.$executeRaw(sql`
      INSERT INTO service_records (name, value) VALUES ('deployment', to_jsonb(${randomUUID()}::text))
      ON CONFLICT (name) DO NOTHING`);
    return String((await this.read('deployment'))?.value);
  }

  /**
   * Does the work unless another replica is at it; then `null`. A connection is kept for as long as it takes. What
   * follows if that breaks, and another replica begins beside this one, is the work's own business.
   */
  async alone<Result>(what: keyof typeof WORK_LOCKS, work: () => Promise<Result>): Promise<Result | null> {
    return this.prisma.$transaction(
      async (tx) => {
        const [row] = await tx.$queryRaw<{ held: boolean }[]>(
          sql`SELECT pg_try_advisory_xact_lock(${WORK_LOCKS[what]}) AS held`,
        );
        return row?.held ? work() : null;
      },
      { timeout: LONGEST_WORK_MS },
    );
  }
}
