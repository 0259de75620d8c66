import { readdirSync } from 'node:fs';
import { readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TrainerEvent } from '@ktrdr/contracts';
import * as tf from '@tensorflow/tfjs-core';
import { TrainerProtocolError } from './errors.js';
import { readRestorePoint } from './state/restore-point.js';
import { findBackends } from './tensorflow/find-backends.js';
import { uninterrupted } from './testing/interrupted-run.js';
import { recordLoop, type RecordedLoop } from './testing/recorded-loop.js';
import { tinyDataset, tinySpec } from './testing/tiny-dataset.js';
import { type LoopPorts, train } from './training-loop.js';
import { type RunSetup, TrainingRun } from './training-run.js';

const MODEL = { layers: [{ kind: 'dense', units: 4 }, { kind: 'batch-norm' }, { kind: 'dropout', rate: 0.25 }] };
const STEPS = 3; // an epoch

let loop: RecordedLoop;

function setupOf(changes: Record<string, unknown> = {}): RunSetup {
  const checkpoint = { every_seconds: 3_600 };
  return {
    spec: tinySpec({ model: MODEL, checkpoint, ...changes }),
    specSha256: 'a'.repeat(64),
    dataset: tinyDataset(),
    backend: { name: 'cpu', version: '4.22.0' },
  };
}

async function trainOnce(setup: RunSetup, from?: string, ports: LoopPorts = loop) {
  const run = new TrainingRun(setup, from === undefined ? null : await readRestorePoint(from));
  try {
    return await train(run, { epochs: setup.spec.epochs, checkpoint: setup.spec.checkpoint, attempt: 1 }, ports);
  } finally {
    run.dispose();
  }
}

/** Settles every save as soon as it is told, as a supervisor with a fast store would. */
const settle = (event: TrainerEvent) => {
  if (event.type === 'saved') loop.requests.push({ type: 'settled', request_id: event.request_id });
};

beforeAll(async () => {
  await findBackends();
  await tf.setBackend('cpu');
});
beforeEach(async () => {
  loop = await recordLoop();
});
afterEach(async () => {
  await loop.remove();
});

describe('an undisturbed training loop', () => {
  it('tells its first step, the end of each epoch, the final save and the completion, in this order', async () => {
    expect(await trainOnce(setupOf(), undefined, { ...loop, now: () => 0 })).toBe('completed');
    const told = loop.events.map((event) => ('step' in event ? `${event.type} ${event.step}` : event.type));
    expect(told.filter((entry) => !entry.startsWith('progress'))).toEqual([
      'metrics 3',
      'metrics 6',
      'metrics 9',
      'saving',
      'saved 9',
      'completed 9',
    ]);
    expect(told.slice(0, 2)).toEqual(['progress 1', 'progress 3']);
    expect(loop.told('saved')[0]).toMatchObject({ kind: 'final', epoch: 3 });
    for (const event of loop.events) expect(TrainerEvent.safeParse(event).error).toBeUndefined();
  });

  it('answers with the result of the run, whatever was saved on the way', async () => {
    loop.react(settle);
    await trainOnce(setupOf({ checkpoint: { every_steps: 1 } }));
    const { result } = await uninterrupted(setupOf({ checkpoint: { every_steps: 1 } }));
    expect(loop.told('completed')[0]?.result).toEqual(result);
    expect(loop.told('saved').length).toBeGreaterThan(1);
  });

  it('saves at the end of an epoch, and only whole folders are in the spool', async () => {
    loop.react(settle);
    await trainOnce(setupOf({ checkpoint: { every_epochs: 1 }, epochs: 6 }));
    const saves = loop.told('saved');
    expect(saves[0]).toMatchObject({ kind: 'periodic', step: STEPS, epoch: 1 });
    expect((await readdir(loop.spoolDir)).map((name) => join(loop.spoolDir, name)).sort()).toEqual(
      saves.map(({ dir }) => dir).sort(),
    );
    for (const { dir, files } of saves) expect((await readdir(dir)).sort()).toEqual([...files].sort());
  });

  it('has one periodic save under way until it is settled', async () => {
    await trainOnce(setupOf({ checkpoint: { every_steps: 1 }, epochs: 5 }));
    expect(loop.told('saved').map(({ kind }) => kind)).toEqual(['periodic', 'final']);
  });
});

/** Sends a stop at the first progress event of a step that is at least `step`. */
function stopFrom(step: number, requestId: string, boundary: 'step' | 'epoch' = 'step') {
  loop.react((event, requests) => {
    if (event.type !== 'progress' || event.step < step) return;
    loop.react(() => undefined);
    requests.push({ type: 'stop', boundary, save: { request_id: requestId, kind: 'pause' } });
  });
}

describe('a stop', () => {
  it('takes effect after the step under way, with its save on disk before', async () => {
    stopFrom(1, 'p');
    expect(await trainOnce(setupOf())).toBe('stopped');
    expect(loop.events.at(-2)).toMatchObject({ type: 'saved', request_id: 'p', kind: 'pause', step: 1, epoch: 0 });
    expect(loop.events.at(-1)).toEqual({ type: 'stopped', step: 1, epoch: 0 });
  });

  it('before the first step saves the untrained state', async () => {
    loop.requests.push({ type: 'stop', boundary: 'epoch', save: { request_id: 'p', kind: 'pause' } });
    expect(await trainOnce(setupOf())).toBe('stopped');
    expect(loop.events.map(({ type }) => type)).toEqual(['saving', 'saved', 'stopped']);
  });

  it('at the epoch’s boundary waits for its end, validation included', async () => {
    stopFrom(1, 'p', 'epoch');
    expect(await trainOnce(setupOf())).toBe('stopped');
    expect(loop.events.at(-1)).toEqual({ type: 'stopped', step: STEPS, epoch: 1 });
    expect(loop.told('metrics')).toHaveLength(1);
  });

  it('interrupts a validation, which the resumed run repeats', async () => {
    stopFrom(STEPS, 'p');
    expect(await trainOnce(setupOf())).toBe('stopped');
    expect(loop.events.at(-1)).toEqual({ type: 'stopped', step: STEPS, epoch: 0 });
    await trainOnce(setupOf(), loop.told('saved')[0]!.dir);
    expect(loop.told('metrics').map(({ step }) => step)).toEqual([3, 6, 9]);
  });

  it('after the last step comes too late: the run completes', async () => {
    stopFrom(3 * STEPS, 'p');
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.told('stopped')).toEqual([]);
    expect(loop.told('saved').map(({ kind }) => kind)).toEqual(['final']);
  });

  it('without a save saves nothing', async () => {
    loop.requests.push({ type: 'stop', boundary: 'step', save: null });
    expect(await trainOnce(setupOf())).toBe('stopped');
    expect(await readdir(loop.spoolDir)).toEqual([]);
  });

  it('that is withdrawn in time does nothing', async () => {
    loop.requests.push({ type: 'stop', boundary: 'step', save: { request_id: 'p', kind: 'pause' } });
    loop.requests.push({ type: 'continue' });
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.told('saved')).toHaveLength(1);
  });

  it('that is withdrawn while it is being saved leaves a checkpoint and goes on', async () => {
    loop.requests.push({ type: 'stop', boundary: 'step', save: { request_id: 'p', kind: 'pause' } });
    loop.react((event, requests) => {
      if (event.type === 'saved') requests.push({ type: 'continue' });
    });
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.told('saved').map(({ kind }) => kind)).toEqual(['pause', 'final']);
  });

  it('that cannot be saved is given up, and training goes on', async () => {
    await writeFile(join(loop.spoolDir, '000001-pause-1.partial'), 'in the way');
    stopFrom(1, 'p');
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.told('save_failed')).toMatchObject([{ request_id: 'p' }]);
  });

  it('again and again, each time in a fresh run, does not change the result', async () => {
    const whole = await uninterrupted(setupOf());
    let from: string | undefined;
    let outcome: string | null = null;
    let stops = 0;
    while (outcome !== 'completed') {
      stopFrom(0, `p${(stops += 1)}`);
      outcome = await trainOnce(setupOf(), from);
      from = loop.told('saved').at(-1)!.dir;
      loop.requests.push({ type: 'continue' });
    }
    expect(stops).toBeGreaterThan(2 * STEPS);
    expect(loop.told('completed')[0]?.result).toEqual(whole.result);
  });
});

describe('a save', () => {
  it('on request is made at the next step, and training goes on', async () => {
    loop.requests.push({ type: 'save', request_id: 'm1', kind: 'manual' });
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.told('saved')).toMatchObject([{ request_id: 'm1', kind: 'manual', step: 0 }, { kind: 'final' }]);
  });

  it('is told before the first byte is written, with the sizes that its files will have', async () => {
    const there: string[][] = [];
    loop.react((event) => {
      if (event.type === 'saving') there.push(readdirSync(event.dir));
    });
    loop.requests.push({ type: 'save', request_id: 'm1', kind: 'manual' });
    await trainOnce(setupOf());
    expect(there).toEqual([[], []]);
    const [saving, saved] = [loop.told('saving')[0]!, loop.told('saved')[0]!];
    expect(saving).toMatchObject({ request_id: 'm1', dir: `${saved.dir}.partial` });
    expect(saving.files.map(({ name }) => name)).toEqual(saved.files);
    for (const { name, bytes } of saving.files) expect((await stat(join(saved.dir, name))).size).toBe(bytes);
  });

  it('that fails is told, and the next one is tried', async () => {
    await writeFile(join(loop.spoolDir, '000001-periodic-1.partial'), 'in the way');
    const failed = () => loop.told('save_failed').length > 0;
    let breaths = 0; // since the first step: the save is under way at the second
    const yieldToEventLoop = async () => {
      if (loop.told('progress').length > 0) breaths += 1;
      do await loop.yieldToEventLoop();
      while (breaths > 1 && !failed());
    };
    const setup = setupOf({ checkpoint: { every_steps: 1 } });
    const now = () => loop.told('progress').length * 1_000;
    expect(await trainOnce(setup, undefined, { ...loop, yieldToEventLoop, now })).toBe('completed');
    expect(loop.told('save_failed')[0]?.message).toContain('000001-periodic-1');
    expect(loop.told('saved').map(({ kind }) => kind)).toEqual(['periodic', 'final']);
  });

  it('of the final state is tried again before the operation fails', async () => {
    await writeFile(join(loop.spoolDir, '000001-final-9.partial'), 'in the way');
    expect(await trainOnce(setupOf())).toBe('completed');
    expect(loop.events.map(({ type }) => type).slice(-4)).toEqual(['save_failed', 'saving', 'saved', 'completed']);
  });

  it('that never works fails the operation, and does not pass for completion', async () => {
    await loop.remove();
    await expect(trainOnce(setupOf())).rejects.toMatchObject({ code: 'checkpoint-failed' });
    expect(loop.told('completed')).toEqual([]);
  });
});

describe('a resumed run', () => {
  it('that was finished completes at once with the same result', async () => {
    await trainOnce(setupOf());
    const { dir } = loop.told('saved')[0]!;
    await trainOnce(setupOf(), dir);
    const [first, second] = loop.told('completed');
    expect(second).toEqual(first);
    expect(loop.told('progress').filter(({ step }) => step > 9)).toEqual([]);
  });
});

it('ends when the control channel breaks', async () => {
  loop.requests.fail(new TrainerProtocolError('a line is not JSON'));
  await expect(trainOnce(setupOf())).rejects.toThrow(TrainerProtocolError);
});

describe('a loop that saves by a budget', () => {
  const checkpoint = { overhead_budget: 0.05, max_loss_seconds: 1 };
  const trained = async (slowly: (event: TrainerEvent) => void) => {
    const clock = { ms: 0 };
    loop.react((event) => {
      if (event.type === 'progress') clock.ms += 20;
      slowly(event);
      settle(event);
    });
    const ports = { ...loop, now: () => clock.ms };
    await trainOnce(setupOf({ epochs: 150, checkpoint }), undefined, ports);
    return clock.ms / 1000;
  };

  it('tells after each save how often it saves, and keeps its bounds', async () => {
    const seconds = await trained(() => undefined);
    const told = loop.told('checkpointing');
    const periodic = loop.told('saved').filter(({ kind }) => kind === 'periodic');
    expect(told.map(({ saves }) => saves)).toEqual(periodic.map((_, index) => index + 1).slice(0, told.length));
    expect(told.length).toBeGreaterThanOrEqual(periodic.length - 1);
    expect(periodic.length).toBeGreaterThan(seconds);
    expect(told.at(-1)).toMatchObject({ ...checkpoint, decided_by: 'most-often', interval_seconds: 0.1 });
  });

  it('gives the same bits as one that never saves', async () => {
    await trained(() => undefined);
    const { result } = await uninterrupted(setupOf({ epochs: 150 }));
    expect(loop.told('completed')[0]?.result).toEqual({ ...result });
  });
});
