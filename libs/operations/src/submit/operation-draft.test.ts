import { TrainingSpec } from '@ktrdr/specs';
import { givenOperation } from '../testing/given-operation.js';
import { toDraft, toRetryDraft } from './operation-draft.js';

const submission = {
  createdBy: 'ada',
  submissionKey: null,
  now: new Date('2026-11-22T10:15:00Z'),
  entropy: new Uint8Array(10),
};
const asked = {
  type: 'training',
  name: undefined,
  labels: {},
  pool: 'default',
  priority: 0,
  maxRecoveries: 10,
  parentId: null,
  watchdog: null,
};
const builtIn = TrainingSpec.parse({
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return' }],
  model: { layers: [{ kind: 'dense', units: 4 }] },
  epochs: 10,
});
const program = { version: 1, trainer: { kind: 'process', command: ['python3', 'train.py'] } };
const ALLOWED = { allowsProcessTrainers: true };
const DENIED = { allowsProcessTrainers: false };

describe('the draft of a submission', () => {
  const drafted = (spec: unknown, rules: typeof ALLOWED) => toDraft({ ...asked, ...submission, spec }, rules);

  it('requires what its spec asks of a worker', () => {
    expect(drafted(builtIn, DENIED).requirements).toEqual(['type:training']);
    expect(drafted({ ...builtIn, backend: 'cpu' }, DENIED).requirements).toEqual(['type:training', 'backend:cpu']);
    expect(drafted(program, ALLOWED).requirements).toEqual(['type:training', 'trainer:process']);
  });

  it('brings a program only where the operator allows it', () => {
    expect(() => drafted(program, DENIED)).toThrow('KTRDR_PROCESS_TRAINERS=allow');
  });
});

describe('the draft of a retry', () => {
  it('brings a program only where the operator allows it', () => {
    const operation = givenOperation({ spec: program, requirements: ['type:training', 'trainer:process'] });
    expect(() => toRetryDraft(operation, submission, DENIED)).toThrow('KTRDR_PROCESS_TRAINERS=allow');
    expect(toRetryDraft(operation, submission, ALLOWED).requirements).toEqual(['type:training', 'trainer:process']);
  });

  it('requires what its spec asks of a worker, whatever was noted of the other one', () => {
    const retried = (spec: unknown, requirements: readonly string[]) =>
      toRetryDraft(givenOperation({ spec, requirements }), submission, ALLOWED).requirements;
    expect(retried(builtIn, ['type:training', 'backend:wasm'])).toEqual(['type:training']);
    expect(retried({ ...builtIn, backend: 'cpu' }, ['type:training', 'backend:cpu'])).toEqual([
      'type:training',
      'backend:cpu',
    ]);
    expect(retried(program, [])).toEqual(['type:training', 'trainer:process']);
  });
});
