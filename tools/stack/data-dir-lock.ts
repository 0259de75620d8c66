import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';

/** A part as the lock remembers it, so that what a killed stack left behind can be ended. */
export type RecordedPart = ProcessIdentity & Readonly<{ name: string }>;

type LockContent = Readonly<{ owner: ProcessIdentity; parts: readonly RecordedPart[] }>;

/** The right to run a stack in a data directory. */
export type DataDirLock = Readonly<{
  /** What an earlier stack that was killed has left running. */
  orphans: readonly RecordedPart[];
  record(name: string, pid: number): Promise<void>;
  release(): Promise<void>;
}>;

async function readLock(path: string): Promise<LockContent | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as LockContent;
  } catch {
    return undefined; // torn by a crash: nobody holds it
  }
}

/** Appears whole or not at all, and never over another one. */
async function tryCreate(path: string, content: LockContent): Promise<boolean> {
  const aside = `${path}.${process.pid}`;
  await writeFile(aside, JSON.stringify(content), { mode: 0o600 });
  try {
    await link(aside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Removes a dead lock, and only that one: another process may have taken it over since it was read. */
async function removeStale(path: string, stale: LockContent | undefined): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  await rename(path, aside).catch(() => undefined); // gone already
  const taken = await readLock(aside);
  if (taken !== undefined && taken.owner.startedAt !== stale?.owner.startedAt)
    await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Takes the lock of a data directory; that of a dead process is taken over. Throws when a stack runs there. */
export async function lockDataDir(dataDir: string): Promise<DataDirLock> {
  const path = join(dataDir, 'stack.lock');
  const owner = await identify(process.pid);
  const parts: RecordedPart[] = [];
  const orphans: RecordedPart[] = [];
  while (!(await tryCreate(path, { owner, parts }))) {
    const held = await readLock(path);
    if (held !== undefined && (await isAlive(held.owner))) {
      throw new Error(
        `A stack already runs in ${dataDir} (pid ${held.owner.pid}). Stop it, or choose another folder with --data-dir.`,
      );
    }
    for (const part of held?.parts ?? []) if (await isAlive(part)) orphans.push(part);
    await removeStale(path, held);
  }
  const write = async (): Promise<void> => {
    const aside = `${path}.${process.pid}`;
    await writeFile(aside, JSON.stringify({ owner, parts: [...orphans, ...parts] }), { mode: 0o600 });
    await rename(aside, path);
  };
  return {
    orphans,
    async record(name, pid) {
      parts.push({ name, ...(await identify(pid)) });
      await write();
    },
    release: () => rm(path, { force: true }),
  };
}

const GRACE_MS = 15_000;

function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended meanwhile
  }
}

/** Ends a part that a killed stack left running: asked first, then made to. */
export async function endOrphan(part: RecordedPart): Promise<void> {
  const deadline = Date.now() + GRACE_MS;
  trySignal(part.pid, part.name === 'PostgreSQL' ? 'SIGINT' : 'SIGTERM');
  while (await isAlive(part)) {
    if (Date.now() > deadline) trySignal(-part.pid, 'SIGKILL');
    await delay(50);
  }
}
