import { isPublicNkey, lifetimeOf, Nkey, type RpcError, workerUser, writeProof } from '@ktrdr/messaging-nats';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { httpOf } from '../support/http.js';
import { openSession } from '../support/nats-users.js';
import { type RunningApi, startApi } from '../support/processes.js';
import { WorkersOnNats } from '../support/workers-on-nats.js';

const ASK = { timeoutMs: 10_000 };
const nowSeconds = (): number => Math.floor(Date.now() / 1000);
let named = 0;
const newName = (): string => `w${(named += 1)}`;

describe('a machine that becomes a worker', () => {
  let services: Services;
  let api: RunningApi;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
  });
  afterAll(() => services.close());

  const http = () => httpOf(api);
  const enrolment = async (body: object = {}) => (await http().post('/workers/enrolments', body)).body;
  const tokenFor = async (body: object = {}): Promise<string> => (await enrolment(body))['token'] as string;
  const enrol = (token: string, nkey = Nkey.generate('user').publicKey, worker_id = newName()) =>
    http().send('POST', '/workers/identities', {
      body: { nkey, worker_id },
      headers: { authorization: `Bearer ${token}` },
    });
  const renew = (key: Nkey, { at = nowSeconds(), nkey = key.publicKey } = {}) =>
    http().send('POST', `/workers/identities/${nkey}/credentials`, {
      headers: { authorization: `Nkey ${writeProof(key, at)}` },
    });
  const usesLeft = async (token: string): Promise<number> => {
    const database = await services.database();
    const { rows } = await database.query<{ uses_left: number }>(
      `SELECT uses_left FROM worker_enrolments WHERE sha256 = encode(sha256($1), 'hex')`,
      [token],
    );
    return rows[0]?.uses_left ?? NaN;
  };

  it('gets credentials that NATS takes, for the pool of its token', async () => {
    const key = Nkey.generate('user');
    const worker_id = newName();
    const token = await tokenFor({ pool: 'gpu' });
    const { status, body } = await enrol(token, key.publicKey, worker_id);
    expect(status).toBe(200);
    expect(body).toEqual({
      jwt: expect.any(String) as string,
      expires_at: expect.any(String) as string,
      nats_url: services.natsUrl,
      pool: 'gpu',
      worker_id,
    });
    const jwt = body['jwt'] as string;
    expect(lifetimeOf(jwt)).toBe(3_600);
    const session = await openSession(
      { url: services.natsUrl, prefix: services.natsPrefix },
      workerUser(key, () => jwt),
    );
    await session.close();
    expect((await http().get(`/workers/identities?worker_id=${worker_id}`)).body['items']).toMatchObject([
      { nkey: key.publicKey, worker_id, pool: 'gpu' },
    ]);
  });

  it('spends a use of its token once, however often it asks', async () => {
    const token = await tokenFor({ uses: 2 });
    const { publicKey } = Nkey.generate('user');
    const name = newName();
    const answers = await Promise.all(Array.from({ length: 20 }, () => enrol(token, publicKey, name)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await usesLeft(token)).toBe(1);
  });

  it('is one of as many as the token makes, of however many that ask together; the others are named in the log', async () => {
    const token = await tokenFor({ uses: 3 });
    const answers = await Promise.all(Array.from({ length: 20 }, () => enrol(token)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 401);
    expect(refused).toHaveLength(17);
    expect(refused[0]?.body).toMatchObject({ code: 'enrolment-refused', reason: 'it has no uses left' });
    expect(await usesLeft(token)).toBe(0);
    await eventually(async () => ((await api.logs()).match(/enrolment refused/g)?.length ?? 0) >= 17, {
      what: 'each refusal is in the log, which is written beside the answers',
    });
    expect(await api.logs()).not.toContain(token);
  });

  it('has a name that no other key has; of two that ask together one gets it', async () => {
    const token = await tokenFor({ uses: 10 });
    const name = newName();
    const answers = await Promise.all([1, 2].map(() => enrol(token, Nkey.generate('user').publicKey, name)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const refusal = answers.find(({ status }) => status === 409)?.body;
    expect(refusal).toMatchObject({ code: 'worker-id-taken', worker_id: name });
    expect(refusal?.['suggestions']).toEqual([{ action: 'revoke-worker', worker_id: name }]);
    expect(await usesLeft(token)).toBe(9);
  });

  it('is refused with a token that is unknown, has expired, was withdrawn or is for another worker', async () => {
    const database = await services.database();
    const expired = await enrolment();
    await database.query(`UPDATE worker_enrolments SET expires_at = now() WHERE id = $1`, [expired['enrolment_id']]);
    const withdrawn = await enrolment();
    expect((await http().send('DELETE', `/workers/enrolments/${withdrawn['enrolment_id']}`)).status).toBe(204);
    expect((await http().send('DELETE', '/workers/enrolments/we_none')).status).toBe(404);
    const asked = [
      ['kte_unknown-unknown-unknown', 'it is not known'],
      [expired['token'], 'it has expired'],
      [withdrawn['token'], 'it was withdrawn'],
      [await tokenFor({ worker_id: 'somebody' }), 'it is for the worker somebody'],
    ] as const;
    for (const [token, reason] of asked) {
      const { status, body } = await enrol(String(token));
      expect([status, body['code'], body['reason']]).toEqual([401, 'enrolment-refused', reason]);
    }
  });

  it('is no worker by a key that is none, nor without a token', async () => {
    const token = await tokenFor();
    const { publicKey } = Nkey.generate('account');
    for (const nkey of [publicKey, 'U', '*', `${Nkey.generate('user').publicKey}A`]) {
      expect((await enrol(token, nkey)).status).toBe(422);
    }
    for (const worker_id of ['a.b', '*', ''])
      expect((await enrol(token, Nkey.generate('user').publicKey, worker_id)).status).toBe(422);
    for (const authorization of ['', 'Bearer short', 'Basic YTpi', `Nkey ${token}`]) {
      const body = { nkey: Nkey.generate('user').publicKey, worker_id: newName() };
      const { status } = await http().send('POST', '/workers/identities', { body, headers: { authorization } });
      expect([authorization, status]).toEqual([authorization, 401]);
    }
    expect(await usesLeft(token)).toBe(1);
  });

  it('renews its credentials with its key alone, and with a clock that is right', async () => {
    const key = Nkey.generate('user');
    await enrol(await tokenFor(), key.publicKey);
    expect((await renew(key)).status).toBe(200);
    expect((await renew(key, { at: nowSeconds() - 50 })).status).toBe(200);
    for (const seconds of [-90, 90, 86_400]) {
      const { status, body } = await renew(key, { at: nowSeconds() + seconds });
      expect([status, body['code']]).toEqual([401, 'clock-off']);
      expect(body['detail']).toMatch(/clock of the worker says 2\S+Z, and that of the API 2\S+Z/);
    }
    expect((await renew(Nkey.generate('user'), { nkey: key.publicKey })).body['code']).toBe('unauthorized');
    expect((await renew(Nkey.generate('user'))).body['code']).toBe('worker-unknown');
    const bare = await http().send('POST', `/workers/identities/${key.publicKey}/credentials`, {});
    expect([bare.status, bare.body['code']]).toEqual([401, 'unauthorized']);
  });

  it('is told which proof a route takes', async () => {
    const schemeOf = async (path: string) => {
      const { headers } = await fetch(`${api.url}${path}`, { method: 'POST' });
      return headers.get('www-authenticate');
    };
    expect(await schemeOf(`/workers/identities/${Nkey.generate('user').publicKey}/credentials`)).toBe('Nkey');
    expect(await schemeOf('/workers/enrolments')).toBe('Bearer');
  });

  it('keeps its token from everybody: only a hash of it is stored, and no answer is kept to be given again', async () => {
    const headers = { 'idempotency-key': 'the-same-key' };
    const asked = () => http().send('POST', '/workers/enrolments', { body: {}, headers });
    const [first, second] = [await asked(), await asked()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.body['token']).not.toBe(second.body['token']);
    const database = await services.database();
    const { rows } = await database.query<{ text: string }>(
      `SELECT row_to_json(t)::text AS text FROM worker_enrolments t
       UNION ALL SELECT row_to_json(t)::text FROM idempotency_keys t`,
    );
    expect(rows.map(({ text }) => text).join()).not.toContain('kte_');
  });

  it('enrols with the token of the configuration as often as it likes, where the configuration has it', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => enrol(services.enrolToken)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const other = await startApi(services, { env: { KTRDR_ENROL_TOKEN: '' } });
    const refused = await httpOf(other).send('POST', '/workers/identities', {
      body: { nkey: Nkey.generate('user').publicKey, worker_id: newName() },
      headers: { authorization: `Bearer ${services.enrolToken}` },
    });
    expect([refused.status, refused.body['reason']]).toEqual([401, 'it is not known']);
    await other.stop();
  });

  it('is refused from its revocation on, by every replica, and its name is free', async () => {
    const workers = new WorkersOnNats(services, api);
    const name = newName();
    const { key, rpc } = await workers.of(name);
    const { publicKey } = key;
    const other = await startApi(services, { token: api.token });
    const beat = () => rpc.call('heartbeat', { worker_id: name, free_slots: 1, leases: [] }, ASK);
    for (let n = 0; n < 8; n += 1) expect(await beat()).toMatchObject({ registered: false });
    const revoked = await http().send('DELETE', `/workers/identities/${publicKey}`);
    expect(revoked.status).toBe(204);
    const refusals = async (): Promise<unknown[]> =>
      Promise.all(Array.from({ length: 16 }, () => beat().catch((error: unknown) => (error as RpcError).code)));
    await eventually(async () => (await refusals()).every((code) => code === 'worker-revoked'), {
      what: 'both replicas refuse it',
    });
    await other.stop();
    expect(await refusals()).toEqual(Array.from({ length: 16 }, () => 'worker-revoked'));
    const renewed = await renew(key);
    expect([renewed.status, renewed.body['code']]).toEqual([401, 'worker-revoked']);
    expect(renewed.body['detail']).toContain('identity.nk');
    const again = await enrol(services.enrolToken, publicKey, name);
    expect([again.status, again.body['code']]).toEqual([401, 'worker-revoked']);
    expect((await enrol(services.enrolToken, Nkey.generate('user').publicKey, name)).status).toBe(200);
    expect((await http().send('DELETE', `/workers/identities/${publicKey}`)).status).toBe(204);
    const unknown = Nkey.generate('user').publicKey;
    expect(isPublicNkey('user', unknown)).toBe(true);
    expect((await http().send('DELETE', `/workers/identities/${unknown}`)).status).toBe(404);
  });

  it('is forgotten a month after its revocation, with its enrolment; keys that count and their enrolments stay', async () => {
    const database = await services.database();
    const [gone, kept] = [Nkey.generate('user').publicKey, Nkey.generate('user').publicKey];
    const tokens = [await enrolment(), await enrolment(), await enrolment()];
    const [ofGone, ofKept, unused] = tokens.map((each) => each['enrolment_id'] as string);
    await enrol(tokens[0]!['token'] as string, gone);
    await enrol(tokens[1]!['token'] as string, kept);
    expect((await http().send('DELETE', `/workers/identities/${gone}`)).status).toBe(204);
    const ages = [
      `UPDATE worker_identities SET revoked_at = revoked_at - interval '31 days' WHERE nkey = $1`,
      `UPDATE worker_enrolments SET expires_at = expires_at - interval '31 days' WHERE id = ANY($1)`,
    ];
    await database.query(ages[0]!, [gone]);
    await database.query(ages[1]!, [[ofGone, ofKept]]);
    const other = await startApi(services, { token: api.token });
    const left = async () => {
      const keys = await database.query('SELECT nkey FROM worker_identities WHERE nkey = ANY($1)', [[gone, kept]]);
      const ids = [ofGone, ofKept, unused];
      const enrolments = await database.query('SELECT id FROM worker_enrolments WHERE id = ANY($1)', [ids]);
      return [keys.rows.map(({ nkey }) => nkey), enrolments.rows.map(({ id }) => id).toSorted()];
    };
    await eventually(async () => (await left())[1]?.length === 2, {
      what: 'a replica that starts forgets the old ones',
    });
    expect(await left()).toEqual([[kept], [ofKept, unused].toSorted()]);
    await other.stop();
  });

  it('is believed for what its key is, and not for what it says', async () => {
    const workers = new WorkersOnNats(services, api);
    const [honest, rogue] = [newName(), newName()];
    const { rpc } = await workers.of(rogue);
    const details = { version: '0', host: 'h', pid: 1, slots: 1, capabilities: [], leases: [] };
    await (await workers.of(honest)).rpc.call('register', { worker_id: honest, pool: 'default', ...details }, ASK);
    for (const said of [
      { worker_id: honest, pool: 'default' },
      { worker_id: rogue, pool: 'gpu' },
    ])
      await expect(rpc.call('register', { ...said, ...details, host: 'evil' }, ASK)).rejects.toMatchObject({
        code: 'forbidden',
      });
    const { body } = await http().get('/workers');
    expect(body['items']).toMatchObject([{ worker_id: honest, host: 'h' }]);
    await eventually(async () => (await api.logs()).includes('forged worker rpc refused'), {
      what: 'the log, which is written beside the answers, names the forgery',
    });
  });
});
