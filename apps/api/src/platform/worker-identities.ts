import type { WorkerIdentity, WorkerIdentityStore } from '@ktrdr/operations-prisma';
import { WorkerRevokedError, WorkerUnknownError } from '../workers/errors.js';

/** A key that was revoked on another replica counts here for so long at most. */
const REMEMBER_MS = 1_000;

type Store = Pick<WorkerIdentityStore, 'find' | 'list' | 'valid'>;

/** Which worker a key is. All that are remembered are looked at again together, at most once a second. */
export class WorkerIdentities {
  private readonly known = new Map<string, WorkerIdentity>();
  private readonly keys = new Map<string, string>();
  private checked = { at: -Infinity, done: Promise.resolve() };
  /** Raised by each revocation here, so that what was read before it is not remembered. */
  private revocations = 0;

  constructor(
    private readonly store: Store,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws {WorkerUnknownError} {@link WorkerRevokedError} */
  async of(nkey: string): Promise<WorkerIdentity> {
    await this.check();
    const known = this.known.get(nkey);
    if (known) return known;
    const { revocations } = this;
    const found = await this.store.find(nkey);
    if (!found) throw new WorkerUnknownError(nkey);
    if (found.isRevoked) throw new WorkerRevokedError(nkey, found.workerId);
    if (revocations === this.revocations) this.remember(found);
    return found;
  }

  /** The key that a worker is spoken to by. It may be an old one: what is said is only a hint. */
  async keyOf(workerId: string): Promise<string | null> {
    const known = this.keys.get(workerId);
    if (known) return known;
    const [found] = await this.store.list({ workerId });
    return found?.nkey ?? null;
  }

  /** It has been revoked. */
  forget(nkey: string): void {
    this.revocations += 1;
    this.drop(nkey);
  }

  private remember({ nkey, workerId, pool }: WorkerIdentity): void {
    this.known.set(nkey, { nkey, workerId, pool });
    this.keys.set(workerId, nkey);
  }

  private drop(nkey: string): void {
    const identity = this.known.get(nkey);
    this.known.delete(nkey);
    if (identity && this.keys.get(identity.workerId) === nkey) this.keys.delete(identity.workerId);
  }

  private async check(): Promise<void> {
    const at = this.now();
    if (at - this.checked.at > REMEMBER_MS) {
      this.checked = { at, done: this.dropRevoked() };
      this.checked.done.catch(() => (this.checked.at = -Infinity)); // asked again by the next
    }
    await this.checked.done;
  }

  private async dropRevoked(): Promise<void> {
    const known = [...this.known.keys()];
    const valid = new Set(await this.store.valid(known));
    for (const nkey of known) if (!valid.has(nkey)) this.drop(nkey);
  }
}
