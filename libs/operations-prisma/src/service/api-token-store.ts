import { createHash } from 'node:crypto';
import { type Database } from '../database/database.js';

export interface ApiTokenRecord {
  readonly id: string;
  readonly name: string;
  readonly role: string;
}

/** Bearer tokens, known by their SHA-256 only. */
export class ApiTokenStore {
  constructor(private readonly prisma: Database) {}

  async find(token: string): Promise<ApiTokenRecord | null> {
    const sha256 = digest(token);
    const row = await this.prisma.apiToken.findFirst({ where: { sha256, revokedAt: null } });
    return row ? { id: row.id, name: row.name, role: row.role } : null;
  }

  /**
   * Makes sure that this token is accepted, under this name.
   * @returns whether another one was until now, which is no longer
   */
  async ensure(token: string, { id, name, role }: ApiTokenRecord): Promise<{ readonly replaced: boolean }> {
    const sha256 = digest(token);
    const former = await this.prisma.apiToken.findUnique({ where: { id }, select: { sha256: true } });
    await this.prisma.apiToken.upsert({ where: { id }, create: { id, name, role, sha256 }, update: { sha256, role } });
    return { replaced: former !== null && former.sha256 !== sha256 };
  }
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
