import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { startApi, startWorker, type RunningApi } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver, type View } from './support/training.js';

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

/** Long enough for ten stops on any machine: they are noticed and obeyed in a fraction of a second each. */
const SECONDS = 2;
const FEWEST_EPOCHS = 4;
const CYCLES = [0, 1, 3, 10];
const cyclesName = (cycles: number): string => `${cycles} cycles`;

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
    ['a dense network with dropout', DENSE],
    ['an LSTM', LSTM],
  ])('%s', (_name, model) => {
    let services: Services;
    let api: RunningApi;
    let http: Http;
    let training: ReturnType<typeof trainingOver>;
    let whole: { epochs: number; steps: number; weights: string; ledger: string };
    /** All of them train at the same time, on the workers of two pools. */
    const runs = new Map<string, Promise<string>>();

    const submit = (name: string, epochs = whole.epochs, pool = 'default') =>
      training.submit({
        name,
        pool,
        spec: smallSpec({ ...model, backend, epochs, optimizer: { kind: 'adam', learning_rate: 0.005 } }),
      });
    /** Epochs that take as many seconds as the stops need on this machine. */
    const epochsThatLast = async (seconds: number) => {
      const { progress } = await training.completed(await submit('measured', FEWEST_EPOCHS));
      const stepsPerSecond = (progress.examples_per_second as number) / model.batch_size;
      return Math.max(FEWEST_EPOCHS, Math.ceil((seconds * stepsPerSecond * FEWEST_EPOCHS) / progress.steps));
    };
    const resultOf = async (id: string) => (await http.get(`/operations/${id}/result`)).body['result'];

    const withCycles = async (cycles: number) => {
      const id = await submit(cyclesName(cycles));
      for (const step of stopsAt(cycles, whole.steps / 2, 17 + cycles)) {
        await training.reached(id, step);
        expect(await training.cancelled(id)).toMatchObject({ status: 'cancelled' });
        expect((await http.post(`/operations/${id}/resume`)).body['lost_steps']).toBe(0);
      }
      await training.completed(id);
      return id;
    };
    const withKills = async () => {
      const nextWorker = (n: number) =>
        startWorker(services, { api, id: `k${n}`, env: { KTRDR_WORKER_POOL: 'killed' } });
      let worker = await nextWorker(0);
      const id = await submit('killed', whole.epochs, 'killed');
      for (const [index, step] of stopsAt(2, whole.steps / 2, 5).entries()) {
        const isPast = ({ attempt, status, progress }: View) =>
          attempt === index + 1 && status === 'running' && (progress?.step ?? 0) >= step;
        await training.until(id, isPast, `attempt ${index + 1} is past step ${step}`);
        await worker.kill();
        worker = await nextWorker(index + 1);
      }
      await training.completed(id);
      return id;
    };
    const begin = (name: string, run: Promise<string>) => {
      run.catch(() => undefined); // its own test waits for it
      runs.set(name, run);
    };

    beforeAll(async () => {
      services = await givenServices();
      api = await startApi(services, { env: SHORT_LEASE });
      http = httpOf(api);
      training = trainingOver(http);
      await Promise.all(['w1', 'w2'].map((id) => startWorker(services, { api, id, env: { KTRDR_WORKER_SLOTS: '2' } })));
      const epochs = await epochsThatLast(SECONDS);
      const id = await submit('whole', epochs);
      await training.completed(id);
      const result = await resultOf(id);
      whole = {
        epochs,
        steps: result.steps as number,
        weights: result.weights_sha256 as string,
        ledger: result.ledger_sha256 as string,
      };
      begin('killed', withKills());
      for (const cycles of CYCLES) begin(cyclesName(cycles), withCycles(cycles));
    });
    afterAll(async () => {
      await Promise.allSettled(runs.values());
      await services.close();
    });

    const expectEqual = async (name: string) => {
      const id = (await runs.get(name)) ?? '';
      const result = await resultOf(id);
      expect(result.weights_sha256).toBe(whole.weights);
      expect(result.ledger_sha256).toBe(whole.ledger);
      expect(result.steps).toBe(whole.steps);
      return training.show(id);
    };

    it.each(CYCLES)('has the same weights after %i cancel and resume cycles', async (cycles) => {
      expect(await expectEqual(cyclesName(cycles))).toMatchObject({ attempt: cycles + 1, recoveries: 0 });
    });

    it('has the same weights after its worker is killed twice in the middle', async () => {
      expect(await expectEqual('killed')).toMatchObject({ attempt: 3, recoveries: 2 });
    });
  });
});
