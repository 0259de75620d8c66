import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../../../tools/repository.js';
import { freePort } from '../../../tools/stack/free-port.js';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { httpOf } from '../support/http.js';
import { NatsProcess } from '../support/nats-process.js';
import { startApi } from '../support/processes.js';
import { smallSpec } from '../support/specs.js';
import { TcpProxy } from '../support/tcp-proxy.js';

const run = promisify(execFile);

describe('an API that starts before what it needs', () => {
  let services: Services;
  let nats: NatsProcess;
  let databaseProxy: TcpProxy;
  beforeAll(async () => {
    const shared = await givenServices();
    nats = await NatsProcess.start();
    await nats.stop();
    databaseProxy = await TcpProxy.before(shared.databaseUrl);
    await databaseProxy.cut();
    services = {
      ...shared,
      natsUrl: nats.url,
      databaseUrl: databaseProxy.through(shared.databaseUrl),
    };
    shared.onClose(() => nats.remove());
    shared.onClose(() => databaseProxy.cut());
  });
  afterAll(() => services.close());

  it('lives, says what it waits for, and becomes ready when it has come', async () => {
    const port = await freePort();
    const token = 'test-token-of-an-early-bird';
    const starting = startApi(services, { port, token, name: 'early' });
    starting.catch(() => undefined); // it is waited for below
    const http = httpOf({ url: `http://127.0.0.1:${port}`, token });
    await eventually(async () => (await http.get('/health/live')).status === 200, { what: 'it lives' });
    const ready = await http.get('/health/ready');
    expect(ready).toMatchObject({
      status: 503,
      body: { parts: { database: { status: 'down' }, nats: { status: 'down' }, object_store: { status: 'up' } } },
    });
    expect(await http.get('/operations')).toMatchObject({ status: 503, body: { code: 'database-unavailable' } });
    const log = () => readFile(join(services.folder, 'early.log'), 'utf8');
    await eventually(async () => /waiting for nats/i.test(await log()), { what: 'its log names NATS' });
    await eventually(async () => /waiting for the database/i.test(await log()), { what: 'its log names the database' });
    await databaseProxy.restore();
    await eventually(async () => (await http.get('/health/ready')).body['parts'].database?.status === 'up', {
      what: 'the database is up',
    });
    expect(await http.get('/health/ready')).toMatchObject({ status: 503, body: { code: 'messaging-unavailable' } });
    await nats.start();
    await starting;
    expect(await http.post('/operations', { spec: smallSpec() })).toMatchObject({ status: 201 });
  });

  it('names the migrations that its database lacks, and becomes ready once they are applied', async () => {
    const owner = await services.database();
    await owner.query('CREATE DATABASE "without_tables" TEMPLATE template0');
    services.onClose(async () => void (await owner.query('DROP DATABASE "without_tables" WITH (FORCE)')));
    const bare = new URL(services.databaseUrl);
    bare.pathname = '/without_tables';
    const port = await freePort();
    const token = 'test-token-of-an-early-bird';
    const starting = startApi({ ...services, databaseUrl: bare.href }, { port, token, name: 'bare' });
    starting.catch(() => undefined); // it is waited for below
    const http = httpOf({ url: `http://127.0.0.1:${port}`, token });
    const down = { status: 'down', reason: expect.stringContaining('run its migrations: npm run db:migrate') };
    await eventually(async () => (await http.get('/health/live')).status === 200, { what: 'it lives' });
    expect(await http.get('/health/ready')).toMatchObject({ status: 503, body: { parts: { database: down } } });
    const log = () => readFile(join(services.folder, 'bare.log'), 'utf8');
    await eventually(async () => /run its migrations/.test(await log()), { what: 'its log names the migrations' });
    const env = { ...process.env, NODE_OPTIONS: '', KTRDR_DATABASE_URL: bare.href };
    await run(process.execPath, [inRepository('apps', 'migrate', 'dist', 'main.js')], { env });
    await starting;
  });
});
