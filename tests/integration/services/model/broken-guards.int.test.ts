import fc from 'fast-check';
import type { Checkpoint, CheckpointDraft, Lease, TransitionCommand } from '@ktrdr/operations';
import { givenServices, type Services } from '../../support/given-services.js';
import { type Breakable, startApiInProcess } from './support/api-in-process.js';
import { givenRuns } from './support/given-run.js';
import { sequences } from './support/step.js';

/** Whoever guards nothing is found out within so many sequences. The seed is fixed, so that this is no game of chance. */
const RUNS = 300;
/** More than any of the losses below needs to be noticed. */
const UNBROKEN_RUNS = 40;
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
      provenance: null,
      filesChecked: checkpoint.files.length,
      bytesHashed: 0,
    });
}

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

  const firstFound = async (sabotage: (parts: Breakable) => void, numRuns: number) => {
    const runs = await givenRuns(services, await startApiInProcess(services, sabotage));
    const property = fc.asyncProperty(sequences, (sequence) => runs.run(sequence));
    return fc.check(property, { numRuns, seed: SEED, endOnFailure: true });
  };

  it('nothing, where nothing is lost', async () => {
    const result = await firstFound(() => undefined, UNBROKEN_RUNS);
    expect(result).toMatchObject({ failed: false, numRuns: UNBROKEN_RUNS });
  });

  it.each(BREAKS)('%s', async (name, sabotage) => {
    const { failed, numRuns, errorInstance } = await firstFound(sabotage, RUNS);
    process.stderr.write(`without ${name}: noticed in sequence ${numRuns}\n`);
    expect(failed).toBe(true);
    expect(errorInstance).toMatchObject({ name: 'ModelViolation' });
  });
});
