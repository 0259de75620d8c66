import { createHash } from 'node:crypto';
import { type Database, isDuplicate } from '../database/database.js';
import { Prisma } from '../generated/prisma/client.js';

const { empty, sql } = Prisma;

/** Which worker a key is. It stays that worker for good, until it is revoked. */
export interface WorkerIdentity {
  /** Public key that the worker made. */
  readonly nkey: string;
  readonly workerId: string;
  readonly pool: string;
}

export interface IdentityRecord extends WorkerIdentity {
  readonly createdAt: Date;
  readonly isRevoked: boolean;
}

export interface NewEnrolment {
  readonly id: string;
  readonly token: string;
  readonly pool: string;
  /** The only worker that it is for; null: any. */
  readonly workerId: string | null;
  readonly uses: number;
  readonly expiresInSeconds: number;
  readonly createdBy: string;
}

export interface EnrolRequest {
  readonly token: string;
  readonly nkey: string;
  readonly workerId: string;
  /** Whether the token is the one that the API is configured with, which has no limits. */
  readonly isStanding: boolean;
}

export type EnrolOutcome =
  | { readonly kind: 'enrolled'; readonly identity: WorkerIdentity }
  /** The token is good for nothing, or not for this worker; the reason says why. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'key-revoked'; readonly workerId: string }
  /** Another key that is not revoked is this worker. */
  | { readonly kind: 'id-taken'; readonly by: string };

interface Findings {
  readonly enrolmentId: string | null;
  readonly onlyFor: string | null;
  readonly isWithdrawn: boolean;
  readonly isExpired: boolean;
  readonly usesLeft: number | null;
  readonly knownAs: string | null;
  readonly knownPool: string | null;
  readonly knownBy: string | null;
  readonly isKeyRevoked: boolean;
  readonly holder: string | null;
}

const IDENTITY = sql`nkey, worker_id AS "workerId", pool`;

/** Identities of workers: the keys that enrolment tokens have admitted. */
export class WorkerIdentityStore {
  constructor(private readonly prisma: Database) {}

  /** @returns when it ends */
  async addEnrolment(enrolment: NewEnrolment): Promise<Date> {
    const { id, token, pool, workerId, uses, expiresInSeconds, createdBy } = enrolment;
    const [row] = await this.prisma.$rows<{ expiresAt: Date }>(sql`
      INSERT INTO worker_enrolments (id, sha256, pool, worker_id, uses_left, expires_at, created_by)
      VALUES (${id}, ${digest(token)}, ${pool}, ${workerId}, ${uses},
        clock_timestamp() + ${expiresInSeconds} * interval '1 second', ${createdBy})
      RETURNING expires_at AS "expiresAt"`);
    if (!row) throw new Error('INSERT returned no row');
    return row.expiresAt;
  }

  /** The token that the API is configured with; made when it is not there. */
  async ensureStanding({ token, pool }: { readonly token: string; readonly pool: string }): Promise<void> {
    const sha256 = digest(token);
    await this.prisma.$rows(sql`
      INSERT INTO worker_enrolments (id, sha256, pool, created_by)
      VALUES (${`standing-${sha256.slice(0, 16)}`}, ${sha256}, ${pool}, 'configuration')
      ON CONFLICT (sha256) DO UPDATE SET pool = excluded.pool WHERE worker_enrolments.pool <> excluded.pool`);
  }

  /** Lets its token make no further identity. @returns whether there is such an enrolment */
  async withdrawEnrolment(id: string): Promise<boolean> {
    const rows = await this.prisma.$rows(sql`
      UPDATE worker_enrolments SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE id = ${id} RETURNING id`);
    return rows.length > 0;
  }

  /**
   * Makes a key a worker and spends a use of the token, both or neither. A key that is a worker already stays it, and
   * nothing is spent.
   */
  async enrol(request: EnrolRequest): Promise<EnrolOutcome> {
    for (;;) {
      const identity = await this.tryMake(request);
      if (identity) return { kind: 'enrolled', identity };
      const outcome = outcomeOf(request, await this.look(request));
      if (outcome) return outcome;
    }
  }

  async find(nkey: string): Promise<IdentityRecord | null> {
    const [row] = await this.prisma.$rows<IdentityRecord>(sql`
      SELECT ${IDENTITY}, created_at AS "createdAt", revoked_at IS NOT NULL AS "isRevoked"
      FROM worker_identities WHERE nkey = ${nkey}`);
    return row ?? null;
  }

  /** Keys that are not revoked, the newest first. */
  async list({ workerId }: { readonly workerId?: string | undefined } = {}): Promise<readonly IdentityRecord[]> {
    const condition = workerId === undefined ? empty : sql`AND worker_id = ${workerId}`;
    return this.prisma.$rows<IdentityRecord>(sql`
      SELECT ${IDENTITY}, created_at AS "createdAt", false AS "isRevoked"
      FROM worker_identities WHERE revoked_at IS NULL ${condition} ORDER BY created_at DESC, nkey`);
  }

  /** Which of these keys count. */
  async valid(nkeys: readonly string[]): Promise<readonly string[]> {
    if (nkeys.length === 0) return [];
    const rows = await this.prisma.$rows<{ nkey: string }>(sql`
      SELECT nkey FROM worker_identities WHERE nkey = ANY(${[...nkeys]}::text[]) AND revoked_at IS NULL`);
    return rows.map(({ nkey }) => nkey);
  }

  /** @returns which worker it was; null: there is no such key */
  async revoke(nkey: string): Promise<string | null> {
    const [row] = await this.prisma.$rows<{ workerId: string }>(sql`
      UPDATE worker_identities SET revoked_at = coalesce(revoked_at, clock_timestamp()) WHERE nkey = ${nkey}
      RETURNING worker_id AS "workerId"`);
    return row?.workerId ?? null;
  }

  /** Removes keys that were revoked, and enrolments that ended, so long ago; an enrolment stays as long as a key of it. */
  async forgetEnded(olderThanMs: number): Promise<void> {
    const before = sql`clock_timestamp() - ${olderThanMs} * interval '1 millisecond'`;
    await this.prisma.$executeRaw(sql`DELETE FROM worker_identities WHERE revoked_at < ${before}`);
    await this.prisma.$executeRaw(sql`
      DELETE FROM worker_enrolments e WHERE least(e.revoked_at, e.expires_at) < ${before}
        AND NOT EXISTS (SELECT FROM worker_identities i WHERE i.enrolment_id = e.id)`);
  }

  /** null: the token does not suffice, or the key or the worker is known already. */
  private async tryMake({ token, nkey, workerId, isStanding }: EnrolRequest): Promise<WorkerIdentity | null> {
    try {
      const [row] = await this.prisma.$rows<WorkerIdentity>(sql`
        WITH spent AS (
          UPDATE worker_enrolments SET uses_left = uses_left - 1
          WHERE sha256 = ${digest(token)} AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > clock_timestamp())
            AND (uses_left > 0 OR (uses_left IS NULL AND ${isStanding}::boolean))
            AND (worker_id IS NULL OR worker_id = ${workerId})
            AND NOT EXISTS (SELECT FROM worker_identities i
              WHERE i.nkey = ${nkey} OR (i.worker_id = ${workerId} AND i.revoked_at IS NULL))
          RETURNING id, pool
        )
        INSERT INTO worker_identities (nkey, worker_id, pool, enrolment_id)
        SELECT ${nkey}, ${workerId}, pool, id FROM spent RETURNING ${IDENTITY}`);
      return row ?? null;
    } catch (error) {
      if (isDuplicate(error)) return null; // another request made it at the same moment, and nothing was spent
      throw error;
    }
  }

  private async look({ token, nkey, workerId }: EnrolRequest): Promise<Findings> {
    const [row] = await this.prisma.$rows<Findings>(sql`
      SELECT e.id AS "enrolmentId", e.worker_id AS "onlyFor", e.revoked_at IS NOT NULL AS "isWithdrawn",
        coalesce(e.expires_at <= clock_timestamp(), false) AS "isExpired", e.uses_left AS "usesLeft",
        k.worker_id AS "knownAs", k.pool AS "knownPool", k.enrolment_id AS "knownBy",
        k.revoked_at IS NOT NULL AS "isKeyRevoked", h.nkey AS holder
      FROM (VALUES (1)) AS one
        LEFT JOIN worker_enrolments e ON e.sha256 = ${digest(token)}
        LEFT JOIN worker_identities k ON k.nkey = ${nkey}
        LEFT JOIN worker_identities h ON h.worker_id = ${workerId} AND h.revoked_at IS NULL`);
    if (!row) throw new Error('SELECT of one row returned none');
    return row;
  }
}

/** Why nothing was made; null: it can be, as something has changed since. */
function outcomeOf({ nkey, workerId, isStanding }: EnrolRequest, found: Findings): EnrolOutcome | null {
  const refused = (reason: string): EnrolOutcome => ({ kind: 'refused', reason });
  const { enrolmentId, knownAs, knownPool, holder } = found;
  const isUnlimited = found.usesLeft === null;
  if (enrolmentId === null || (isUnlimited && !isStanding)) return refused('it is not known');
  if (found.isWithdrawn) return refused('it was withdrawn');
  const isOwn = found.knownBy === enrolmentId;
  if (!isOwn && found.isExpired) return refused('it has expired');
  if (!isOwn && found.usesLeft === 0) return refused('it has no uses left');
  if (knownAs !== null && knownPool !== null) {
    if (found.isKeyRevoked) return { kind: 'key-revoked', workerId: knownAs };
    return { kind: 'enrolled', identity: { nkey, workerId: knownAs, pool: knownPool } };
  }
  if (found.onlyFor !== null && found.onlyFor !== workerId) return refused(`it is for the worker ${found.onlyFor}`);
  if (holder !== null) return { kind: 'id-taken', by: holder };
  return null;
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
