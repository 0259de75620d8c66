import { DeleteCheckpoint } from './delete-operation.js';
import { CheckpointInUseError } from '../model/errors.js';
import type { Checkpoint } from '../model/checkpoint.js';
import type { OperationStatus } from '../model/status.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';

const sound = (step: number) => givenCheckpoint({ id: `c${step}`, step });
const damaged = (step: number) => ({ ...sound(step), corruptedAt: new Date(0) });

/** Deletes one of an operation's checkpoints, given newest first; tells what was erased. */
async function deleting(
  checkpoints: readonly Checkpoint[],
  checkpointId: string,
  { status = 'cancelled', force = false }: { readonly status?: OperationStatus; readonly force?: boolean } = {},
): Promise<readonly string[]> {
  const erased: string[] = [];
  const repository: ConstructorParameters<typeof DeleteCheckpoint>[0] = {
    get: (id) => Promise.resolve(checkpoints.find((each) => each.id === id) ?? sound(0)),
    markDeleting: async (id, whyKept) => {
      const reason = await Promise.resolve(whyKept(givenOperation({ status }), checkpoints));
      if (reason) throw new CheckpointInUseError(id, reason);
    },
    removeRow: () => Promise.resolve(),
  };
  const eraser = { erase: ({ id }: Checkpoint) => Promise.resolve(void erased.push(id)) };
  await new DeleteCheckpoint(repository, eraser).execute(checkpointId, { force });
  return erased;
}

describe('one checkpoint', () => {
  const fallback = [damaged(40), damaged(30), sound(20), sound(10)];

  it.each(['paused', 'cancelled', 'failed'] as const)(
    'stays where it is what a %s operation falls back to, unless it is forced',
    async (status) => {
      await expect(deleting(fallback, 'c20', { status })).rejects.toThrow(
        /falls back to, as newer ones are damaged, and the next is 10 steps older; force deletes it/,
      );
      expect(await deleting(fallback, 'c20', { status, force: true })).toEqual(['c20']);
    },
  );

  it('goes where it is another: damaged, older, or of an operation that is completed', async () => {
    for (const id of ['c40', 'c30', 'c10']) expect(await deleting(fallback, id)).toEqual([id]);
    expect(await deleting(fallback, 'c20', { status: 'completed' })).toEqual(['c20']);
  });

  it('goes where it is the newest of all, and another sound one is left', async () => {
    expect(await deleting([sound(40), damaged(30), sound(20)], 'c40')).toEqual(['c40']);
  });

  it('stays where it is the only sound one, unless it is forced', async () => {
    const only = [damaged(40), sound(20)];
    await expect(deleting(only, 'c20')).rejects.toThrow(/only one that cancelled operation .* can resume from/);
    expect(await deleting(only, 'c20', { force: true })).toEqual(['c20']);
  });
});
