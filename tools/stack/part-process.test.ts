import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onUnexpectedEnd, startPart } from './part-process.js';
import type { PartProcess } from './part-process.js';
import { untilReady } from './readiness.js';

describe('a part of the stack', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ktrdr-part-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const start = (script: string): Promise<PartProcess> =>
    startPart({ name: 'part', command: '/bin/sh', args: ['-c', script], logFile: join(folder, 'part.log') });

  it('writes what it says to its log', async () => {
    const part = await start('echo out; echo err >&2; exit 3');
    expect(await part.exited).toEqual({ code: 3, signal: null });
    expect(await readFile(part.logFile, 'utf8')).toBe('out\nerr\n');
  });

  it('that does not end when asked is killed past the deadline, with its children', async () => {
    const part = await start('trap "" TERM; echo trapped; sleep 1000');
    await untilReady(part, {
      probe: async () => expect(await readFile(part.logFile, 'utf8')).toContain('trapped'),
      deadlineMs: 5_000,
    });
    expect(await part.stop({ deadlineMs: 10 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('that ends while starting is told with the end of its log', async () => {
    const part = await start('echo the reason; exit 1');
    const ready = untilReady(part, { probe: () => Promise.reject(new Error('no')), deadlineMs: 5_000 });
    await expect(ready).rejects.toThrow(/part ended while starting\. .*\nthe reason$/);
  });

  it('that ends while starting is told without what an earlier run has logged', async () => {
    const earlier = await start('echo an old reason; echo of yesterday');
    await earlier.exited;
    const part = await start('echo the reason; exit 1');
    const ready = untilReady(part, { probe: () => Promise.reject(new Error('no')), deadlineMs: 5_000 });
    await expect(ready).rejects.toThrow(/part\.log:\nthe reason$/);
    const silent = await start('exit 1');
    const waiting = untilReady(silent, { probe: () => Promise.reject(new Error('no')), deadlineMs: 5_000 });
    await expect(waiting).rejects.toThrow(/part\.log:\n\(it has logged nothing\)$/);
  });

  it('that cannot be started says so', async () => {
    const logFile = join(folder, 'x.log');
    const starting = startPart({ name: 'X', command: join(folder, 'missing'), args: [], logFile });
    await expect(starting).rejects.toThrow(/^X could not be started/);
  });

  it('ends unexpectedly only when nobody has stopped it', async () => {
    const told: string[] = [];
    const [stopped, died] = await Promise.all([start('sleep 1000'), start('kill -KILL $$')]);
    onUnexpectedEnd([stopped, died], (_part, what) => told.push(what));
    await Promise.all([stopped.stop(), died.exited]);
    await Promise.resolve();
    expect(told).toEqual([expect.stringContaining(`(pid ${died.pid}) ended unexpectedly: killed by SIGKILL`)]);
  });
});
