import { generateSeeds, serverSetup } from '@ktrdr/messaging-nats';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError, readConfig } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'ktrdr-config-'));
const seeds = generateSeeds();
const setup = serverSetup(seeds, { listen: '127.0.0.1:4222', prefix: 'ktrdr', issuedAt: 0 });

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
afterAll(() => rmSync(folder, { recursive: true }));

const LEAST = {
  KTRDR_DATABASE_URL: 'postgresql://localhost/ktrdr',
  KTRDR_NATS_URL: 'nats://localhost:4222',
  KTRDR_NATS_CREDS_FILE: file('api.creds', setup.apiCreds),
  KTRDR_NATS_SIGNING_KEY_FILE: file('worker-signing.nk', seeds.workerSigning),
  KTRDR_OBJECT_STORE_URL: 'file:///objects',
  KTRDR_API_TOKEN: 'a-token-of-some-length',
};

function problemsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.details['problems'] as readonly string[];
  }
}

describe('the configuration', () => {
  it('needs six variables and has a default for everything else', () => {
    expect(readConfig(LEAST)).toMatchObject({
      enrolment: null,
      leaseMs: 6_000,
      heartbeatMs: 2_000,
      http: { port: 8080 },
    });
  });

  it('names everything that is wrong at once, what is wrong only together included, and never a value', () => {
    const problems = problemsOf({
      KTRDR_DATABASE_URL: 'mysql://secret1',
      KTRDR_OBJECT_STORE_URL: 's3://me:secret2@bucket',
      KTRDR_S3_ACCESS_KEY_ID: 'secret3',
      KTRDR_HTTP_PORT: '99999',
      KTRDR_DATABASE_CONNECTIONS: 'many',
      KTRDR_LEASE_SECONDS: '3',
      KTRDR_API_TOKEN: 'secret4',
      LOG_LEVEL: 'loud',
    });
    expect(problems.toSorted()).toEqual([
      'KTRDR_API_TOKEN: at least 16 characters',
      'KTRDR_DATABASE_CONNECTIONS: must be a number',
      'KTRDR_DATABASE_URL: must begin with postgresql://',
      'KTRDR_HEARTBEAT_SECONDS: must be at most half of KTRDR_LEASE_SECONDS',
      'KTRDR_HTTP_PORT: must be at most 65535',
      'KTRDR_NATS_CREDS_FILE: is not set',
      'KTRDR_NATS_SIGNING_KEY_FILE: is not set',
      'KTRDR_NATS_URL: is not set',
      'KTRDR_OBJECT_STORE_URL: credentials do not belong into the URL',
      'KTRDR_S3_ACCESS_KEY_ID, KTRDR_S3_SECRET_ACCESS_KEY: set both or neither',
      'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
    ]);
    expect(problems.join()).not.toMatch(/secret\d/);
  });

  it('takes who it is on NATS, and what it makes workers with, from files', () => {
    const { nats } = readConfig(LEAST);
    expect(nats.account).toBe(setup.account);
    expect([nats.user.key.seed, nats.workerSigning.seed]).toEqual([seeds.api, seeds.workerSigning]);
  });

  it('enrols workers of a pool without limit where it is given a token for that', () => {
    const config = readConfig({ ...LEAST, KTRDR_ENROL_TOKEN: 'a-token-to-enrol-with' });
    expect(config.enrolment).toEqual({ token: 'a-token-to-enrol-with', pool: 'default' });
    expect(problemsOf({ ...LEAST, KTRDR_ENROL_TOKEN: 'short' })).toEqual([
      'KTRDR_ENROL_TOKEN: 16 to 200 characters without spaces',
    ]);
  });

  it('names the file that holds no keys, with what writes one, and shows nothing of it', () => {
    const env = {
      ...LEAST,
      KTRDR_NATS_CREDS_FILE: join(folder, 'nowhere'),
      KTRDR_NATS_SIGNING_KEY_FILE: file('other.nk', seeds.api),
    };
    const advice = 'ktrdr nats-config DIR writes it, beside the configuration of the server';
    expect(problemsOf(env)).toEqual([
      `KTRDR_NATS_CREDS_FILE: there is no such file; ${advice}`,
      `KTRDR_NATS_SIGNING_KEY_FILE: This is not the seed of a NATS account key; ${advice}`,
    ]);
    expect(problemsOf({ ...LEAST, KTRDR_NATS_CREDS_FILE: folder })).toEqual([
      `KTRDR_NATS_CREDS_FILE: the file cannot be read (EISDIR); ${advice}`,
    ]);
    const cut = problemsOf({ ...LEAST, KTRDR_NATS_CREDS_FILE: file('cut.creds', setup.apiCreds.slice(0, 300)) });
    expect(cut).toHaveLength(1);
    expect(cut.join()).not.toContain(setup.apiCreds.slice(100, 140));
  });
});
