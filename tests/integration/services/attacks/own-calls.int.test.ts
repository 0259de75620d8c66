import { randomUUID } from 'node:crypto';
import type { WorkerRpcMethod } from '@ktrdr/contracts';
import { Nkey, NatsSession, RpcError, workerUser, WorkerRpcClient, writeProof } from '@ktrdr/messaging-nats';
import type { Lease } from '@ktrdr/operations';
import type pg from 'pg';
import { enrolTokenFor } from '../../../../tools/stack/services.js';
import { givenServices, type Services } from '../../support/given-services.js';
import { type Http, httpOf } from '../../support/http.js';
import { type Saving, savingOver } from '../../support/saved-operations.js';
import type { WorkerOnNats } from '../../support/workers-on-nats.js';
import { type ApiInProcess, startApiInProcess } from '../model/support/api-in-process.js';

const ASK = { timeoutMs: 5_000 };
const AT = { step: 10, epoch: 1 };
const DETAILS = { version: '0', host: 'rogue', pid: 1, slots: 9, capabilities: ['type:training'], leases: [] };

/** What a worker that has gone over tries with the calls and routes of the product itself. */
describe('a worker that attacks with the calls of the product', () => {
  let services: Services;
  let api: ApiInProcess;
  let http: Http;
  let saving: Saving;
  let database: pg.Client;
  let rogue: WorkerOnNats;
  let honest: WorkerOnNats;
  let held: Lease;
  let checkpointId: string;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApiInProcess(services);
    http = httpOf(api);
    saving = savingOver(services);
    database = await services.database();
    honest = await api.rpc.of('w'); // holds what `saving` claims
    rogue = await api.rpc.of('rogue', 'rogue');
    await honest.rpc.call('register', { worker_id: 'w', pool: 'default', ...DETAILS, host: 'honest' }, ASK);
    held = await saving.running();
    checkpointId = await saving.save(held, { step: 10, files: { w: randomUUID() } });
    await http.post('/operations', { pool: 'default', type: 'data_generation', spec: { version: 1, rows: 2 } });
  });
  afterAll(() => services.close());

  /** Everything that an attack could change, as text. */
  const state = async (): Promise<string> => {
    const tables = ['operations', 'attempts', 'checkpoints', 'events', 'worker_identities', 'worker_enrolments'];
    const parts: string[] = [];
    for (const table of tables) {
      const { rows } = await database.query<{ text: string }>(
        `SELECT (to_jsonb(t) - 'txid')::text AS text FROM ${table} t ORDER BY 1`,
      );
      parts.push(`${table}: ${rows.map(({ text }) => text).join()}`);
    }
    const { rows } = await database.query<{ text: string }>(
      `SELECT (to_jsonb(t) - 'last_seen_at' - 'free_slots')::text AS text FROM workers t WHERE id = 'w'`,
    );
    return [...parts, ...rows.map(({ text }) => text)].join('\n');
  };

  const lease = () => ({ operation_id: held.operationId, attempt: held.attempt });
  const error = { code: 'training-diverged', message: 'm', details: {} };
  const event = () => {
    const body = { type: 'warning', code: 'forged', message: 'forged' };
    return { n: 1, ...lease(), worker_id: 'w', at: new Date().toISOString(), body };
  };
  /** Of another's attempt: in its own name, and in that of who holds it. */
  const writes: readonly [WorkerRpcMethod, () => object][] = [
    ['completed', () => ({ ...lease(), ...AT, checkpoint_id: checkpointId, result: {} })],
    ['failed', () => ({ ...lease(), error, checkpoint_id: null })],
    ['paused', () => ({ ...lease(), ...AT, checkpoint_id: checkpointId, snapshot: null })],
    ['cancelled', () => ({ ...lease(), ...AT, checkpoint_id: null })],
    ['released', () => ({ ...lease(), ...AT, checkpoint_id: checkpointId, reason: 'drain' })],
    ['restore-failed', () => ({ ...lease(), checkpoint_id: checkpointId, bad_files: [] })],
    ['checkpoint-failed', () => ({ ...lease(), kind: 'periodic', ...AT, error, pause_abandoned: false })],
    ['events', () => ({ events: [event()] })],
    ['heartbeat', () => ({ free_slots: 1, leases: [{ ...lease(), moved: true }] })],
  ];
  const forged = async (method: WorkerRpcMethod, request: object): Promise<string> => {
    const answered = rogue.rpc.call(method, request as never, ASK);
    return answered.then(
      () => 'answered',
      (refusal: unknown) => (refusal instanceof RpcError ? refusal.code : String(refusal)),
    );
  };

  it.each(writes)('changes nothing by `%s` of an attempt that another worker holds', async (method, request) => {
    const before = await state();
    expect(await forged(method, { worker_id: 'w', ...request() })).toBe('forbidden');
    await forged(method, { worker_id: 'rogue', ...request() });
    expect(await state()).toBe(before);
  });

  it('commits no checkpoint of an attempt that another worker holds', async () => {
    const checkpoint = await saving.upload(held, { step: 11, files: { w: randomUUID() } });
    const before = await state();
    expect(await forged('checkpoint-commit', { worker_id: 'w', ...lease(), checkpoint })).toBe('forbidden');
    expect(await forged('checkpoint-commit', { worker_id: 'rogue', ...lease(), checkpoint })).toBe('lease-lost');
    expect(await state()).toBe(before);
  });

  it('claims nothing of another pool, nor for another worker, and registers as nobody else', async () => {
    const before = await state();
    const claim = { claim_id: randomUUID(), capabilities: ['type:data_generation', 'type:training', 'backend:wasm'] };
    for (const said of [
      { worker_id: 'rogue', pool: 'default' },
      { worker_id: 'w', pool: 'default' },
      { worker_id: 'w', pool: 'rogue' },
    ]) {
      expect(await forged('claim', { ...said, ...claim })).toBe('forbidden');
      expect(await forged('register', { ...said, ...DETAILS })).toBe('forbidden');
    }
    expect(await rogue.rpc.call('claim', { worker_id: 'rogue', pool: 'rogue', ...claim }, ASK)).toEqual({
      operation: null,
    });
    expect(await state()).toBe(before);
  });

  it('answers nobody in the place of the API', async () => {
    const { connection, subjects } = rogue.session;
    const forgedAnswer = JSON.stringify({ ok: true, reply: { operation: { operation_id: 'evil' } } });
    for (const subject of [subjects.rpcOfAll('claim'), subjects.rpc(honest.key.publicKey, 'claim')])
      connection.subscribe(subject, {
        queue: 'api',
        callback: (refused, message) => void (refused ?? message.respond(forgedAnswer)),
      });
    await connection.flush().catch(() => undefined);
    for (let n = 0; n < 500; n += 1)
      connection.publish(`_INBOX.${honest.key.publicKey}.${randomUUID().slice(0, 8)}`, forgedAnswer);
    await connection.flush();
    const ask = { worker_id: 'w', pool: 'default', claim_id: randomUUID(), capabilities: [] };
    for (let n = 0; n < 20; n += 1) expect(await honest.rpc.call('claim', ask, ASK)).toEqual({ operation: null });
  });

  const connects = (key: Nkey, jwt: string): Promise<boolean> => {
    const late = AbortSignal.timeout(1_000);
    const place = { servers: services.natsUrl, prefix: services.natsPrefix, name: 'rogue' };
    return NatsSession.connect({ ...place, user: workerUser(key, () => jwt) }, { signal: late }).then(
      (session) => session.close().then(() => true),
      () => false,
    );
  };

  it('is nobody else by a request for credentials that it has recorded, nor by the key of another', async () => {
    const { publicKey } = honest.key;
    const authorization = `Nkey ${writeProof(honest.key, Math.floor(Date.now() / 1000))}`;
    const path = `/workers/identities/${publicKey}/credentials`;
    const recorded = await http.send('POST', path, { headers: { authorization } });
    expect(await connects(rogue.key, recorded.body['jwt'] as string)).toBe(false);
    const own = `Nkey ${writeProof(rogue.key, Math.floor(Date.now() / 1000))}`;
    expect((await http.send('POST', path, { headers: { authorization: own } })).status).toBe(401);
    const token = await enrolTokenFor('default', { apiUrl: api.url, token: api.token });
    const before = await state();
    const body = { nkey: publicKey, worker_id: 'rogue-2' };
    const enrolled = await http.send('POST', '/workers/identities', {
      body,
      headers: { authorization: `Bearer ${token}` },
    });
    expect(enrolled.body).toMatchObject({ worker_id: 'w', pool: 'default' });
    expect(await connects(rogue.key, enrolled.body['jwt'] as string)).toBe(false);
    expect(await state()).toBe(before);
  });

  it('enrols nobody without a use that is left, and takes no name that is taken', async () => {
    const { body } = await http.post('/workers/enrolments', { uses: 1 });
    const headers = { authorization: `Bearer ${body['token']}` };
    const enrol = (worker_id: string) =>
      http.send('POST', '/workers/identities', {
        body: { nkey: Nkey.generate('user').publicKey, worker_id },
        headers,
      });
    expect((await enrol('w')).status).toBe(409);
    expect((await enrol('a-third')).status).toBe(200);
    const before = await state();
    for (let n = 0; n < 5; n += 1) expect((await enrol(`more-${n}`)).status).toBe(401);
    expect(await state()).toBe(before);
  });

  it('may do nothing that takes a token of the API', async () => {
    const before = await state();
    for (const bearer of [rogue.jwt, services.enrolToken, rogue.key.publicKey]) {
      const headers = { authorization: `Bearer ${bearer}` };
      const answers = await Promise.all([
        http.send('POST', '/workers/enrolments', { body: {}, headers }),
        http.send('DELETE', `/workers/identities/${honest.key.publicKey}`, { headers }),
        http.send('GET', '/workers/identities', { headers }),
        http.send('POST', '/workers/w/drain', { body: {}, headers }),
        http.send('POST', `/operations/${held.operationId}/cancel`, { body: {}, headers }),
      ]);
      expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
    }
    expect(await state()).toBe(before);
  });

  it('is refused at once when it is revoked, on the connection that it has', async () => {
    const key = Nkey.generate('user');
    const headers = { authorization: `Bearer ${services.enrolToken}` };
    const body = { nkey: key.publicKey, worker_id: 'to-be-revoked' };
    const { jwt } = (await http.send('POST', '/workers/identities', { body, headers })).body as { jwt: string };
    const place = { servers: services.natsUrl, prefix: services.natsPrefix, name: 'rogue' };
    const session = await NatsSession.connect({ ...place, user: workerUser(key, () => jwt) });
    services.onClose(() => session.close());
    const rpc = new WorkerRpcClient(session);
    const heartbeat = { worker_id: 'to-be-revoked', free_slots: 1, leases: [] };
    await rpc.call('heartbeat', heartbeat, ASK);
    await http.delete(`/workers/identities/${key.publicKey}`);
    await expect(rpc.call('heartbeat', heartbeat, ASK)).rejects.toMatchObject({ code: 'worker-revoked' });
  });
});
