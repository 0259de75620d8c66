import { ConfigurationError, readConfig } from './config.js';

const LEAST = {
  KTRDR_DATABASE_URL: 'postgresql://localhost/ktrdr',
  KTRDR_NATS_URL: 'nats://localhost:4222',
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
  it('needs four variables and has a default for everything else', () => {
    expect(readConfig(LEAST)).toMatchObject({ leaseMs: 6_000, heartbeatMs: 2_000, http: { port: 8080 } });
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
      'KTRDR_NATS_URL: is not set',
      'KTRDR_OBJECT_STORE_URL: credentials do not belong into the URL',
      'KTRDR_S3_ACCESS_KEY_ID, KTRDR_S3_SECRET_ACCESS_KEY: set both or neither',
      'LOG_LEVEL: must be one of trace, debug, info, warn, error, fatal, silent',
    ]);
    expect(problems.join()).not.toMatch(/secret\d/);
  });
});
