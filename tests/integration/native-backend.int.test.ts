import { TESTED_NATIVE } from '../../libs/trainer/src/testing/tested-backends.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver, type View } from './support/training.js';

/** An average product of 6 million multiply-adds. */
const LARGE = {
  model: {
    layers: [
      { kind: 'dense', units: 384 },
      { kind: 'dense', units: 384 },
    ],
  },
  batch_size: 128,
};

describe('a native backend', () => {
  let services: Services;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  beforeAll(async () => {
    services = await givenServices();
    const api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1' });
  });
  afterAll(() => services.close());

  const startsOf = async (id: string): Promise<View[]> => {
    const { items } = (await http.get(`/operations/${id}/events?limit=1000`)).body;
    return items.filter(({ type }: View) => type === 'started').map(({ data }: View) => data);
  };
  const givenCancelled = async (spec: Record<string, unknown>): Promise<string> => {
    const id = await training.submit({ spec: smallSpec({ epochs: 40, ...spec }) });
    await training.reached(id, 20);
    expect(await training.cancelled(id)).toMatchObject({ status: 'cancelled' });
    return id;
  };

  it('that no worker has is waited for, and explain names the command that builds it', async () => {
    const id = await training.submit({ spec: smallSpec({ backend: 'tfjs-node-gpu' }) });
    const { reasons } = (await http.get(`/operations/${id}/explain`)).body;
    expect(reasons).toContainEqual(
      expect.objectContaining({
        code: 'capability-missing',
        message: expect.stringContaining(
          'none offers backend:tfjs-node-gpu (built on a worker with npm run backend:native -- --gpu)',
        ),
      }),
    );
    await training.cancelled(id);
  });

  it('is not chosen for a small model, and the operation says why', async () => {
    const id = await training.submit({ spec: smallSpec({ backend: 'auto', epochs: 1 }) });
    expect(await training.completed(id)).toMatchObject({ backend: 'wasm' });
    expect(await startsOf(id)).toMatchObject([
      { backend: 'wasm', backend_reason: expect.stringContaining('native TensorFlow is taken from 2,000,000 on') },
    ]);
  });

  if (TESTED_NATIVE.includes('tfjs-node')) {
    it('is chosen for a large model, and stays the operation’s', async () => {
      const id = await givenCancelled({ ...LARGE, backend: 'auto' });
      expect((await http.post(`/operations/${id}/resume`)).body).toMatchObject({
        drift: [],
        guarantee: { level: 'bit-exact' },
      });
      expect(await training.completed(id)).toMatchObject({ backend: 'tfjs-node', warnings: [] });
      const [first, second] = await startsOf(id);
      expect(first?.['backend_reason']).toMatch(/has [\d,]+ multiply-adds/);
      expect(first?.['backend_version']).toMatch(/^4\.22\.0\+tf2\.21\.0\+\w+\+t1$/);
      expect(second).toMatchObject({ backend: 'tfjs-node', backend_version: first?.['backend_version'], drift: [] });
      expect((await http.get('/workers')).body['items'][0].capabilities).toContain(
        `backend:tfjs-node@${first?.['backend_version']}`,
      );
    });

    it.each([
      ['tfjs-node', 'wasm'],
      ['wasm', 'tfjs-node'],
      ['tfjs-node', 'cpu'],
      ['cpu', 'tfjs-node'],
    ])('goes on where that is allowed, and says what differs: %s to %s', async (from, to) => {
      const id = await givenCancelled({ backend: from });
      const refused = await http.post(`/operations/${id}/resume`, { overrides: { backend: to } });
      expect([refused.status, refused.body['code']]).toEqual([422, 'request-invalid']);
      const asked = { overrides: { backend: to }, allow_backend_change: true };
      expect((await http.post(`/operations/${id}/resume`, asked)).body).toMatchObject({
        guarantee: { level: 'within-tolerance' },
        drift: [{ what: 'backend' }],
      });
      expect(await training.completed(id)).toMatchObject({ backend: to, warnings: [{ code: 'drift' }] });
    });
  }
});
