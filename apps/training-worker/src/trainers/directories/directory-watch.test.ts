import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CompletionSpec } from '@ktrdr/specs';
import { DirectoryWatch } from './directory-watch.js';

const MARKER = { by: 'marker', file: 'DONE' } as const;

let place: string;
let warnings: string[];
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), 'ktrdr-watch-'));
  warnings = [];
});
afterEach(() => rm(place, { recursive: true, force: true }));

function watching(rule: CompletionSpec, firstStep = 0): DirectoryWatch {
  return new DirectoryWatch({ place, rule, firstStep, onRefused: (message) => void warnings.push(message) });
}

async function given(name: string, ...files: string[]): Promise<string> {
  const directory = join(place, name);
  await mkdir(directory, { recursive: true });
  for (const file of files) await writeFile(join(directory, file), file);
  return directory;
}

async function namesSeen(watch: DirectoryWatch): Promise<string[]> {
  return (await watch.look('running')).complete.map(({ name }) => name);
}

it('finds a complete directory behind any number of newer ones that are empty or not complete', async () => {
  await given('checkpoint-5', 'state', 'DONE');
  for (let step = 10; step < 40; step += 1) await given(`checkpoint-${step}`, ...(step % 2 === 0 ? ['state'] : []));
  expect(await namesSeen(watching(MARKER))).toEqual(['checkpoint-5']);
});

it('finds the newest ones by their step, whatever their names, and none from before', async () => {
  for (let step = 1; step <= 12; step += 1) await given(`checkpoint-${String(step).padStart(6, '0')}`, 'state');
  const names = await namesSeen(watching({ by: 'rename' }));
  expect(names).toHaveLength(8);
  expect(names.at(-1)).toBe('checkpoint-000012');
  expect(await namesSeen(watching({ by: 'rename' }, 12))).toEqual(['checkpoint-000012']);
});

describe('a directory that cannot be made a checkpoint', () => {
  it('is told once, and is looked at again', async () => {
    const lock = join(await given('checkpoint-5', 'state'), '.lock');
    await symlink('/nowhere', lock);
    const watch = watching({ by: 'rename' });
    expect(await namesSeen(watch)).toEqual([]);
    expect(await watch.look('running')).toMatchObject({ refused: { step: 5 } });
    expect(warnings).toEqual([expect.stringMatching(/^checkpoint-5 is passed over: it holds \.lock/)]);
    await rm(lock);
    expect(await watch.look('running')).toEqual({ complete: [{ step: 5, name: 'checkpoint-5' }], refused: null });
  });

  it('is not judged before its marker is there', async () => {
    const directory = await given('checkpoint-5', 'state');
    await symlink('/nowhere', join(directory, '.lock'));
    const watch = watching(MARKER);
    expect(await namesSeen(watch)).toEqual([]);
    await rm(join(directory, '.lock'));
    await writeFile(join(directory, 'DONE'), '');
    expect(await namesSeen(watch)).toEqual(['checkpoint-5']);
    expect(warnings).toEqual([]);
  });

  it('is told though the marker is not among the files that are looked at', async () => {
    const names = Array.from({ length: 2_100 }, (_, nth) => `${nth}`);
    await given('checkpoint-5', ...names, 'DONE');
    expect(await watching(MARKER).look('running')).toMatchObject({ complete: [], refused: { step: 5 } });
    expect(warnings).toEqual([expect.stringMatching(/more than 2000 files$/)]);
  });

  it('is not judged while it is being written', async () => {
    await symlink('/nowhere', join(await given('checkpoint-5', 'state'), '.lock'));
    expect(await namesSeen(watching({ by: 'quiet', seconds: 10 }))).toEqual([]);
    expect(warnings).toEqual([]);
  });

  it('hides no older one', async () => {
    await given('checkpoint-5', 'state');
    for (let step = 10; step < 20; step += 1) await symlink('a', join(await given(`checkpoint-${step}`), 'link'));
    await symlink('checkpoint-5', join(place, 'checkpoint-20'));
    expect(await watching({ by: 'rename' }).look('ended-well')).toMatchObject({
      complete: [{ step: 5 }],
      refused: { step: 20 },
    });
    expect(warnings).toHaveLength(11);
  });

  it('is told no more often than anybody reads', async () => {
    for (let step = 0; step < 30; step += 1) await symlink('a', join(place, `checkpoint-${step}`));
    await namesSeen(watching({ by: 'rename' }));
    expect(warnings).toHaveLength(20);
    expect(warnings.at(-1)).toMatch(/Further ones are not reported$/);
  });
});

it('takes what is begun after the program was told to end for its answer', async () => {
  await given('checkpoint-20', 'state');
  await given('checkpoint-40', 'half of it');
  const watch = watching({ by: 'quiet', seconds: 10 });
  watch.beforeSignal();
  const steps = async () => (await watch.look('ended-on-signal')).complete.map(({ step }) => step);
  expect(await steps()).toEqual([20]);
  await given('checkpoint-41', 'state');
  expect(await steps()).toEqual([20, 41]);
});
