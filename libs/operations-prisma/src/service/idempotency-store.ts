import { type Database } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';

const { sql } = Prisma;

export interface IdempotentRequest {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: string;
}

export type IdempotencyClaim =
  | { readonly kind: 'first' }
  | { readonly kind: 'replay'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'other-request' };

/** A request that has no answer after this may be tried again. */
const LOCK_SECONDS = 30;

/** The first answer to each keyed request. */
export class IdempotencyStore {
  constructor(private readonly prisma: Database) {}

  /** Takes the key, or says what became of it. */
  async claim({ scope, key, fingerprint }: IdempotentRequest): Promise<IdempotencyClaim> {
    const taken = await this.prisma.$executeRaw(sql`
      INSERT INTO idempotency_keys (scope, key, fingerprint, locked_until)
      VALUES (${scope}, ${key}, ${fingerprint}, clock_timestamp() + ${LOCK_SECONDS} * interval '1 second')
      ON CONFLICT (scope, key) DO UPDATE SET locked_until = excluded.locked_until
      WHERE idempotency_keys.status IS NULL AND idempotency_keys.fingerprint = excluded.fingerprint
        AND idempotency_keys.locked_until < clock_timestamp()`);
    if (taken === 1) return { kind: 'first' };
    const row = await this.prisma.idempotencyKey.findUnique({ where: { scope_key: { scope, key } } });
    if (!row) return { kind: 'in-progress' };
    if (row.fingerprint !== fingerprint) return { kind: 'other-request' };
    if (row.status === null) return { kind: 'in-progress' };
    return { kind: 'replay', status: row.status, body: row.body };
  }

  async settle({ scope, key }: IdempotentRequest, status: number, body: unknown): Promise<void> {
    await this.prisma.idempotencyKey.updateMany({
      where: { scope, key },
      data: { status, body: (body ?? null) as Prisma.InputJsonValue, lockedUntil: null },
    });
  }

  /** Nothing came of it: the next one with this key is the first again. */
  async abandon({ scope, key }: IdempotentRequest): Promise<void> {
    await this.prisma.idempotencyKey.deleteMany({ where: { scope, key, status: null } });
  }

  /** Forgets what is older than a day. */
  async forgetOld(): Promise<void> {
    await this.prisma.$executeRaw(sql`DELETE FROM idempotency_keys WHERE created_at < now() - interval '1 day'`);
  }
}
