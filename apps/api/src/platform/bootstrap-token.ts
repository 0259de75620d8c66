import type { ApiTokenRecord, ApiTokenStore } from '@ktrdr/operations-prisma';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';

const RECORD: ApiTokenRecord = { id: 'bootstrap', name: 'bootstrap', role: 'admin' };

/**
 * The token that this replica is configured with. It takes it for good whatever is stored, so that no other replica can
 * lock its clients out. What is stored is the token of the replica that started last: the others accept it as well, so
 * that replicas can change to a new one by one, and the old one ends with the last replica that has it.
 */
export class BootstrapToken {
  private stored: Promise<void> | undefined;

  constructor(
    private readonly tokens: Pick<ApiTokenStore, 'ensure'>,
    private readonly token: string,
    private readonly log: Logger,
  ) {}

  recognise(bearer: string): ApiTokenRecord | null {
    return timingSafeEqual(digest(bearer), digest(this.token)) ? RECORD : null;
  }

  /** @throws {DatabaseUnavailableError} and is tried again by the next call */
  async ensure(): Promise<void> {
    this.stored ??= this.store();
    try {
      await this.stored;
    } catch (error) {
      this.stored = undefined;
      throw error;
    }
  }

  private async store(): Promise<void> {
    const { replaced } = await this.tokens.ensure(this.token, RECORD);
    if (replaced) this.log.warn('the replica that started before has another api token');
  }
}

/** Of equal length, whatever was sent. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
