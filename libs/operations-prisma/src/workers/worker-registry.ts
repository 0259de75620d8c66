import { WorkerNotFoundError } from '@ktrdr/operations';
import { type Database } from '../database/database.js';
import { Batcher } from '../database/batcher.js';
import { Prisma } from '../generated/prisma/client.js';
import { MOST_SILENT_CLAIMS, TAKES_WORK } from './work-queue.js';

const { sql } = Prisma;

export interface WorkerRegistration {
  readonly id: string;
  readonly pool: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly slots: number;
  readonly capabilities: readonly string[];
}

export interface WorkerRecord extends WorkerRegistration {
  readonly freeSlots: number;
  readonly draining: boolean;
  /** It was silent after several claims in a row: it gets no more work until its draining is ended. */
  readonly isQuarantined: boolean;
  readonly registeredAt: Date;
  readonly lastSeenAt: Date;
  /** Since it was last heard of, by the database's clock. */
  readonly silentMs: number;
  /** Operations it holds. */
  readonly operations: readonly string[];
}

/** What a heartbeat's answer follows from. */
export interface SeenWorker extends Pick<WorkerRegistration, 'pool' | 'capabilities'> {
  readonly draining: boolean;
  /** Neither draining nor in quarantine. */
  readonly takesWork: boolean;
}

interface Sighting {
  readonly id: string;
  readonly freeSlots: number;
}

/** Workers as they last reported themselves. What they hold is read from the operations, never from them. */
export class WorkerRegistry {
  private readonly sightings: Batcher<Sighting, SeenWorker | null>;

  constructor(private readonly prisma: Database) {
    this.sightings = new Batcher((sightings) => this.seenTogether(sightings), { atOnce: 2, items: 128 });
  }

  async register(worker: WorkerRegistration): Promise<void> {
    const { id, pool, version, host, pid, slots, capabilities } = worker;
    await this.prisma.$executeRaw(sql`
      INSERT INTO workers (id, pool, version, host, pid, slots, free_slots, capabilities)
      VALUES (${id}, ${pool}, ${version}, ${host}, ${pid}, ${slots}, ${slots}, ${[...capabilities]}::text[])
      ON CONFLICT (id) DO UPDATE SET pool = excluded.pool, version = excluded.version, host = excluded.host,
        pid = excluded.pid, slots = excluded.slots, capabilities = excluded.capabilities,
        free_slots = greatest(0, excluded.slots - (SELECT count(*)::int FROM operations WHERE worker_id = ${id})),
        registered_at = CASE WHEN workers.pid = excluded.pid THEN workers.registered_at ELSE clock_timestamp() END,
        last_seen_at = clock_timestamp()`);
  }

  /** null: it has to register first. Many that come at the same time share a statement. */
  seen(id: string, freeSlots: number): Promise<SeenWorker | null> {
    return this.sightings.add({ id, freeSlots });
  }

  private async seenTogether(sightings: readonly Sighting[]): Promise<readonly (SeenWorker | null)[]> {
    const rows = await this.prisma.$rows<SeenWorker & { readonly id: string }>(sql`
      WITH seen AS MATERIALIZED (
        -- In one order, so that no two wait for each other.
        SELECT w.id, (SELECT s."freeSlots" FROM jsonb_to_recordset(${JSON.stringify(sightings)}::jsonb)
          AS s(id text, "freeSlots" int) WHERE s.id = w.id LIMIT 1) AS free_slots
        FROM workers w WHERE w.id = ANY(${sightings.map(({ id }) => id)}) ORDER BY w.id FOR UPDATE
      )
      UPDATE workers w SET last_seen_at = clock_timestamp(), free_slots = seen.free_slots FROM seen WHERE w.id = seen.id
      RETURNING w.id, w.pool, w.capabilities, w.draining, ${TAKES_WORK} AS "takesWork"`);
    const found = new Map(rows.map((row) => [row.id, row]));
    return sightings.map(({ id }) => found.get(id) ?? null);
  }

  /** A draining worker takes no new work and hands over what it has; to end that ends its quarantine too. @throws {WorkerNotFoundError} */
  async setDraining(id: string, draining: boolean): Promise<WorkerRecord> {
    await this.prisma.worker.updateMany({
      where: { id },
      data: { draining, ...(draining ? {} : { silentClaims: 0 }) },
    });
    return this.get(id);
  }

  async list(): Promise<readonly WorkerRecord[]> {
    return this.prisma.$queryRaw<WorkerRecord[]>(sql`
      SELECT w.id, w.pool, w.version, w.host, w.pid, w.slots, w.capabilities, w.draining,
        w.silent_claims >= ${MOST_SILENT_CLAIMS} AS "isQuarantined",
        w.free_slots AS "freeSlots", w.registered_at AS "registeredAt", w.last_seen_at AS "lastSeenAt",
        greatest(0, extract(epoch FROM clock_timestamp() - w.last_seen_at) * 1000)::float8 AS "silentMs",
        ARRAY(SELECT o.id FROM operations o WHERE o.worker_id = w.id ORDER BY o.id) AS operations
      FROM workers w ORDER BY w.id`);
  }

  /** @throws {WorkerNotFoundError} */
  async get(id: string): Promise<WorkerRecord> {
    const worker = (await this.list()).find((candidate) => candidate.id === id);
    if (!worker) throw new WorkerNotFoundError(id);
    return worker;
  }

  /** Forgets workers that have been silent for this long and hold nothing. */
  async forgetSilent(olderThanMs: number): Promise<void> {
    await this.prisma.$executeRaw(sql`
      DELETE FROM workers w WHERE w.last_seen_at < clock_timestamp() - ${olderThanMs} * interval '1 millisecond'
        AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.worker_id = w.id)`);
  }
}
