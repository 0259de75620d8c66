import { ktrdr } from './support/command-line.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Answer, type Http, httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

type View = Answer['body'];

describe('a change of backend', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1' });
  });
  afterAll(() => services.close());

  const startedOf = async (id: string): Promise<View> => {
    const { items } = (await http.get(`/operations/${id}/events?limit=1000`)).body;
    return items.findLast(({ type }: View) => type === 'started').data;
  };
  /** Cancelled in the middle, on the backend that `auto` takes first. */
  const givenCancelled = async (): Promise<string> => {
    const spec = smallSpec({ backend: 'auto', epochs: 40, batch_size: 256 });
    const id = await training.submit({ name: 'moves', spec });
    await training.reached(id, 20);
    await training.cancelled(id);
    return id;
  };

  it('is made only when it is allowed, is named, and goes both ways', async () => {
    const id = await givenCancelled();
    expect((await training.show(id))['backend']).toBe('wasm');
    const asked = { overrides: { backend: 'cpu' } };
    const refused = await http.post(`/operations/${id}/resume`, asked);
    expect([refused.status, refused.body['code']]).toEqual([422, 'request-invalid']);
    expect(refused.body['suggestions']).toEqual([
      { action: 'change-request', operation_id: id, allow_backend_change: true },
    ]);
    expect((await training.show(id))['status']).toBe('cancelled');

    const rehearsed = await http.post(`/operations/${id}/resume`, {
      ...asked,
      allow_backend_change: true,
      dry_run: true,
    });
    expect(rehearsed.body).toMatchObject({
      guarantee: { level: 'within-tolerance' },
      drift: [{ what: 'backend', checkpoint: expect.stringMatching(/^wasm /), now: expect.stringMatching(/^cpu /) }],
      changes: [{ path: 'backend', from: 'auto', to: 'cpu' }],
    });
    const resumed = await ktrdr(api, 'operations', 'resume', id, '--backend', 'cpu', '--allow-backend-change');
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(resumed.stdout).toMatch(/guarantee +within-tolerance/);
    expect(resumed.stdout).toMatch(/drift +backend wasm .* → cpu/);
    const done = await training.completed(id);
    expect(done['backend']).toBe('cpu');
    expect(done['warnings']).toMatchObject([{ code: 'drift', message: expect.stringContaining('backend cpu') }]);
    expect(await startedOf(id)).toMatchObject({
      backend: 'cpu',
      guarantee: { level: 'within-tolerance' },
      drift: [{ what: 'backend' }],
    });

    const back = await http.post(`/operations/${id}/fork`, {
      overrides: { backend: 'wasm', epochs: 42 },
      allow_backend_change: true,
    });
    expect(back.body).toMatchObject({ guarantee: { level: 'within-tolerance' }, drift: [{ what: 'backend' }] });
    const returned = await training.completed(back.body['operation_id'] as string);
    expect(returned).toMatchObject({ backend: 'wasm', progress: { epoch: 42 } });
  });

  it('is not made where the backend of the checkpoint is to be had', async () => {
    const id = await givenCancelled();
    const resumed = await http.post(`/operations/${id}/resume`, { allow_backend_change: true });
    expect(resumed.body).toMatchObject({ drift: [], changes: [], guarantee: { level: 'within-tolerance' } });
    const done = await training.completed(id);
    expect(done).toMatchObject({ backend: 'wasm', warnings: [] });
    expect(await startedOf(id)).toMatchObject({ drift: [], guarantee: { level: 'bit-exact' } });
  });

  it('leaves a resume without it as exact as ever, and says so', async () => {
    const id = await givenCancelled();
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed.body).toMatchObject({ drift: [], guarantee: { level: 'bit-exact' } });
    await training.completed(id);
    expect((await http.get('/workers')).body['items'][0].capabilities).toEqual(
      expect.arrayContaining([
        'backend:wasm',
        expect.stringMatching(/^backend:wasm@4/),
        expect.stringMatching(/^trainer:/),
      ]),
    );
  });
});
