import { capabilitiesFrom } from './capabilities.js';

it('a worker offers what its trainer can run, and with which versions it does', () => {
  const ready = {
    type: 'ready' as const,
    trainer: '@ktrdr/trainer',
    version: '0.1.0',
    pid: 1,
    backends: ['wasm', 'cpu'],
    operation_types: ['training'],
  };
  expect(capabilitiesFrom({ ...ready, backend_versions: { wasm: '4.22.0+simd' } })).toEqual([
    'type:training',
    'backend:wasm',
    'backend:cpu',
    'backend:wasm@4.22.0+simd',
    'trainer:@ktrdr/trainer@0.1.0',
  ]);
  expect(capabilitiesFrom(ready)).not.toContain('backend:cpu@undefined');
});
