import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { startApi, startWorker, type RunningApi, type RunningWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const SHORT_LEASE = { KTRDR_LEASE_SECONDS: '1.5', KTRDR_HEARTBEAT_SECONDS: '0.5' };

const LSTM = {
  window: 8,
  model: {
    layers: [
      { kind: 'lstm', units: 6 },
      { kind: 'dense', units: 8, activation: 'tanh' },
    ],
  },
  batch_size: 512,
};
const DENSE = {
  model: {
    layers: [
      { kind: 'dense', units: 16, activation: 'relu', l2: 0.001 },
      { kind: 'batch-norm' },
      { kind: 'dropout', rate: 0.3 },
      { kind: 'dense', units: 8 },
    ],
  },
  batch_size: 256,
};

/** Positions drawn from a fixed seed, so that a failure can be had again. */
function stopsAt(count: number, steps: number, seed: number): number[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => 1 + Math.floor(next() * (steps - 2))).toSorted((a, b) => a - b);
}

describe.each(['wasm', 'cpu'])('on %s', (backend) => {
  describe.each([
    ['a dense network with dropout', DENSE, 6],
    ['an LSTM', LSTM, 4],
  ])('%s', (_name, model, epochs) => {
    let services: Services;
    let api: RunningApi;
    let http: Http;
    let training: ReturnType<typeof trainingOver>;
    let worker: RunningWorker;
    let started = 0;
    let whole: { id: string; steps: number; weights: string; ledger: string };

    const nextWorker = () => {
      started += 1;
      return startWorker(services, { api, id: `w${started}` });
    };
    const submit = (name: string) =>
      training.submit({
        name,
        spec: smallSpec({ ...model, backend, epochs, optimizer: { kind: 'adam', learning_rate: 0.005 } }),
      });
    const resultOf = async (id: string) => (await http.get(`/operations/${id}/result`)).body['result'];

    beforeAll(async () => {
      services = await givenServices();
      api = await startApi(services, { env: SHORT_LEASE });
      http = httpOf(api);
      training = trainingOver(http);
      worker = await nextWorker();
      const id = await submit('whole');
      await training.completed(id);
      const result = await resultOf(id);
      whole = {
        id,
        steps: result.steps as number,
        weights: result.weights_sha256 as string,
        ledger: result.ledger_sha256 as string,
      };
    });
    afterAll(() => services.close());

    const expectEqual = async (id: string) => {
      const result = await resultOf(id);
      expect(result.weights_sha256).toBe(whole.weights);
      expect(result.ledger_sha256).toBe(whole.ledger);
      expect(result.steps).toBe(whole.steps);
    };

    it.each([0, 1, 3, 10])('has the same weights after %i cancel and resume cycles', async (cycles) => {
      const id = await submit(`${cycles} cycles`);
      for (const step of stopsAt(cycles, whole.steps, 17 + cycles)) {
        await training.reached(id, step);
        const stopped = await training.cancelled(id);
        // A cancel that meets the last step finds the work done; then there is nothing to resume.
        if (stopped['status'] === 'completed') break;
        expect((await http.post(`/operations/${id}/resume`)).body['lost_steps']).toBe(0);
      }
      await training.completed(id);
      await expectEqual(id);
    });

    it('has the same weights after its worker is killed twice in the middle', async () => {
      const id = await submit('killed');
      const [first = 1, second = 2] = stopsAt(2, Math.floor(whole.steps * 0.7), 5);
      for (const step of [first, second]) {
        await training.reached(id, step);
        await worker.kill();
        worker = await nextWorker();
      }
      const view = await training.completed(id);
      await expectEqual(id);
      expect(view['recoveries']).toBeGreaterThanOrEqual(1);
    });
  });
});
