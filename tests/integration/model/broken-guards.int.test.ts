import fc from 'fast-check';
import type { Checkpoint, CheckpointDraft, Lease, TransitionCommand } from '@ktrdr/operations';
import { givenServices, type Services } from '../support/given-services.js';
import { type Breakable, startApiInProcess } from './support/api-in-process.js';
import { givenRuns } from './support/given-run.js';
import { sequences } from './support/step.js';

/** Whoever guards nothing is found out within so many sequences. The seed is fixed, so that this is no game of chance. */
const RUNS = 300;
const SEED = 20_261_122;

/** Takes one condition out of every guarded UPDATE. */
function without(condition: 'attempt' | 'version') {
  return ({ store }: Breakable): void => {
    const transition = store.transition.bind(store);
    store.transition = (command: TransitionCommand) => {
      const { [condition]: _, ...expect } = command.expect;
      return transition({ ...command, expect });
    };
  };
}

/** Lets whoever asks commit checkpoints in the name of the present holder. */
function commitForAnybody({ store, repository }: Breakable): void {
  const commit = repository.commit.bind(repository);
  repository.commit = async (lease: Lease, draft: CheckpointDraft, assertStored) => {
    const { attempt, workerId } = await store.get(lease.operationId);
    await commit({ ...lease, attempt, workerId: workerId ?? lease.workerId }, draft, assertStored);
  };
}

function trustEveryByte({ verifier }: Breakable): void {
  verifier.verify = (checkpoint: Checkpoint) =>
    Promise.resolve({
      valid: true,
      badFiles: [],
      manifest: null,
      filesChecked: checkpoint.files.length,
      bytesHashed: 0,
    });
}

/** Breaks the database's word that events are numbered without a gap: a warning is told, but not written down. */
const BREAKS = [
  ['the fencing token of transitions', without('attempt')],
  ['the fencing token of checkpoint commits', commitForAnybody],
  ['the verification before a resume', trustEveryByte],
  ['the compare-and-set of a resume', without('version')],
] as const;

describe('the model notices the loss of', () => {
  let services: Services;
  beforeEach(async () => {
    services = await givenServices();
  });
  afterEach(() => services.close());

  it.each(BREAKS)(
    '%s',
    async (_name, sabotage) => {
      const runs = await givenRuns(services, await startApiInProcess(services, sabotage));
      const property = fc.asyncProperty(sequences, (sequence) => runs.run(sequence));
      const result = await fc.check(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
      process.stderr.write(`${_name}: noticed in sequence ${result.numRuns}\n${String(result.errorInstance).slice(0, 300)}\n`);
      expect(result.failed).toBe(true);
      expect(result.errorInstance).toMatchObject({ name: 'ModelViolation' });
    },
    300_000,
  );
});
