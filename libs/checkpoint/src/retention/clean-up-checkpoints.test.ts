import type { Checkpoint, OperationWithCheckpoints } from '@ktrdr/operations';
import { givenCheckpoint, givenOperation } from '@ktrdr/operations/testing';
import { InMemoryObjectStore } from '../testing/in-memory-object-store.js';
import { CleanUpCheckpoints } from './clean-up-checkpoints.js';
import type { CheckpointGarbage } from './gc-ports.js';

const MODEL = { name: 'model.json', blob: 'model', bytes: 8, sha256: 'm' };
/** Of 10 bytes, and 8 that all share. */
const at = (seq: number, change: Partial<Checkpoint> = {}): Checkpoint =>
  givenCheckpoint({
    id: `c${seq}`,
    seq,
    step: seq,
    createdAt: new Date(seq),
    manifestKey: `checkpoints/op/1-${seq}-c${seq}/manifest.json`,
    files: [MODEL, { name: 'weights', blob: `w${seq}`, bytes: 10, sha256: `${seq}` }],
    ...change,
  });

/** Of one operation; what is pinned between the plan and the deletion is not marked. */
function cleanUpOf(found: OperationWithCheckpoints, { pinnedMeanwhile = [] as readonly string[] } = {}) {
  const garbage = {
    ofOperation: () => Promise.resolve(found),
    markDeleting(_id: string, choose: (again: OperationWithCheckpoints) => readonly string[]) {
      const ids = choose(found).filter((id) => !pinnedMeanwhile.includes(id));
      return Promise.resolve(found.checkpoints.filter(({ id }) => ids.includes(id)));
    },
    bytesFreedBy: () => Promise.resolve(0),
    collect: () => Promise.resolve(),
    removeRows: () => Promise.resolve(),
  } as unknown as CheckpointGarbage;
  const request = { operationId: found.operation.id };
  return (limits: { readonly keepLast?: number; readonly maxTotalBytes?: number; readonly dryRun: boolean }) =>
    new CleanUpCheckpoints(garbage, new InMemoryObjectStore()).execute({ ...request, ...limits });
}

describe('a clean-up to a limit of bytes', () => {
  const operation = givenOperation({ status: 'failed' });
  const checkpoints = [at(5, { pinned: true }), at(4), at(3), at(2, { pinned: true }), at(1, { pinned: true })];

  it.each([true, false])(
    'says that it cannot meet it, and what protects what is left (dry run: %s)',
    async (dryRun) => {
      const { removed, keptReasons, overLimit } = await cleanUpOf({ operation, checkpoints })({
        maxTotalBytes: 10,
        dryRun,
      });
      expect(removed.map(({ checkpoint }) => checkpoint.id).toSorted()).toEqual(['c3', 'c4']);
      expect(Object.fromEntries(keptReasons)).toEqual({ newest: 1, pinned: 2 });
      expect(overLimit).toEqual({ maxTotalBytes: 10, leftBytes: 38 });
    },
  );

  it('says nothing of the kind where it can, or where there is no limit', async () => {
    const cleanUp = cleanUpOf({ operation, checkpoints });
    expect(await cleanUp({ maxTotalBytes: 38, dryRun: true })).toMatchObject({ overLimit: null });
    expect(await cleanUp({ keepLast: 1, dryRun: true })).toMatchObject({ overLimit: null });
  });

  it('counts what was pinned meanwhile as what is left', async () => {
    const cleanUp = cleanUpOf({ operation, checkpoints }, { pinnedMeanwhile: ['c4'] });
    const { keptReasons, overLimit } = await cleanUp({ maxTotalBytes: 38, dryRun: false });
    expect(Object.fromEntries(keptReasons)).toEqual({ newest: 1, pinned: 2, 'within-limits': 1 });
    expect(overLimit).toEqual({ maxTotalBytes: 38, leftBytes: 48 });
  });

  it('counts what an operation that waits keeps as in use', async () => {
    const waiting = givenOperation({ status: 'queued', spec: { checkpoint: { keep_last: 3 } } });
    const cleanUp = cleanUpOf({ operation: waiting, checkpoints: [at(3), at(2), at(1)] });
    const { keptReasons, overLimit } = await cleanUp({ maxTotalBytes: 0, dryRun: true });
    expect(Object.fromEntries(keptReasons)).toEqual({ newest: 1, 'in-use': 2 });
    expect(overLimit).toEqual({ maxTotalBytes: 0, leftBytes: 38 });
  });
});
