import { CheckpointCorruptedError } from '../model/errors.js';
import type { CheckpointVerifier, VerificationDepth } from './checkpoint-ports.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';
import { verifiedChoice } from './verified-choice.js';

const operation = givenOperation({ progress: { step: 30, epoch: 3 } as never });
const committed = [30, 20, 10].map((step) => givenCheckpoint({ id: `c${step}`, step }));
const BAD = { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'another byte' } as const;

/** A store in which the contents of large files of some checkpoints are wrong, which only a deep look sees. */
function givenStore(...damaged: string[]) {
  const looked: string[] = [];
  const verifier: CheckpointVerifier = {
    verify({ id }, depth) {
      looked.push(`${id} ${depth}`);
      const badFiles = depth === 'deep' && damaged.includes(id) ? [BAD] : [];
      return Promise.resolve({ badFiles, filesChecked: 2, bytesHashed: 0, provenance: null });
    },
  };
  const choose = (depth: VerificationDepth, allowFallback = false) =>
    verifiedChoice(verifier, operation, committed, { choice: 'latest', allowFallback, depth });
  return { looked, choose };
}

describe('the verified choice', () => {
  it('does not see damage inside large files by a quick look', async () => {
    const { looked, choose } = givenStore('c30');
    expect(await choose('quick')).toMatchObject({ checkpoint: { id: 'c30' }, lostSteps: 0, fellBackFrom: null });
    expect(looked).toEqual(['c30 quick']);
  });

  it('sees it by a deep one, and names what is bad, what to fall back to and what that loses', async () => {
    const { choose } = givenStore('c30', 'c20');
    const refusal: unknown = await choose('deep').catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CheckpointCorruptedError);
    expect(refusal).toMatchObject({
      details: { checkpoint_id: 'c30', bad_files: [BAD], fallback: { checkpoint_id: 'c10', step: 10 }, lost_steps: 20 },
    });
  });

  it('looks as deeply at each that it falls back through, and no further', async () => {
    const { looked, choose } = givenStore('c30');
    expect(await choose('deep', true)).toMatchObject({ checkpoint: { id: 'c20' }, lostSteps: 10, fellBackFrom: 'c30' });
    expect(looked).toEqual(['c30 deep', 'c20 deep']);
  });
});
