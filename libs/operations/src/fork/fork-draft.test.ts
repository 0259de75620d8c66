import { TrainingSpec } from '@ktrdr/specs';
import type { Operation } from '../model/operation.js';
import { specSha256Of } from '../spec/effective-spec.js';
import { givenCheckpoint, givenOperation } from '../testing/given-operation.js';
import type { AskedChanges } from '../spec/overrides.js';
import { type ForkedOperation, toForkDraft } from './fork-draft.js';

const spec = TrainingSpec.parse({
  version: 1,
  data: { source: 'dataset:sp500' },
  features: [{ kind: 'return' }],
  model: { layers: [{ kind: 'dense', units: 4 }] },
  epochs: 10,
});
const NOW = new Date('2026-11-22T10:15:00Z');
const provenance = {
  dataFingerprint: 'd',
  trainer: { name: 't', version: '1' },
  backend: { name: 'wasm', version: '4.22.0' },
};

const given = (changes: Partial<Operation> = {}): Operation =>
  givenOperation({
    status: 'completed',
    spec,
    specSha256: specSha256Of(spec),
    pinnedBackend: 'wasm',
    requirements: ['type:training', 'backend:wasm'],
    progress: { step: 100, epoch: 10, steps: 100, epochs: 10, examplesPerSecond: 5 },
    ...changes,
  });
const checkpoint = givenCheckpoint({ id: 'c9', step: 90, epoch: 9 });

function drafted(
  {
    overrides = {},
    allowBackendChange = false,
    ...asked
  }: Partial<AskedChanges> & Pick<ForkedOperation, 'name' | 'priority'>,
  origin = given(),
  from = provenance,
  rules = { allowsProcessTrainers: false },
) {
  const by = { createdBy: 'ada', submissionKey: null, now: NOW, entropy: new Uint8Array(10) };
  const submission = { ...asked, ...by, changes: { overrides, allowBackendChange } };
  return toForkDraft(origin, { checkpoint, provenance: from, fellBackFrom: null }, submission, rules);
}

describe('the draft of a fork', () => {
  it('is what its origin is now, and continues what it was', () => {
    const origin = given({ overrides: { learning_rate: 0.5 }, formerSpecSha256: ['earlier'], labels: { a: 'b' } });
    const draft = drafted({}, origin);
    const effective = { ...spec, optimizer: { ...spec.optimizer, learning_rate: 0.5 } };
    expect(draft).toMatchObject({
      name: 'an operation (fork)',
      labels: { a: 'b' },
      parentId: null,
      spec: effective,
      specSha256: specSha256Of(effective),
      formerSpecSha256: [specSha256Of(effective), 'earlier'],
      pinnedBackend: 'wasm',
      backendChangeAllowed: false,
      requirements: ['type:training', 'backend:wasm'],
      origin: { kind: 'fork', operationId: origin.id, checkpointId: 'c9', step: 90, epoch: 9, changes: [] },
      progress: { step: 90, epoch: 9, steps: 100, epochs: 10 },
    });
  });

  it('plans as many steps an epoch as its origin', () => {
    const draft = drafted({ overrides: { epochs: 15 }, name: 'longer', priority: 7 });
    expect(draft.progress).toMatchObject({ step: 90, epoch: 9, steps: 150, epochs: 15 });
    expect(draft).toMatchObject({ name: 'longer', priority: 7 });
    expect(draft.origin.changes).toEqual([{ path: 'epochs', from: 10, to: 15 }]);
    expect(drafted({}, given({ progress: null })).progress).toMatchObject({ step: 90, steps: 90, epochs: 10 });
  });

  it('is of no fewer epochs than its checkpoint has trained', () => {
    expect(() => drafted({ overrides: { epochs: 8 } })).toThrow('9 epochs are trained already');
    expect(drafted({ overrides: { epochs: 9 } }).progress).toMatchObject({ epoch: 9, epochs: 9 });
  });

  it('keeps a name within what a name may have', () => {
    expect(drafted({}, given({ name: 'n'.repeat(200) })).name).toHaveLength(200);
  });

  it('is bound to the backend of its checkpoint, whatever its origin trains on now', () => {
    const moved = given({
      pinnedBackend: 'cpu',
      requirements: ['type:training', 'backend:cpu'],
      backendChangeAllowed: true,
    });
    expect(drafted({}, moved)).toMatchObject({
      pinnedBackend: 'wasm',
      requirements: ['type:training', 'backend:wasm'],
    });
  });

  it('asks again where its origin was allowed to move on', () => {
    const moved = given({ pinnedBackend: 'cpu', overrides: { backend: 'cpu' }, backendChangeAllowed: true });
    expect(() => drafted({}, moved)).toThrow('let backend be wasm');
    expect(drafted({ overrides: { backend: 'wasm' } }, moved)).toMatchObject({ pinnedBackend: 'wasm' });
    expect(drafted({ allowBackendChange: true }, moved)).toMatchObject({
      requirements: ['type:training', 'backend:cpu'],
    });
  });

  it('changes the backend only where that is allowed', () => {
    expect(() => drafted({ overrides: { backend: 'cpu' } })).toThrow('allow a change of backend');
    expect(drafted({ overrides: { backend: 'cpu' }, allowBackendChange: true })).toMatchObject({
      pinnedBackend: null,
      backendChangeAllowed: true,
      requirements: ['type:training', 'backend:cpu'],
    });
    expect(drafted({ allowBackendChange: true })).toMatchObject({ requirements: ['type:training'] });
    expect(drafted({ overrides: { backend: 'wasm' } })).toMatchObject({
      pinnedBackend: 'wasm',
      backendChangeAllowed: false,
    });
  });

  it('takes over a best only where the checkpoint knows of it', () => {
    const best = (step: number) => ({ step, epoch: 1, metric: 'val_loss', value: 0.5 });
    expect(drafted({}, given({ best: best(50) })).best).toEqual(best(50));
    expect(drafted({}, given({ best: best(95) })).best).toBeNull();
  });

  it('runs a program only where the operator allows it, on workers that run programs', () => {
    const trainer = { kind: 'process', command: ['python3', 'train.py'] };
    const program = given({ spec: { version: 1, trainer }, pinnedBackend: null, requirements: [] });
    const own = { ...provenance, backend: { name: 'python', version: '3' } };
    expect(() => drafted({}, program, own)).toThrow('KTRDR_PROCESS_TRAINERS=allow');
    expect(drafted({}, program, own, { allowsProcessTrainers: true }).requirements).toEqual([
      'type:training',
      'trainer:process',
    ]);
  });

  it('overrides nothing of what has no overrides', () => {
    const generated = given({ type: 'data_generation', spec: {}, pinnedBackend: null, requirements: [] });
    expect(() =>
      drafted({ overrides: { epochs: 3 } }, generated, { ...provenance, backend: { name: 'none', version: '' } }),
    ).toThrow('nothing to override');
  });
});
