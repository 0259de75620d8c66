import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generateSeeds,
  Nkey,
  readCreds,
  type ServerSeeds,
  type ServerSetup,
  serverSetup,
  signNatsJwt,
  userAuthenticator,
  WORKER_TOKEN_SECONDS,
  WorkerCredentials,
} from '@ktrdr/messaging-nats';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from '../../../tools/stack/free-port.js';
import { findNatsServer } from '../../../tools/stack/nats-server.js';
import { eventually } from '../support/eventually.js';

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

describe('the credentials of a worker', () => {
  let folder: string;
  let port: number;
  let server: ChildProcess;
  let seeds: ServerSeeds;
  let setup: ServerSetup;
  let credentials: WorkerCredentials;
  const open: NatsConnection[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ktrdr-nats-'));
    port = await freePort();
    seeds = generateSeeds();
    setup = serverSetup(seeds, { listen: `127.0.0.1:${port}`, prefix: 'ktrdr', issuedAt: nowSeconds() });
    credentials = new WorkerCredentials(Nkey.fromSeed('account', seeds.workerSigning), setup.account);
    await writeFile(join(folder, 'nats.conf'), setup.config);
    server = spawn(await findNatsServer(), ['-c', join(folder, 'nats.conf')], { stdio: 'ignore' });
    const { jwt, key } = readCreds(setup.apiCreds);
    await eventually(async () => (await dial(jwt, key)) !== undefined, { what: 'the API is let in' });
  });
  afterAll(async () => {
    await Promise.all(open.map((connection) => connection.close()));
    server.kill('SIGKILL');
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  });

  async function dial(jwt: string, key: Nkey): Promise<NatsConnection> {
    const connection = await connect({
      servers: `127.0.0.1:${port}`,
      authenticator: userAuthenticator({ jwt: () => jwt, key }),
      inboxPrefix: `_INBOX.${key.publicKey}`,
      reconnect: false,
      timeout: 5_000,
    });
    open.push(connection);
    return connection;
  }

  async function givenWorker({ pool = 'default', issuedAt = nowSeconds() } = {}) {
    const key = Nkey.generate('user');
    const { jwt, expiresAt } = credentials.issue({ nkey: key.publicKey, pool, name: 'w1', issuedAt });
    return { key, jwt, expiresAt, connection: await dial(jwt, key) };
  }

  async function givenApi(): Promise<NatsConnection> {
    const { jwt, key } = readCreds(setup.apiCreds);
    return dial(jwt, key);
  }

  /** Whether a message on this subject, sent by `from`, is heard by `to`. */
  async function isHeard(from: NatsConnection, to: NatsConnection, subject: string, queue?: string): Promise<boolean> {
    let heard = false;
    const subscription = to.subscribe(subject, {
      ...(queue ? { queue } : {}),
      callback: (error) => void (heard ||= !error),
    });
    await to.flush();
    from.publish(subject, 'x');
    await from.flush();
    await to.flush();
    subscription.unsubscribe();
    return heard;
  }

  it('let it ask the API, and hear answers, control and the hints of its pool', async () => {
    const api = await givenApi();
    const { key, connection } = await givenWorker();
    api.subscribe(`ktrdr.rpc.*.claim`, { queue: 'api', callback: (_error, message) => void message.respond('yes') });
    await api.flush();
    expect((await connection.request(`ktrdr.rpc.${key.publicKey}.claim`, '', { timeout: 5_000 })).string()).toBe('yes');
    expect(await isHeard(api, connection, `ktrdr.control.${key.publicKey}`)).toBe(true);
    expect(await isHeard(api, connection, 'ktrdr.work.default', 'idle')).toBe(true);
  });

  it('let it neither speak nor listen for another, nor for another pool', async () => {
    const api = await givenApi();
    const { connection: victim, key } = await givenWorker();
    const { connection: rogue } = await givenWorker({ pool: 'other' });
    const all = [
      `ktrdr.rpc.${key.publicKey}.claim`,
      `ktrdr.control.${key.publicKey}`,
      `_INBOX.${key.publicKey}.1`,
      'ktrdr.work.default',
      'ktrdr.recorded',
      '>',
      '$SYS.>',
      '_API.>',
    ];
    for (const subject of all.filter((each) => !each.includes('>'))) {
      expect([subject, await isHeard(rogue, api, subject, subject.includes('.rpc.') ? 'api' : undefined)]).toEqual([
        subject,
        false,
      ]);
      expect([subject, await isHeard(rogue, victim, subject)]).toEqual([subject, false]);
    }
    for (const subject of all) {
      const refused = new Promise<boolean>((resolve) => {
        rogue.subscribe(subject, { callback: (error) => resolve(error !== null) });
      });
      expect([subject, await refused]).toEqual([subject, true]);
    }
  });

  it('are refused when another key issued them, when they have run out, and when another key holds them', async () => {
    const key = Nkey.generate('user');
    const other = new WorkerCredentials(Nkey.generate('account'), setup.account);
    const foreign = other.issue({ nkey: key.publicKey, pool: 'default', name: 'w1', issuedAt: nowSeconds() });
    await expect(dial(foreign.jwt, key)).rejects.toThrow(/authorization/i);
    const issuedAt = nowSeconds() - WORKER_TOKEN_SECONDS - 1;
    const past = credentials.issue({ nkey: key.publicKey, pool: 'default', name: 'w1', issuedAt });
    await expect(dial(past.jwt, key)).rejects.toThrow(/expired|authorization/i);
    const sound = credentials.issue({ nkey: key.publicKey, pool: 'default', name: 'w1', issuedAt: nowSeconds() });
    await expect(dial(sound.jwt, Nkey.generate('user'))).rejects.toThrow(/authorization/i);
  });

  it('cannot be widened by whoever signs with the scoped key', async () => {
    const key = Nkey.generate('user');
    const signing = Nkey.fromSeed('account', seeds.workerSigning);
    const nats = { type: 'user', issuer_account: setup.account, pub: { allow: ['>'] }, sub: { allow: ['>'] } };
    const jwt = signNatsJwt(
      { subject: key.publicKey, name: 'w1', issuedAt: nowSeconds(), expiresAt: null, nats },
      signing,
    );
    await expect(dial(jwt, key)).rejects.toThrow(/authorization/i);
  });
});
