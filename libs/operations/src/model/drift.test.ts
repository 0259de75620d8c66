import { driftBetween, guaranteeOf } from './drift.js';

const CHECKPOINT = {
  dataFingerprint: 'd1',
  trainer: { name: 'ktrdr', version: '1' },
  backend: { name: 'wasm', version: '4.22.0+simd' },
};

describe('drift', () => {
  it('is nothing where everything is as it was, or is not known', () => {
    expect(driftBetween(CHECKPOINT, CHECKPOINT)).toEqual([]);
    expect(driftBetween(CHECKPOINT, {})).toEqual([]);
    expect(guaranteeOf([])).toMatchObject({ level: 'bit-exact' });
  });

  it('tells another thing from another version of it', () => {
    const backend = { name: 'wasm', version: '4.22.0+plain' };
    expect(driftBetween(CHECKPOINT, { backend })).toEqual([
      { what: 'backend-version', checkpoint: 'wasm 4.22.0+simd', now: 'wasm 4.22.0+plain' },
    ]);
    expect(driftBetween(CHECKPOINT, { backend: { name: 'cpu', version: '4.22.0' } })).toEqual([
      { what: 'backend', checkpoint: 'wasm 4.22.0+simd', now: 'cpu 4.22.0' },
    ]);
    expect(driftBetween(CHECKPOINT, { trainer: { name: 'ktrdr', version: '2' }, dataFingerprint: 'd2' })).toEqual([
      { what: 'trainer-version', checkpoint: 'ktrdr 1', now: 'ktrdr 2' },
      { what: 'data', checkpoint: 'd1', now: 'd2' },
    ]);
  });

  it('takes the promise of equal bits back, and names the reason', () => {
    const drift = driftBetween(CHECKPOINT, { backend: { name: 'cpu', version: '4.22.0' } });
    expect(guaranteeOf(drift)).toMatchObject({
      level: 'within-tolerance',
      detail: expect.stringContaining('backend cpu 4.22.0 instead of wasm 4.22.0+simd'),
    });
    expect(guaranteeOf([], { backendChangeAllowed: true })).toMatchObject({ level: 'within-tolerance' });
  });
});
