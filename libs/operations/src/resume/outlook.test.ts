import { outlookOf } from './outlook.js';

const provenance = {
  dataFingerprint: 'd',
  trainer: { name: '@ktrdr/trainer', version: '1' },
  backend: { name: 'wasm', version: '4.22.0' },
};
const worker = (...capabilities: string[]) => ({ capabilities: ['type:training', ...capabilities] });
const same = worker(
  'backend:wasm',
  'backend:cpu',
  'backend:wasm@4.22.0',
  'backend:cpu@4.22.0',
  'trainer:@ktrdr/trainer@1',
);
const newer = worker('backend:wasm', 'backend:wasm@5.0.0', 'trainer:@ktrdr/trainer@2');
const bound = { provenance, requirements: ['type:training', 'backend:wasm'], backendChangeAllowed: false };

describe('the outlook of a continuation', () => {
  it('is equal bits where every fitting worker is as the one that saved', () => {
    expect(outlookOf({ ...bound, workers: [same, worker('backend:cpu', 'backend:cpu@9')] })).toMatchObject({
      drift: [],
      guarantee: { level: 'bit-exact' },
    });
  });

  it('names what any fitting worker would do differently', () => {
    const { drift, guarantee } = outlookOf({ ...bound, workers: [same, newer, newer] });
    expect(drift.map(({ what, now }) => [what, now])).toEqual([
      ['trainer-version', '@ktrdr/trainer 2'],
      ['backend-version', 'wasm 5.0.0'],
    ]);
    expect(guarantee.level).toBe('within-tolerance');
  });

  it('says that nobody can tell yet while no fitting worker is alive', () => {
    const { guarantee } = outlookOf({ ...bound, workers: [worker('backend:cpu')] });
    expect(guarantee.detail).toContain('no fitting worker is alive');
  });

  it('follows the backend that is asked for, and without one the backend of the checkpoint', () => {
    const onCpu = {
      ...bound,
      requirements: ['type:training', 'backend:cpu'],
      backendChangeAllowed: true,
      workers: [same],
    };
    expect(outlookOf(onCpu).drift).toEqual([{ what: 'backend', checkpoint: 'wasm 4.22.0', now: 'cpu 4.22.0' }]);
    const anywhere = { ...bound, requirements: ['type:training'], backendChangeAllowed: true };
    expect(outlookOf({ ...anywhere, workers: [same] })).toMatchObject({
      drift: [],
      guarantee: { level: 'within-tolerance' },
    });
    expect(outlookOf({ ...anywhere, workers: [worker('backend:cpu', 'backend:cpu@4.22.0')] }).drift).toHaveLength(1);
  });

  it('compares no backend with what has used none', () => {
    const generated = { ...provenance, backend: { name: 'none', version: '' } };
    const order = { provenance: generated, requirements: ['type:training'], backendChangeAllowed: false };
    expect(outlookOf({ ...order, workers: [same] })).toMatchObject({ drift: [], guarantee: { level: 'bit-exact' } });
  });

  it('compares no process trainer with the trainer and the backends that a worker brings itself', () => {
    const saved = {
      ...provenance,
      trainer: { name: 'plain-python', version: '3.12' },
      backend: { name: 'process', version: '1' },
    };
    const asked = { ...bound, provenance: saved, requirements: ['type:training', 'trainer:process'] };
    const host = worker('trainer:process', 'trainer:@ktrdr/trainer@1', 'backend:wasm', 'backend:wasm@4.22.0');
    const { drift, guarantee } = outlookOf({ ...asked, workers: [host] });
    expect(drift).toEqual([]);
    expect(guarantee).toMatchObject({ level: 'bit-exact', detail: expect.stringContaining('as far as its program') });
  });

  it('compares nothing with workers that have no trainer of their own, and nothing without a checkpoint', () => {
    expect(outlookOf({ ...bound, workers: [worker('backend:wasm')] }).drift).toEqual([]);
    expect(outlookOf({ ...bound, provenance: null, workers: [newer] })).toMatchObject({
      drift: [],
      guarantee: { level: 'bit-exact' },
    });
  });
});
