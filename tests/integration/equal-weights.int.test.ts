import type { BackendName } from '@ktrdr/specs';
import { TESTED_BACKENDS, TESTED_NATIVE } from '../../libs/trainer/src/testing/tested-backends.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { startApi, startWorker, type RunningApi } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver, type View } from './support/training.js';

const SHORT_LEASE = { KTRDR_LEASE_SECONDS: '1.5', KTRDR_HEARTBEAT_SECONDS: '0.5' };

const MODELS = {
  'a dense network with dropout': {
    model: {
      layers: [
        { kind: 'dense', units: 16, activation: 'relu', l2: 0.001 },
        { kind: 'batch-norm' },
        { kind: 'dropout', rate: 0.3 },
        { kind: 'dense', units: 8 },
      ],
    },
  },
  'an LSTM': {
    window: 8,
    model: {
      layers: [
        { kind: 'lstm', units: 6 },
        { kind: 'dense', units: 8, activation: 'tanh' },
      ],
    },
  },
};
type Model = keyof typeof MODELS;

const EPOCHS = 4;
const STEPS = 112;
/** All stops are before this step, which takes nine seconds at this pace: time for ten of them on a slow machine too. */
const LAST_STOP = 90;
const PACE_MS = 100;
const cyclesOn = (backend: BackendName): readonly number[] =>
  TESTED_NATIVE.includes(backend) ? [0, 1, 8] : [0, 1, 3, 10];

/** Positions drawn from a fixed seed, so that a failure can be had again. */
function stopsAt(count: number, seed: number): number[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return Array.from({ length: count }, () => 1 + Math.floor(next() * LAST_STOP)).toSorted((a, b) => a - b);
}

describe.each(TESTED_BACKENDS)('on %s', (backend) => {
  const CYCLES = cyclesOn(backend);
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  /** All of them train at the same time; each test waits for its own. */
  const runs = new Map<string, Promise<View>>();

  const poolOf = (model: Model, what: string): string => `${what}-${Object.keys(MODELS).indexOf(model)}`;
  const paced = { KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS) };
  const startIn = (pool: string, id: string, env: Readonly<Record<string, string>>) =>
    startWorker(services, { api, id, pool, env });
  const submit = (model: Model, pool: string) =>
    training.submit({
      pool,
      spec: smallSpec({
        ...MODELS[model],
        backend,
        epochs: EPOCHS,
        optimizer: { kind: 'adam', learning_rate: 0.005 },
      }),
    });
  const resultOf = async (id: string): Promise<View> => (await http.get(`/operations/${id}/result`)).body['result'];

  const uninterrupted = async (model: Model): Promise<View> => training.completed(await submit(model, 'whole'));
  const withCycles = async (model: Model, cycles: number): Promise<View> => {
    const id = await submit(model, poolOf(model, 'stopped'));
    for (const step of stopsAt(cycles, 17 + cycles)) {
      await training.reached(id, step);
      expect(await training.cancelled(id)).toMatchObject({ status: 'cancelled' });
      expect((await http.post(`/operations/${id}/resume`)).body['lost_steps']).toBe(0);
    }
    return training.completed(id);
  };
  const withKills = async (model: Model): Promise<View> => {
    const pool = poolOf(model, 'killed');
    const nextWorker = (n: number) => startIn(pool, `${pool}-${n}`, paced);
    let worker = await nextWorker(0);
    const id = await submit(model, pool);
    for (const [index, step] of stopsAt(2, 5).entries()) {
      const isPast = ({ attempt, status, progress }: View) =>
        attempt === index + 1 && status === 'running' && (progress?.step ?? 0) >= step;
      await training.until(id, isPast, `attempt ${index + 1} is past step ${step}`);
      await worker.kill();
      worker = await nextWorker(index + 1);
    }
    return training.completed(id);
  };
  const begin = (name: string, run: Promise<View>): void => {
    run.catch(() => undefined); // its own test waits for it
    runs.set(name, run);
  };

  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services, { env: SHORT_LEASE });
    http = httpOf(api);
    training = trainingOver(http);
    await startIn('whole', 'whole', {});
    for (const model of Object.keys(MODELS) as Model[]) {
      const pool = poolOf(model, 'stopped');
      await startIn(pool, pool, { ...paced, KTRDR_WORKER_SLOTS: String(CYCLES.length) });
      begin(`${model} whole`, uninterrupted(model));
      begin(`${model} killed`, withKills(model));
      for (const cycles of CYCLES) begin(`${model} ${cycles}`, withCycles(model, cycles));
    }
  });
  afterAll(async () => {
    await Promise.allSettled(runs.values());
    await services.close();
  });

  describe.each(Object.keys(MODELS) as Model[])('%s', (model) => {
    const expectEqual = async (name: string): Promise<View> => {
      const [whole, view] = await Promise.all(
        [`${model} whole`, name].map(async (run) => {
          const ended = await runs.get(run);
          return { ended, result: await resultOf(ended?.['operation_id'] as string) };
        }),
      );
      expect(whole?.result.steps).toBe(STEPS);
      for (const figure of ['weights_sha256', 'ledger_sha256', 'steps'])
        expect([figure, view?.result[figure]]).toEqual([figure, whole?.result[figure]]);
      return view?.ended ?? {};
    };

    it.each(CYCLES)('has the same weights after %i cancel and resume cycles', async (cycles) => {
      expect(await expectEqual(`${model} ${cycles}`)).toMatchObject({ attempt: cycles + 1, recoveries: 0 });
    });

    it('has the same weights after its worker is killed twice in the middle', async () => {
      expect(await expectEqual(`${model} killed`)).toMatchObject({ attempt: 3, recoveries: 2 });
    });
  });
});
