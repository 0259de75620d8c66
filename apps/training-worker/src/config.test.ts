import { loadConfig, WorkerConfigurationError } from './config.js';

const LEAST = { KTRDR_API_URL: 'http://localhost:8080', KTRDR_OBJECT_STORE_URL: 'file:///objects' };

it('needs two addresses and has a default for everything else', () => {
  const config = loadConfig(LEAST);
  expect(config).toMatchObject({
    enrolToken: null,
    nats: { url: null, prefix: 'ktrdr' },
    slots: 1,
    shutdownGraceMs: 30_000,
    trainerCommand: null,
  });
  expect(config.workerId).toMatch(/-\d+-[0-9a-f]{6}$/);
});

it('names everything that is wrong, and never a value', () => {
  const env = {
    KTRDR_WORKER_SLOTS: 'secret1',
    KTRDR_S3_SECRET_ACCESS_KEY: 'secret2',
    KTRDR_WORKER_POOL: 'secret6',
    KTRDR_ENROL_TOKEN: 'secret3',
    KTRDR_ENROL_TOKEN_FILE: 'secret5',
    LOG_LEVEL: 'x',
    KTRDR_PROCESS_TRAINERS: 'allow',
    KTRDR_OBJECT_STORE_URL: 's3://me:secret4@bucket',
  };
  let problems = '';
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof WorkerConfigurationError) problems = error.message;
  }
  const names = [
    'KTRDR_API_URL is missing',
    'KTRDR_OBJECT_STORE_URL cannot be used',
    'KTRDR_WORKER_SLOTS must be a number',
    'KTRDR_ENROL_TOKEN and KTRDR_ENROL_TOKEN_FILE exclude each other',
    'KTRDR_WORKER_POOL cannot be set: the enrolment decides the pool',
    'LOG_LEVEL',
    'KTRDR_S3_ACCESS_KEY_ID and KTRDR_S3_SECRET_ACCESS_KEY belong together',
    'KTRDR_PROCESS_PROGRAMS is missing',
  ];
  for (const name of names) expect(problems).toContain(name);
  expect(problems).not.toMatch(/secret\d/i);
});

it('says of a number that is out of bounds what its bounds are', () => {
  const load = (env: Readonly<Record<string, string>>) => () => loadConfig({ ...LEAST, ...env });
  expect(load({ KTRDR_WORKER_SLOTS: '100' })).toThrow('KTRDR_WORKER_SLOTS must be at most 64');
  expect(load({ KTRDR_WORKER_SLOTS: '1.5' })).toThrow('KTRDR_WORKER_SLOTS must be a whole number');
  expect(load({ KTRDR_SHUTDOWN_GRACE_SECONDS: '1' })).toThrow('KTRDR_SHUTDOWN_GRACE_SECONDS must be at least 3');
});

it('takes an empty variable for one that is not set', () => {
  expect(loadConfig({ ...LEAST, KTRDR_ENROL_TOKEN: '', LOG_LEVEL: '' }).logLevel).toBe('info');
});

it('gives the trainer no secrets', () => {
  const env = {
    ...LEAST,
    KTRDR_ENROL_TOKEN: 't',
    KTRDR_S3_ACCESS_KEY_ID: 'a',
    KTRDR_S3_SECRET_ACCESS_KEY: 's',
    AWS_PROFILE: 'p',
    PATH: '/bin',
  };
  expect(loadConfig(env).trainerEnv).toEqual({ PATH: '/bin' });
});

describe('programs of operations', () => {
  it('are not allowed by default', () => {
    expect(loadConfig({ ...LEAST, KTRDR_PROCESS_PROGRAMS: 'python3' }).processTrainers).toBeNull();
  });

  it('are those that the operator names', () => {
    const env = { ...LEAST, KTRDR_PROCESS_TRAINERS: 'allow', KTRDR_PROCESS_PROGRAMS: 'python3, /opt/trainers,' };
    expect(loadConfig({ ...env, KTRDR_PROCESS_ENV: 'HF_HOME, WANDB_MODE' }).processTrainers).toMatchObject({
      programs: ['python3', '/opt/trainers'],
      passedVariables: ['HF_HOME', 'WANDB_MODE'],
    });
  });

  it.each([{}, { KTRDR_PROCESS_PROGRAMS: ' , ' }])('must be named when they are allowed: %j', (env) => {
    expect(() => loadConfig({ ...LEAST, KTRDR_PROCESS_TRAINERS: 'allow', ...env })).toThrow(
      /KTRDR_PROCESS_PROGRAMS is missing/,
    );
  });

  it.each([{ KTRDR_PROCESS_TRAINERS: 'yes' }, { KTRDR_PROCESS_ENV: 'A=1' }])('cannot be allowed by %j', (env) => {
    expect(() => loadConfig({ ...LEAST, ...env })).toThrow(new RegExp(Object.keys(env)[0] ?? ''));
  });
});

it('answers probes only where a port is given, and on loopback unless told otherwise', () => {
  expect(loadConfig(LEAST).probe).toBeNull();
  expect(loadConfig({ ...LEAST, KTRDR_WORKER_HTTP_PORT: '9090' }).probe).toEqual({ host: '127.0.0.1', port: 9090 });
  expect(() => loadConfig({ ...LEAST, KTRDR_WORKER_HTTP_PORT: '70000' })).toThrow('must be a port, 1 to 65535');
});
