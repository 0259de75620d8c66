import type { ApiTokenStore } from '@ktrdr/operations-prisma';

const RECORD = { id: 'bootstrap', name: 'bootstrap', role: 'admin' };

/** The token that this deployment starts with. It is stored when the database first answers. */
export class BootstrapToken {
  private stored: Promise<void> | undefined;

  constructor(
    private readonly tokens: ApiTokenStore,
    private readonly token: string,
  ) {}

  /** @throws {DatabaseUnavailableError} and is tried again by the next call */
  async ensure(): Promise<void> {
    this.stored ??= this.tokens.ensure(this.token, RECORD);
    try {
      await this.stored;
    } catch (error) {
      this.stored = undefined;
      throw error;
    }
  }
}
