import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

/** Weights and moments of some 15 MB. */
const LARGE = smallSpec({
  model: { layers: [1100, 1100].map((units) => ({ kind: 'dense', units, activation: 'relu' })) },
  epochs: 2,
  batch_size: 2048,
});

describe('saves that are stored while they are written', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let worker: RunningWorker;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    worker = await startWorker(services, { api, id: 'w1', env: { LOG_LEVEL: 'debug' } });
  });
  afterAll(() => services.close());

  const foreseen = async (): Promise<{ requestId: string; uploadedBytes: number }[]> =>
    (await worker.logs())
      .split('\n')
      .filter((line) => line.includes('"save stored while it was written"'))
      .map((line) => JSON.parse(line) as { requestId: string; uploadedBytes: number });

  it('are whole, and continue to the uninterrupted result', async () => {
    const whole = await training.submit({ name: 'whole', spec: LARGE });
    await training.completed(whole);
    const stopped = await training.submit({ name: 'stopped', spec: LARGE });
    await training.reached(stopped, 1);
    await http.post(`/operations/${stopped}/pause`);
    const paused = await training.settled(stopped);
    expect(paused).toMatchObject({ status: 'paused', latest_checkpoint: { checkpoint_type: 'pause' } });
    const id = paused['latest_checkpoint'].checkpoint_id as string;
    const { body } = await http.post(`/checkpoints/${id}/verify`, { depth: 'deep' });
    expect(body).toMatchObject({ valid: true });
    await http.post(`/operations/${stopped}/resume`);
    await training.completed(stopped);
    expect(await training.weightsOf(stopped)).toBe(await training.weightsOf(whole));
    const stored = await foreseen();
    expect(stored.length).toBeGreaterThanOrEqual(3);
    expect(Math.max(...stored.map(({ uploadedBytes }) => uploadedBytes))).toBeGreaterThan(10_000_000);
  });
});
