import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { inRepository } from '../repository.js';
import { TARGETS } from './images.js';

const run = promisify(execFile);
const read = (name: string): string => readFileSync(inRepository('docker', name), 'utf8');

const SECRETS = [
  'KTRDR_API_TOKEN',
  'KTRDR_ENROL_TOKEN',
  'KTRDR_DATABASE_PASSWORD',
  'KTRDR_S3_ACCESS_KEY_ID',
  'KTRDR_S3_SECRET_ACCESS_KEY',
];

interface Service {
  readonly image: string;
  readonly build?: { readonly target: string };
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly stop_grace_period?: string;
}

const composeFile = (name: string) =>
  parse(read(name), { merge: true }) as {
    readonly name?: string;
    readonly services: Readonly<Record<string, Service>>;
  };

describe('the Dockerfile', () => {
  const lines = read('Dockerfile').split('\n');
  const stages = lines.flatMap((line) => /^FROM (?:--platform=\S+ )?(\S+) AS (\S+)$/.exec(line)?.slice(1) ?? []);

  it('needs no frontend from a registry, and one base image, which an argument names', () => {
    expect(lines[0]).not.toMatch(/syntax/);
    const bases = stages.filter((_, index) => index % 2 === 0);
    const names = stages.filter((_, index) => index % 2 === 1);
    expect(bases.filter((base) => !names.includes(base))).toEqual(bases.filter((base) => base === '${NODE_IMAGE}'));
    expect(names).toEqual(expect.arrayContaining([...TARGETS]));
  });

  it('ends each image as user 1000, under an init that reaps', () => {
    const users = lines.filter((line) => line.startsWith('USER '));
    expect(users.at(-1)).toBe('USER 1000:1000');
    for (const line of lines.filter((each) => each.startsWith('ENTRYPOINT '))) expect(line).toContain('/usr/bin/tini');
  });

  it('names no registry, mirror or proxy', () => {
    expect(read('Dockerfile')).not.toMatch(/https?:|proxy|registry=|npmrc=/i);
  });
});

describe('the compose files', () => {
  const { name, services } = composeFile('compose.yaml');
  const ours = Object.entries(services).filter(([, { image }]) => image.startsWith('ktrdr-'));

  it('have no name of their own, which compose 1.29 would refuse', () => {
    expect([name, composeFile('compose.s3.yaml').name]).toEqual([undefined, undefined]);
  });

  it('take every right from what is ours', () => {
    expect(ours.map(([service]) => service).toSorted()).toEqual(['api', 'cli', 'migrate', 'nats-keys', 'worker']);
    for (const [, service] of ours) {
      expect(service).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
  });

  it('give a worker more time to stop than it takes to save and hand back', () => {
    expect(parseInt(services['worker']?.stop_grace_period ?? '', 10)).toBeGreaterThan(30);
  });

  it.each(['compose.yaml', 'compose.s3.yaml'])('have no default for a secret: %s', (file) => {
    const uses = [...read(file).matchAll(/\$\{(\w+)([^}]*)\}/g)].filter(([, variable]) =>
      SECRETS.includes(variable ?? ''),
    );
    expect(uses.length).toBeGreaterThan(0);
    for (const [, , rest] of uses) expect(rest).toBe(':?docker/make-secrets.sh writes it');
  });

  it('take all their settings from what .env.example names', () => {
    const used = ['compose.yaml', 'compose.s3.yaml'].flatMap((file) =>
      [...read(file).matchAll(/\$\{(KTRDR_\w+)/g)].map(([, variable]) => variable),
    );
    for (const variable of new Set(used)) expect(read('.env.example')).toContain(`${variable}=`);
    for (const secret of SECRETS) expect(read('.env.example')).toMatch(new RegExp(`^${secret}=$`, 'm'));
  });

  const hasCompose = spawnSync('docker-compose', ['--version']).status === 0;
  (hasCompose ? it : it.skip)('are read by docker-compose', async () => {
    const env = { ...process.env, ...Object.fromEntries(SECRETS.map((secret) => [secret, 'x'])) };
    const files = ['compose.yaml', 'compose.s3.yaml'].flatMap((file) => ['-f', inRepository('docker', file)]);
    const { stdout } = await run('docker-compose', [...files, 'config', '--services'], { env });
    expect(stdout.trim().split('\n').toSorted()).toEqual([
      'api',
      'cli',
      'migrate',
      'nats',
      'nats-keys',
      'postgres',
      's3',
      'worker',
    ]);
  });
});

describe('make-secrets.sh', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ktrdr-secrets-'));
    copyFileSync(inRepository('docker', 'make-secrets.sh'), join(folder, 'make-secrets.sh'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const make = () => spawnSync('sh', [join(folder, 'make-secrets.sh')], { encoding: 'utf8' });
  const written = () => readFileSync(join(folder, '.env'), 'utf8');

  it('writes every secret, each its own, for the owner alone to read', () => {
    expect(make().status).toBe(0);
    const values = SECRETS.map((secret) => new RegExp(`^${secret}=([a-z0-9_]{16,})$`, 'm').exec(written())?.[1]);
    expect(new Set(values).size).toBe(SECRETS.length);
    expect(values).not.toContain(undefined);
    expect(statSync(join(folder, '.env')).mode & 0o777).toBe(0o600);
  });

  it('overwrites nothing', () => {
    make();
    const before = written();
    expect(make()).toMatchObject({ status: 1, stderr: expect.stringContaining('stays as it is') });
    expect(written()).toBe(before);
  });
});
