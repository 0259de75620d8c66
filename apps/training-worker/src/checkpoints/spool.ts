import { access, constants, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { OperationUnusableError, SpoolUnusableError } from '../errors.js';
import type { Lease } from '../api-link/ports.js';

/** The files of one attempt that are not in the object store yet. */
export interface SpoolFolder {
  readonly path: string;
  /** A new empty folder for one trainer process, which makes one folder a save in it. */
  newSaves(): Promise<string>;
  /** The folder of the n-th restored checkpoint; the restore makes it. */
  restore(n: number): string;
}

const SAFE_NAME = /^[A-Za-z0-9_-]{1,128}$/;
const PREDECESSOR_GONE_WITHIN_MS = 5_000;
const ASK_EVERY_MS = 50;

/** The local folder of this worker. */
export class Spool {
  private lock: Server | undefined;

  constructor(
    readonly root: string,
    private readonly waitMs = PREDECESSOR_GONE_WITHIN_MS,
  ) {}

  /**
   * Makes the folder, keeps other workers out of it, and empties it. The files of an earlier process are useless: its
   * leases are gone.
   * @returns the names of the folders that were removed.
   * @throws {SpoolUnusableError}
   */
  async open(): Promise<string[]> {
    try {
      await mkdir(this.root, { recursive: true });
      await access(this.root, constants.W_OK | constants.X_OK);
    } catch (error) {
      throw new SpoolUnusableError(this.root, error);
    }
    await this.exclude();
    const left = await readdir(this.root);
    for (const name of left) await rm(join(this.root, name), { recursive: true, force: true });
    return left;
  }

  async folderFor({ operationId, attempt }: Lease): Promise<SpoolFolder> {
    if (!SAFE_NAME.test(operationId)) {
      throw new OperationUnusableError('The operation id cannot name a folder', { operation_id: operationId });
    }
    const path = join(this.root, operationId, String(attempt));
    await rm(path, { recursive: true, force: true });
    await mkdir(path, { recursive: true });
    const newSaves = (): Promise<string> => mkdtemp(join(path, 'saves-'));
    return { path, newSaves, restore: (n) => join(path, `restored-${n}`) };
  }

  /** Removes the attempt's folder, and its operation's when that is empty. */
  async remove({ operationId, attempt }: Lease): Promise<void> {
    if (!SAFE_NAME.test(operationId)) return;
    await rm(join(this.root, operationId, String(attempt)), { recursive: true, force: true });
    const others = await readdir(join(this.root, operationId)).catch(() => ['?']);
    if (others.length === 0) await rm(join(this.root, operationId), { recursive: true, force: true });
  }

  close(): void {
    this.lock?.close();
  }

  /**
   * An abstract socket: it ends with the process, however that ends. Only Linux has them. A worker that starts while
   * its predecessor leaves the folder waits a little.
   */
  private async exclude(): Promise<void> {
    if (process.platform !== 'linux') return;
    const name = createHash('sha256').update(resolve(this.root)).digest('hex').slice(0, 32);
    const deadline = performance.now() + this.waitMs;
    for (;;) {
      this.lock = await listening(`\0ktrdr-worker-${name}`);
      if (this.lock) return;
      if (performance.now() > deadline)
        throw new Error(`Another worker uses the folder ${this.root}; give each its own KTRDR_WORKER_DIR`);
      await delay(ASK_EVERY_MS);
    }
  }
}

/** Undefined: the name is taken. */
function listening(name: string): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((done) => {
    server.once('error', () => done(undefined));
    server.listen(name, () => done(server.unref()));
  });
}
