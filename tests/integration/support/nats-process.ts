import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '../../../tools/stack/nats-server.js';
import { configFor } from './nats-users.js';

/** A nats-server that one test owns, so that it can be stopped, frozen and started again, each time with nothing in it. */
export class NatsProcess {
  private child: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
  ) {}

  /** @param configOf what a server on this port is configured with */
  static async start(configOf: (port: number) => string = configFor): Promise<NatsProcess> {
    const server = new NatsProcess(await freePort(), await mkdtemp(join(tmpdir(), 'ktrdr-test-nats-')));
    await server.configure(configOf(server.port));
    await server.start();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  get isRunning(): boolean {
    return this.child !== undefined;
  }

  async start(): Promise<void> {
    const program = await findNatsServer();
    const child = spawn(program, ['-c', this.configFile], { stdio: 'ignore' });
    this.child = child;
    await until(() => isListening(this.port), `nats-server listens on ${this.port}`);
  }

  /** Counts from the next start on, or from the next `reload`. */
  async configure(config: string): Promise<void> {
    await writeFile(this.configFile, config);
  }

  reload(): void {
    this.child?.kill('SIGHUP');
  }

  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }

  private get configFile(): string {
    return join(this.folder, 'nats.conf');
  }
}

/** Waits for a condition, and says which one it was when the deadline passes. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 20_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (!address || typeof address === 'string') throw new Error('The system gave no port');
  server.close();
  await once(server, 'close');
  return address.port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.end());
  });
}
