import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NatsSession } from '@ktrdr/messaging-nats';
import { eventually } from './eventually.js';
import { NatsProcess, until } from './nats-process.js';
import { openSession, testApiUser } from './nats-users.js';
import { ScriptedApi } from './scripted-api.js';
import { ScriptedCredentials } from './scripted-credentials.js';

const WORKER = join(import.meta.dirname, '../../../apps/training-worker/dist/main.js');

/** A built worker with its own trainer, a real NATS server, a folder as object store, and an API that a test scripts. */
export class GivenWorker {
  private child: ChildProcess | undefined;
  private log = '';

  private constructor(
    readonly api: ScriptedApi,
    readonly folder: string,
    readonly nats: NatsProcess,
    private readonly session: NatsSession,
    readonly credentials: ScriptedCredentials,
    private readonly prefix: string,
  ) {}

  static async open(spec: Record<string, unknown>): Promise<GivenWorker> {
    const folder = await mkdtemp(join(tmpdir(), 'ktrdr-worker-'));
    const prefix = `t${randomBytes(4).toString('hex')}`;
    const nats = await NatsProcess.start();
    const session = await openSession({ url: nats.url, prefix }, testApiUser(), 'api');
    const credentials = await ScriptedCredentials.start(nats.url);
    const api = new ScriptedApi(
      session,
      credentials,
      `op_test_20261122_101500_${randomBytes(3).toString('hex')}`,
      spec,
    );
    api.start();
    return new GivenWorker(api, folder, nats, session, credentials, prefix);
  }

  get objects(): string {
    return join(this.folder, 'objects');
  }

  start(env: NodeJS.ProcessEnv = {}): void {
    const child = spawn(process.execPath, [WORKER], {
      env: {
        PATH: process.env['PATH'],
        ...this.credentials.environment,
        KTRDR_NATS_PREFIX: this.prefix,
        KTRDR_OBJECT_STORE_URL: pathToFileURL(this.objects).href,
        KTRDR_WORKER_ID: 'w1',
        KTRDR_WORKER_DIR: join(this.folder, 'w1'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.child = child;
  }

  /** Process id of the worker that was started last. */
  get pid(): number {
    if (!this.child?.pid) throw new Error('The worker has not been started');
    return this.child.pid;
  }

  /** What it has written so far. */
  get output(): string {
    return this.log;
  }

  /** The exit code of the worker that was started last, as soon as it has ended. */
  async ended(): Promise<number | null> {
    const { child } = this;
    if (!child) throw new Error('The worker has not been started');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  /** Waits until no attempt has a folder any more. */
  async spoolEmpties(): Promise<void> {
    await eventually(async () => (await readdir(join(this.folder, 'w1', 'spool'))).length === 0, {
      what: 'the spool is empty',
    });
  }

  /** Waits, and shows the worker's log when that was in vain. */
  async sees(condition: () => boolean, what: string): Promise<void> {
    await until(condition, what, 40_000).catch((error: unknown) => {
      throw new Error(`${String(error)}; the operation is ${this.api.status}\n${this.log}`);
    });
  }

  async close(): Promise<void> {
    const { child } = this;
    if (child && child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await this.api.close();
    await this.session.close();
    await this.credentials.close();
    await this.nats.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}
