import { setTimeout as pause } from 'node:timers/promises';
import { DomainError } from '@ktrdr/errors';
import type { Database } from '../database/database.js';
import { isLockTimeout } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;

/** Held shared while a commit names objects, exclusively while unnamed ones are removed. */
const OBJECTS_LOCK = 5_877_001n;

/** An exclusive request delays every commit that comes after it, so it waits a little and lets them pass between. */
const WAITS_MS = [250, 500, 1_000, 2_000];
const COLLECT_WITHIN_MS = 120_000;

/** Of a transaction that asks the object store in between: a slow one must not break it off. */
export const SLOW_STORE_LIMITS = { maxWait: 10_000, timeout: 60_000 };

export type Transaction = Pick<Database, '$executeRaw' | '$queryRaw'>;

/** A commit that has been under way for long may name these objects; nothing was removed, and it can be asked for again. */
export class ObjectsInUseError extends DomainError {
  readonly code = 'objects-in-use';
  constructor(options?: ErrorOptions) {
    super('A checkpoint has been in the middle of its commit for seconds, so no objects are removed now', {}, options);
  }
}

/** No object is removed until its transaction ends. */
export async function shareObjects(tx: Transaction): Promise<void> {
  await tx.$executeRaw(sql`SELECT pg_advisory_xact_lock_shared(${OBJECTS_LOCK})`);
}

/**
 * Does the work while no commit can name objects.
 * @throws {ObjectsInUseError} when a commit has been under way for too long
 */
export async function withObjectsAlone(prisma: Database, work: (tx: Transaction) => Promise<void>): Promise<void> {
  for (const [index, waitMs] of WAITS_MS.entries()) {
    try {
      await prisma.$transaction(
        async (tx) => {
          await tx.$executeRaw(sql`SELECT set_config('lock_timeout', ${`${waitMs}ms`}, true)`);
          await tx.$executeRaw(sql`SELECT pg_advisory_xact_lock(${OBJECTS_LOCK})`);
          await work(tx);
        },
        { timeout: COLLECT_WITHIN_MS },
      );
      return;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      if (index === WAITS_MS.length - 1) throw new ObjectsInUseError({ cause: error });
    }
    await pause(waitMs);
  }
}
