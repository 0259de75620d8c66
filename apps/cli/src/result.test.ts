import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from './testing/contract-api.js';
import { checkpointSummary, ID } from './testing/fixtures.js';
import { ktrdr } from './testing/ktrdr-process.js';

const MODEL = '{"layers":[]}';
const WEIGHTS = 'weights, as bytes';

let api: ContractApi;
let folder: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-result-'));
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) =>
  ktrdr(['operations', 'result', ID, ...args], { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

function fileEntry(name: string, content: string) {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name, bytes: content.length, sha256, blob: `blobs/sha256/${sha256.slice(0, 2)}/${sha256}` };
}

const RESULT = {
  operation_id: ID,
  result: { weights_sha256: 'f00d' },
  checkpoint: checkpointSummary({ checkpoint_type: 'final' }),
  files: [fileEntry('model.json', MODEL), fileEntry('weights.safetensors', WEIGHTS)],
};

function givenResult({ weights = WEIGHTS, files = RESULT.files } = {}) {
  const route = `GET /operations/${ID}/result`;
  api
    .answer(route, { ...RESULT, files })
    .on(`${route}/files/model.json`, (_request, response) => response.end(MODEL))
    .on(`${route}/files/weights.safetensors`, (_request, response) => response.end(weights));
}

describe('result', () => {
  it('is shown with its files and their hashes', async () => {
    givenResult();
    const { code, stdout } = await run();
    expect(code).toBe(0);
    expect(stdout).toContain('result       weights_sha256  f00d\n');
    expect(stdout).toContain(RESULT.files[1]?.sha256);
    expect(stdout).toContain(`download     ktrdr operations result ${ID} --output DIR`);
  });

  it('is downloaded, every file with the hash that the result names', async () => {
    givenResult();
    const target = join(folder, 'new', 'model');
    const { code, stdout } = await run('--output', target);
    expect(code).toBe(0);
    expect(stdout).toContain(`${join(target, 'weights.safetensors')}  (17 B, SHA-256 checked)`);
    expect((await readdir(target)).toSorted()).toEqual(['model.json', 'weights.safetensors']);
    expect(await readFile(join(target, 'weights.safetensors'), 'utf8')).toBe(WEIGHTS);
  });

  it('leaves nothing behind when a file has another hash', async () => {
    givenResult({ weights: 'WEIGHTS, as bytes' });
    const { code, stderr } = await run('--output', join(folder, 'new', 'model'));
    expect(code).toBe(6);
    expect(stderr).toContain('weights.safetensors  wrong-hash');
    expect(stderr).toContain(`ktrdr checkpoints verify --operation ${ID}`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused where no folder can be made', async () => {
    givenResult();
    const { code, stderr } = await run('--output', '/proc/ktrdr/x');
    expect(code).toBe(2);
    expect(stderr).toContain('Cannot make the folder /proc/ktrdr/x');
  });

  it('keeps a folder that was there, as it was, when a file is too short', async () => {
    givenResult({ weights: 'short' });
    await writeFile(join(folder, 'mine.txt'), 'mine');
    const { code, stderr } = await run('--output', folder);
    expect(code).toBe(6);
    expect(stderr).toContain('wrong-size');
    expect(await readdir(folder)).toEqual(['mine.txt']);
  });

  it('overwrites only with --force', async () => {
    givenResult();
    await writeFile(join(folder, 'model.json'), 'mine');
    const refused = await run('--output', folder);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('--force');
    expect(await readFile(join(folder, 'model.json'), 'utf8')).toBe('mine');
    expect(api.requests).toHaveLength(1);
    expect((await run('--output', folder, '--force')).code).toBe(0);
    expect(await readFile(join(folder, 'model.json'), 'utf8')).toBe(MODEL);
  });

  it.each(['../escape.json', '/etc/escape', '.ssh', '..', 'a\\b'])(
    'does not write to a file named %s',
    async (name) => {
      givenResult({ files: [{ ...fileEntry('x', MODEL), name }] });
      const { code, stderr } = await run('--output', join(folder, 'inner'));
      expect(code).toBe(2);
      expect(stderr).toContain('no plain file name');
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('says where the files are with --json', async () => {
    givenResult();
    const { stdout, stderr } = await run('--output', folder, '--json');
    const saved = RESULT.files.map(({ name, bytes, sha256 }) => ({ name, path: join(folder, name), bytes, sha256 }));
    expect(JSON.parse(stdout)).toEqual({ ...RESULT, saved });
    expect(stderr).toBe('');
  });

  it('is refused while there is none', async () => {
    api.refuse(`GET /operations/${ID}/result`, 409, 'illegal-transition', { operation_id: ID });
    expect((await run('--output', folder)).code).toBe(4);
  });
});
