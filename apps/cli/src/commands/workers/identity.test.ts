import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPublicNkey, Nkey, readCreds } from '@ktrdr/messaging-nats';
import { ContractApi } from '../../testing/contract-api.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

let api: ContractApi;
let folder: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-nats-config-'));
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

describe('workers enrol', () => {
  const enrolment = {
    enrolment_id: 'we_1',
    token: `kte_${'x'.repeat(43)}`,
    pool: 'gpu',
    worker_id: null,
    uses: 8,
    expires_at: '2026-12-02T10:00:00.000Z',
  };

  it('shows the token, until when it counts and what a worker is told', async () => {
    api.answer('POST /workers/enrolments', enrolment, 201);
    const { code, stdout } = await run('workers', 'enrol', '--pool', 'gpu', '--uses', '8', '--expires-in', '2d');
    expect(code).toBe(0);
    expect(api.requests[0]?.body).toEqual({ pool: 'gpu', uses: 8, expires_in: 172_800 });
    for (const part of [enrolment.token, enrolment.expires_at, api.url, 'KTRDR_ENROL_TOKEN_FILE', 'shown only once'])
      expect(stdout).toContain(part);
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    const json = await run('workers', 'enrol', '--worker-id', 'w1', '--json');
    expect(JSON.parse(json.stdout)).toEqual(enrolment);
    expect(api.requests[1]?.body).toEqual({ pool: 'default', uses: 1, expires_in: 3_600, worker_id: 'w1' });
  });
});

describe('workers revoke', () => {
  const identity = {
    nkey: Nkey.generate('user').publicKey,
    worker_id: 'w1',
    pool: 'default',
    created_at: '2026-11-30T10:00:00.000Z',
  };

  it('revokes the key that is this worker', async () => {
    api.answer('GET /workers/identities', { items: [identity] });
    api.answer(`DELETE /workers/identities/${identity.nkey}`, undefined, 204);
    const { code, stdout } = await run('workers', 'revoke', 'w1');
    expect([code, api.requests.length]).toEqual([0, 2]);
    expect(api.requests[0]?.query.get('worker_id')).toBe('w1');
    expect(stdout).toContain('Revoked w1');
    expect(widest(stdout)).toBeLessThanOrEqual(80);
    expect(JSON.parse((await run('workers', 'revoke', 'w1', '--json')).stdout)).toEqual(identity);
  });

  it('says so when no key is this worker', async () => {
    api.answer('GET /workers/identities', { items: [] });
    const { code, stderr } = await run('workers', 'revoke', 'w9');
    expect(code).toBe(3);
    expect(stderr).toContain('No key is the worker w9');
  });
});

describe('nats-config', () => {
  const files = ['api.creds', 'nats-seeds.json', 'nats.conf', 'worker-signing.nk'];

  it('writes the configuration of the server and the keys, for their owner only, and says what goes where', async () => {
    const place = join(folder, 'new', 'nats');
    const { code, stdout } = await run('nats-config', place, '--listen', '127.0.0.1:4333', '--prefix', 'lab');
    expect(code).toBe(0);
    expect((await readdir(place)).toSorted()).toEqual(files);
    for (const name of files) {
      expect(stdout).toContain(name);
      expect((await stat(join(place, name))).mode & 0o777).toBe(0o600);
    }
    const text = (name: string) => readFile(join(place, name), 'utf8');
    expect(await text('nats.conf')).toMatch(/^listen: "127.0.0.1:4333"\noperator: /);
    expect(isPublicNkey('user', readCreds(await text('api.creds')).key.publicKey)).toBe(true);
    expect(Nkey.fromSeed('account', await text('worker-signing.nk')).kind).toBe('account');
    expect(await text('nats.conf')).not.toMatch(/\bS[AOU][A-Z2-7]{50,}/);
    expect(stdout).not.toMatch(/\bS[AOU][A-Z2-7]{50,}/);
    expect(api.requests).toEqual([]);
  });

  it('rotates the key of the workers: all else stays, and tokens of the former one count on', async () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    await run('nats-config', first);
    expect((await run('nats-config', second, '--rotate', first)).code).toBe(0);
    const seeds = async (place: string) =>
      JSON.parse(await readFile(join(place, 'nats-seeds.json'), 'utf8')) as Record<string, string>;
    const [before, after] = [await seeds(first), await seeds(second)];
    expect(after).toEqual({
      ...before,
      workerSigning: expect.not.stringMatching(before['workerSigning'] ?? '') as string,
      formerWorkerSigning: before['workerSigning'],
    });
    const damaged = join(folder, 'damaged');
    await mkdir(damaged);
    await writeFile(join(damaged, 'nats-seeds.json'), '{"operator": "SECRET"}');
    for (const place of [damaged, join(folder, 'nowhere')]) {
      const { code, stderr } = await run('nats-config', join(folder, 'third'), '--rotate', place);
      expect([code, stderr.includes('nats-seeds.json cannot be used'), stderr.includes('SECRET')]).toEqual([
        2,
        true,
        false,
      ]);
    }
  });

  it.each(files)('writes nothing where %s exists already', async (name) => {
    await writeFile(join(folder, name), 'mine');
    const { code, stderr } = await run('nats-config', folder);
    expect(code).toBe(2);
    expect(stderr).toContain(`${name} exists already`);
    expect(await readdir(folder)).toEqual([name]);
    expect(await readFile(join(folder, name), 'utf8')).toBe('mine');
  });

  it.each([
    ['--listen', 'nowhere'],
    ['--prefix', 'A.b'],
  ])('refuses %s %s', async (flag, value) => {
    const { code, stderr } = await run('nats-config', join(folder, 'x'), flag, value);
    expect(code).toBe(2);
    expect(stderr).toContain(`${flag} ${value}`);
    expect(await readdir(folder)).toEqual([]);
  });
});
