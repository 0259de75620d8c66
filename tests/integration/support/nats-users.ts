import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  apiUser,
  NatsSession,
  type NatsUser,
  Nkey,
  readCreds,
  type ServerSeeds,
  serverSetup,
  signNatsJwt,
  WorkerCredentials,
  workerUser,
} from '@ktrdr/messaging-nats';

export interface NatsPlace {
  readonly url: string;
  readonly prefix: string;
}

/** The folder of the keys that all servers of the tests are configured with. */
export function keysFolder(): string {
  const folder = process.env['KTRDR_TEST_NATS_KEYS'];
  if (!folder) throw new Error('KTRDR_TEST_NATS_KEYS is not set: run this file as an integration test (npm test).');
  return folder;
}

export function seeds(): ServerSeeds {
  return JSON.parse(readFileSync(join(keysFolder(), 'nats-seeds.json'), 'utf8')) as ServerSeeds;
}

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** What a server of a test's own is configured with, so that whoever the shared one lets in is let in there too. */
export function configFor(port: number, prefix = '*'): string {
  return serverSetup(seeds(), { listen: `127.0.0.1:${port}`, prefix, issuedAt: nowSeconds() }).config;
}

/** The same on a server that stores streams, in an account that may have them. */
export function configWithJetStream(port: number, prefix: string, folder: string): string {
  const operator = Nkey.fromSeed('operator', seeds().operator);
  const config = configFor(port, prefix).replace(new RegExp(`(?<=  ${account()}: )(\\S+)`), (jwt) => {
    const claims = JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as {
      readonly nats: { readonly limits: object };
    };
    const unlimited = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const nats = { ...claims.nats, limits: { ...claims.nats.limits, ...unlimited } };
    return signNatsJwt({ subject: account(), name: 'KTRDR', issuedAt: nowSeconds(), expiresAt: null, nats }, operator);
  });
  return `${config}jetstream: { store_dir: ${JSON.stringify(folder)} }\n`;
}

export function account(): string {
  return Nkey.fromSeed('account', seeds().account).publicKey;
}

export function signingSeed(): string {
  return seeds().workerSigning;
}

/** Issues what workers are let in with, as the API does. */
function workerCredentials(): WorkerCredentials {
  return new WorkerCredentials(Nkey.fromSeed('account', signingSeed()), account());
}

/** What the API is on NATS. */
export function testApiUser(): NatsUser {
  return apiUser(readCreds(readFileSync(join(keysFolder(), 'api.creds'), 'utf8')));
}

/** A worker with credentials that the API has nothing to do with. */
export function testWorkerUser({ pool = 'default', name = 'w1', key = Nkey.generate('user') } = {}): NatsUser {
  const { jwt } = workerCredentials().issue({ nkey: key.publicKey, pool, name, issuedAt: nowSeconds() });
  return workerUser(key, () => jwt);
}

/** Who may say and hear everything: only a test is that. */
export function witnessUser(): NatsUser {
  const key = Nkey.generate('user');
  const nats = { type: 'user', subs: -1, data: -1, payload: -1, pub: {}, sub: {} };
  const claims = { subject: key.publicKey, name: 'witness', issuedAt: nowSeconds(), expiresAt: null, nats };
  const jwt = signNatsJwt(claims, Nkey.fromSeed('account', seeds().account));
  return workerUser(key, () => jwt);
}

export function openSession({ url, prefix }: NatsPlace, user: NatsUser, name = 'test'): Promise<NatsSession> {
  return NatsSession.connect({ servers: url, prefix, name, user });
}
