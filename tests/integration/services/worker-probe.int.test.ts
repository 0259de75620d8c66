import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../tools/stack/free-port.js';
import { startWorkerProcess } from '../../../tools/stack/services.js';
import { eventually, eventuallySeen } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { NatsProcess } from '../support/nats-process.js';
import { startApi } from '../support/processes.js';

const readyOf = async (probe: string) => {
  const reply = await fetch(`${probe}/health/ready`);
  return { ...((await reply.json()) as { detail?: string; parts: object }), status: reply.status };
};

describe('the probe of a worker', () => {
  let services: Services;
  let nats: NatsProcess;
  let apiPort: number;
  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    await nats.stop();
    services = { ...shared, natsUrl: nats.url };
    apiPort = await freePort();
    shared.onClose(() => nats.remove());
  });
  afterAll(() => services.close());

  async function startProbed(id: string, env: Readonly<Record<string, string>> = {}) {
    const port = await freePort();
    const worker = await startWorkerProcess({
      addresses: services,
      apiUrl: `http://127.0.0.1:${apiPort}`,
      id,
      dir: join(services.folder, id),
      logFile: join(services.folder, `${id}.log`),
      env: { KTRDR_WORKER_HTTP_PORT: `${port}`, ...env },
    });
    services.onClose(async () => void (worker.hasExited() || (await worker.kill())));
    return { worker, port, probe: `http://127.0.0.1:${port}` };
  }

  it('lives without NATS, and is ready once it is registered and its store takes objects', async () => {
    const { probe } = await startProbed('w1');
    await eventually(async () => (await fetch(`${probe}/health/live`)).status === 200, { what: 'it lives' });
    expect(await readyOf(probe)).toMatchObject({
      status: 503,
      detail: expect.stringContaining('nats (not connected)'),
      parts: { nats: { status: 'down' }, registration: { status: 'down' } },
    });
    await nats.start();
    await startApi(services, { port: apiPort });
    await eventuallySeen(
      () => readyOf(probe),
      ({ status }) => status === 200,
      { what: 'it is ready' },
    );
    const metrics = await (await fetch(`${probe}/metrics`)).text();
    expect(metrics).toContain('ktrdr_worker_slots 1\n');
    expect(metrics).toContain('ktrdr_worker_operations 0\n');
    expect(metrics).toContain('ktrdr_worker_waiting_events 0\n');
    expect((await fetch(`${probe}/nothing`)).status).toBe(404);
    expect((await fetch(`${probe}/metrics`, { method: 'POST' })).status).toBe(405);
    const objects = fileURLToPath(services.objectStoreUrl);
    await rm(objects, { recursive: true });
    await writeFile(objects, 'a file stands where the folder was');
    await eventually(async () => (await readyOf(probe)).status === 503, { what: 'it misses its store' });
    expect(await readyOf(probe)).toMatchObject({ parts: { object_store: { status: 'down' }, nats: { status: 'up' } } });
    expect((await fetch(`${probe}/health/live`)).status).toBe(200);
  });

  it('cannot start on a port that is taken, and says which variable to change', async () => {
    const { port } = await startProbed('w2');
    await eventually(async () => (await fetch(`http://127.0.0.1:${port}/health/live`)).ok, { what: 'w2 lives' });
    const second = await startProbed('w3', { KTRDR_WORKER_HTTP_PORT: `${port}` });
    expect(await second.worker.exited).toEqual({ code: 1, signal: null });
    expect(await readFile(second.worker.logFile, 'utf8')).toContain('KTRDR_WORKER_HTTP_PORT');
  });
});
