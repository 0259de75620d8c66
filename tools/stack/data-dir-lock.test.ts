import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOrphan, lockDataDir } from './data-dir-lock.js';
import { identify, isAlive } from './process-identity.js';

const LONG = ['-e', 'setInterval(() => {}, 1e6)'];

describe('the lock of a data directory', () => {
  let dataDir: string;
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'ktrdr-lock-'));
  });
  afterEach(() => rm(dataDir, { recursive: true, force: true }));

  const leaveLock = (owner: object, parts: readonly object[] = []): Promise<void> =>
    writeFile(join(dataDir, 'stack.lock'), JSON.stringify({ owner, parts }));

  it('is refused while its owner runs, in one sentence that names it', async () => {
    await lockDataDir(dataDir);
    await expect(lockDataDir(dataDir)).rejects.toThrow(`A stack already runs in ${dataDir} (pid ${process.pid}).`);
  });

  it('can be taken again after its release, and leaves nothing', async () => {
    const lock = await lockDataDir(dataDir);
    await lock.release();
    expect(await readdir(dataDir)).toEqual([]);
    await lockDataDir(dataDir);
  });

  it('is taken over from a process whose id another one has now', async () => {
    await leaveLock({ pid: process.pid, startedAt: 'an earlier time' });
    await lockDataDir(dataDir);
    expect(await readdir(dataDir)).toEqual(['stack.lock']);
  });

  it('is taken over when a crash has torn it', async () => {
    await writeFile(join(dataDir, 'stack.lock'), '{"own');
    await lockDataDir(dataDir);
    await expect(lockDataDir(dataDir)).rejects.toThrow('already runs');
  });

  it('names what a killed stack has left running, and that can be ended', async () => {
    const child = spawn(process.execPath, LONG, { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const left = { name: 'API', ...(await identify(child.pid ?? 0)) };
    await leaveLock({ pid: 1, startedAt: 'gone' }, [left, { name: 'NATS', pid: 1, startedAt: 'gone' }]);
    const ended = once(child, 'exit');
    const { orphans } = await lockDataDir(dataDir);
    expect(orphans).toEqual([left]);
    await endOrphan(left);
    await ended;
    expect(await isAlive(left)).toBe(false);
  });
});
