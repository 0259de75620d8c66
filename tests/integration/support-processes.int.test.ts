import { eventually } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';

describe('the processes of a test file', () => {
  let services: Services;
  let api: RunningApi;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
  });
  afterAll(() => services.close());

  const workers = async () => {
    const reply = await fetch(`${api.url}/workers`, { headers: api.headers });
    return ((await reply.json()) as { items: readonly { worker_id: string; pid: number; status: string }[] }).items;
  };

  it('are the real API, which answers those who have its token', async () => {
    const [withToken, without] = await Promise.all([
      fetch(`${api.url}/operations`, { headers: api.headers }),
      fetch(`${api.url}/operations`),
    ]);
    expect([withToken.status, without.status]).toEqual([200, 401]);
    expect(await api.logs()).toContain(api.url);
  });

  it('are real workers, listed by the time they are given out', async () => {
    const worker = await startWorker(services, { api, id: 'w1' });
    expect(await workers()).toContainEqual(expect.objectContaining({ worker_id: 'w1', pid: worker.pid }));
    expect(await worker.stop()).toMatchObject({ code: 0 });
  });

  it('can be killed without warning, and the API notices', async () => {
    const worker = await startWorker(services, { api, id: 'w2' });
    expect(await worker.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await eventually(
      async () => (await workers()).some((seen) => seen.worker_id === 'w2' && seen.status !== 'available'),
      {
        what: 'w2 is no longer available',
      },
    );
  });
});
