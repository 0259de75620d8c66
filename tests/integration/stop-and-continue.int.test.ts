import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver, type View } from './support/training.js';

describe('training that is stopped and continued', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let workers: RunningWorker[];
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    workers = await Promise.all(['w1', 'w2'].map((id) => startWorker(services, { api, id })));
  });
  afterAll(() => services.close());

  it('gives the uninterrupted result after a cancel and a resume', async () => {
    const whole = await training.submit({ name: 'whole', spec: smallSpec({ epochs: 8 }) });
    await training.completed(whole);
    const stopped = await training.submit({ name: 'stopped', spec: smallSpec({ epochs: 8 }) });
    await training.reached(stopped, 20);
    const cancelled = await training.cancelled(stopped);
    expect(cancelled).toMatchObject({ status: 'cancelled', allowed_actions: ['resume', 'retry', 'delete'] });
    expect(cancelled['latest_checkpoint']).toMatchObject({ checkpoint_type: 'cancel' });
    const resumed = await http.post(`/operations/${stopped}/resume`);
    expect(resumed).toMatchObject({
      status: 202,
      body: {
        status: 'resuming',
        resumed_from: { checkpoint_id: cancelled['latest_checkpoint'].checkpoint_id },
        lost_steps: 0,
      },
    });
    const view = await training.completed(stopped);
    expect(view['attempt']).toBe(2);
    expect(await training.weightsOf(stopped)).toBe(await training.weightsOf(whole));
    const [wholeMetrics, stoppedMetrics] = await Promise.all(
      [whole, stopped].map(async (id) => (await http.get(`/operations/${id}/metrics`)).body['items'] as object[]),
    );
    const figures = (points: object[] | undefined) =>
      points?.map((point) => ({ ...(point as { step: number; values: object }), attempt: 0, at: '' }));
    expect(figures(stoppedMetrics)).toEqual(figures(wholeMetrics));
    expect(workers).toHaveLength(2);
  });

  it('has told everything when it says that it has ended', async () => {
    const eventsOf = async (id: string) =>
      (await http.get(`/operations/${id}/events?limit=1000`)).body['items'] as { type: string; data: View }[];
    for (let round = 0; round < 3; round += 1) {
      const id = await training.submit({ spec: smallSpec({ epochs: 500, checkpoint: { every_epochs: 500 } }) });
      await training.reached(id, 20);
      await http.post(`/operations/${id}/cancel`, { save: false });
      const view = await training.settled(id);
      const events = await eventsOf(id);
      expect(events.at(-1)).toMatchObject({ type: 'status', data: { to: 'cancelled' } });
      const points = (await http.get(`/operations/${id}/metrics`)).body['items'] as { epoch: number }[];
      expect(points).toHaveLength(view['progress'].epoch as number);
    }
  });
});
