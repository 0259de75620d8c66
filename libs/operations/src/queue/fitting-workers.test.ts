import { fittingWorkers, missingCapabilities, whyUnschedulable } from './fitting-workers.js';

const wanted = { pool: 'gpu', requirements: ['type:training', 'backend:wasm'] };
const cpu = { id: 'w1', draining: false, isQuarantined: false, capabilities: ['type:training', 'backend:cpu'] };
const wasm = {
  id: 'w2',
  draining: false,
  isQuarantined: false,
  capabilities: ['type:training', 'backend:wasm', 'backend:cpu'],
};

describe('the workers that can take an operation', () => {
  it('offer everything that it requires', () => {
    expect(fittingWorkers(wanted, [cpu, wasm])).toEqual([wasm]);
    expect(whyUnschedulable(wanted, [cpu, wasm])).toBeNull();
    expect(missingCapabilities(wanted, [cpu, wasm])).toEqual([]);
  });

  it('are lacking where none is alive, or none offers enough', () => {
    expect(whyUnschedulable(wanted, [])?.message).toBe('no worker of pool gpu is alive');
    expect(whyUnschedulable(wanted, [cpu])?.message).toBe(
      '1 worker is alive in pool gpu, but none offers backend:wasm',
    );
    expect(whyUnschedulable({ ...wanted, requirements: ['backend:tfjs-node-gpu'] }, [cpu])?.message).toBe(
      '1 worker is alive in pool gpu, but none offers backend:tfjs-node-gpu (built on a worker with npm run backend:native -- --gpu)',
    );
    expect(whyUnschedulable(wanted, [cpu, { ...cpu, capabilities: [] }])?.message).toBe(
      '2 workers are alive in pool gpu, but none offers backend:wasm, type:training',
    );
  });

  it('are lacking for a reason that a program can read', () => {
    expect(
      [[], [cpu], [{ ...wasm, draining: true }]].map((workers) => whyUnschedulable(wanted, workers)),
    ).toMatchObject([
      { code: 'no-worker-alive', details: { pool: 'gpu' } },
      { code: 'capability-missing', details: { missing: ['backend:wasm'] } },
      { code: 'workers-unavailable', details: { draining: 1, quarantined: 0 } },
    ]);
  });

  it('are lacking where each that offers enough is draining', () => {
    const leaving = { ...wasm, draining: true };
    expect(whyUnschedulable(wanted, [cpu, leaving])?.message).toBe(
      'no fitting worker of pool gpu takes new work (1 is draining)',
    );
    expect(whyUnschedulable(wanted, [leaving, leaving])?.message).toBe(
      'no fitting worker of pool gpu takes new work (2 are draining)',
    );
    expect(whyUnschedulable(wanted, [leaving, { ...leaving, isQuarantined: true }])?.message).toBe(
      'no fitting worker of pool gpu takes new work (1 is quarantined, 1 is draining)',
    );
    expect(whyUnschedulable(wanted, [leaving, wasm])).toBeNull();
  });
});
