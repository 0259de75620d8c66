import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from '../../testing/contract-api.js';
import { checkpointSummary, checkpointView, ID } from '../../testing/fixtures.js';
import { ktrdr, startKtrdr } from '../../testing/ktrdr-process.js';

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

const env = () => ({ KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' });
const run = (...args: string[]) => ktrdr(['operations', 'result', ID, ...args], { env: env() });

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

  it('tells that its checkpoint is known to be damaged', async () => {
    const corrupted_at = new Date().toISOString();
    const checkpoint = checkpointSummary({ checkpoint_type: 'final', corrupted_at });
    api.answer(`GET /operations/${ID}/result`, { ...RESULT, checkpoint });
    expect((await run()).stdout).toMatch(/^ +checkpoint .*\), found corrupted /m);
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

describe('a download of a result that breaks off', () => {
  const { checkpoint_id: checkpoint } = RESULT.checkpoint;
  const FILE = `GET /operations/${ID}/result/files/weights.safetensors`;
  const VERIFY = `POST /checkpoints/${checkpoint}/verify`;
  const SOUND = { checkpoint_id: checkpoint, valid: true, files_checked: 2, bytes_hashed: 30, bad_files: [] };

  const begin = (response: ServerResponse, then?: () => void) => {
    response.writeHead(200, { 'content-length': WEIGHTS.length });
    response.write('weights, ', then);
  };
  const download = () => run('--output', join(folder, 'new', 'model'));

  beforeEach(() => {
    givenResult();
    api
      .answer(`GET /checkpoints/${checkpoint}`, checkpointView({ checkpoint_id: checkpoint }))
      .on(FILE, (_request, response) => begin(response, () => response.destroy()));
  });
  afterEach(async () => expect(await readdir(folder)).toEqual([]));

  it('is a damaged checkpoint where the API finds one, and names the file and what can be done', async () => {
    const bad = { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'part 2 of 2' };
    api.answer(VERIFY, { ...SOUND, valid: false, bad_files: [bad] });
    const { code, stderr } = await download();
    expect(code).toBe(6);
    expect(stderr).toContain('weights.safetensors  wrong-hash  (part 2 of 2)');
    expect(stderr).toContain(`fork ${ID} from an older checkpoint`);
    expect(stderr).not.toContain('Cannot reach');
  });

  it('is a broken connection where the checkpoint is sound, and says so', async () => {
    api.answer(VERIFY, SOUND);
    const { code, stderr } = await download();
    expect(code).toBe(5);
    expect(stderr).toContain('The download of weights.safetensors broke off');
    expect(stderr).toContain('the checkpoint itself is sound');
  });

  it('is a checkpoint that is not there where it was deleted meanwhile', async () => {
    api.refuse(`GET /checkpoints/${checkpoint}`, 404, 'checkpoint-not-found');
    expect((await download()).code).toBe(3);
  });

  it('is an API that cannot be reached where nobody answers any more', async () => {
    api.on(FILE, (_request, response) => begin(response, () => void api.stop()));
    const { code, stderr } = await download();
    expect(code).toBe(5);
    expect(stderr).toContain(`Cannot reach the API at ${api.url}`);
  });

  it('by Ctrl+C says that it was interrupted, and nothing of the API', async () => {
    api.on(FILE, (_request, response) => begin(response));
    const args = ['operations', 'result', ID, '--output', join(folder, 'model')];
    const downloading = await startKtrdr(args, { env: env() });
    await api.received(FILE);
    downloading.child.kill('SIGINT');
    const { code, stderr } = await downloading.finished();
    expect(code).toBe(130);
    expect(stderr).toMatch(/^Interrupted\. Nothing was kept/);
  });
});
