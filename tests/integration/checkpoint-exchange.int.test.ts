import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeManifest, sha256Of } from '@ktrdr/checkpoint';
import type { CheckpointPage, OperationView } from '@ktrdr/contracts';
import { specSha256Of } from '@ktrdr/operations';
import { ktrdr } from '../../apps/cli/src/testing/ktrdr-process.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Http, httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const PYTHON = process.env['KTRDR_TEST_PYTHON'] ?? 'python3';
const READ_TENSORS = `
import sys, json
from safetensors import safe_open
with safe_open(sys.argv[1], framework="numpy") as f:
    print(json.dumps({name: [str(f.get_tensor(name).dtype), list(f.get_tensor(name).shape)] for name in f.keys()}))
`;

/** Python's own library is the judge of the format, where it is installed. */
async function pythonReads(path: string): Promise<Record<string, [string, number[]]> | null> {
  const hasLibrary = await promisify(execFile)(PYTHON, ['-c', 'import safetensors, numpy']).then(
    () => true,
    () => false,
  );
  if (!hasLibrary) {
    process.stderr.write(`not read with Python: ${PYTHON} has no safetensors (pip install safetensors numpy)\n`);
    return null;
  }
  const { stdout } = await promisify(execFile)(PYTHON, ['-c', READ_TENSORS, path]);
  return JSON.parse(stdout) as Record<string, [string, number[]]>;
}

describe('a checkpoint that leaves the service and comes back', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let folder: string;
  let stopped: string;
  let expectedWeights: string;
  // Large enough that its files are stored in parts.
  const spec = smallSpec({
    model: {
      layers: [
        { kind: 'dense', units: 640, activation: 'relu' },
        { kind: 'dense', units: 640, activation: 'relu' },
      ],
    },
    batch_size: 512,
    epochs: 3,
  });

  const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: api.token } });
  const checkpointOf = async (id: string) => {
    const { items } = (await http.get(`/operations/${id}/checkpoints`)).body as unknown as CheckpointPage;
    return items[0]!;
  };

  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1' });
    const whole = await training.submit({ spec });
    await training.completed(whole);
    expectedWeights = await training.weightsOf(whole);
    stopped = await training.submit({ spec, name: 'to be moved', labels: { team: 'a' } });
    await training.reached(stopped, 5);
    await training.cancelled(stopped);
    folder = join(services.folder, 'exported');
    const { code, stderr } = await run('checkpoints', 'export', (await checkpointOf(stopped)).checkpoint_id, folder);
    expect({ code, stderr }).toMatchObject({ code: 0 });
  });
  afterAll(() => services.close());

  it('is a folder of its files, which Python can read, and a description', async () => {
    const { files } = await checkpointOf(stopped);
    expect((await readdir(folder)).sort()).toEqual([...files.map(({ name }) => name), 'ktrdr-export.json'].sort());
    expect(files.find(({ name }) => name === 'optimizer.safetensors')?.parts?.length).toBeGreaterThan(1);
    const tensors = await pythonReads(join(folder, 'weights.safetensors'));
    if (tensors) expect(tensors['layer_1_dense/kernel']).toEqual(['float32', [640, 640]]);
  });

  it('becomes a paused operation of its own, which goes on to the weights of an uninterrupted run', async () => {
    const { code, stdout } = await run('checkpoints', 'import', folder, '--name', 'moved', '--json');
    expect(code).toBe(0);
    const imported = JSON.parse(stdout) as OperationView;
    const original = await checkpointOf(stopped);
    expect(imported).toMatchObject({
      status: 'paused',
      name: 'moved',
      labels: { team: 'a' },
      attempt: 1,
      progress: { step: original.step, epoch: original.epoch },
      pauses: [{ step: original.step, epoch: original.epoch }],
      origin: { kind: 'import', operation_id: stopped },
      allowed_actions: expect.arrayContaining(['resume']),
    });
    const id = imported.operation_id;
    expect(id).not.toBe(stopped);
    const history = (await http.get(`/operations/${id}/history`)).body['items'];
    expect(history).toMatchObject([{ event: 'import', from: null, to: 'paused' }]);
    const explained = (await http.get(`/operations/${id}/explain`)).body;
    expect(explained['summary']).toMatch(/^Paused since \S+ imported it$/);
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed.body).toMatchObject({ status: 'resuming', resumed_from: { step: original.step } });
    await training.completed(id);
    expect(await training.weightsOf(id)).toBe(expectedWeights);
    expect((await training.show(stopped))['status']).toBe('cancelled');
  });

  it('is imported by the same bytes again as another operation, which shares every blob with the first', async () => {
    const before = (await http.get('/checkpoints/stats')).body['stored_bytes'];
    const { code, stdout } = await run('checkpoints', 'import', folder, '--json');
    expect(code).toBe(0);
    expect((await http.get('/checkpoints/stats')).body['stored_bytes']).toBe(before);
    const { operation_id: id } = JSON.parse(stdout) as OperationView;
    expect((await http.delete(`/operations/${id}`)).status).toBe(204);
    const { checkpoint_id } = await checkpointOf(stopped);
    expect((await http.post(`/checkpoints/${checkpoint_id}/verify`)).body).toMatchObject({ valid: true });
  });

  it('is refused, and every altered or missing file named, when it is not what it was', async () => {
    const altered = join(services.folder, 'altered');
    await cp(folder, altered, { recursive: true });
    const weights = await readFile(join(altered, 'weights.safetensors'));
    weights[weights.length - 1]! ^= 1;
    await writeFile(join(altered, 'weights.safetensors'), weights);
    await rm(join(altered, 'model.json'));
    await writeFile(join(altered, 'state.json'), '{}');
    const operations = (await http.get('/operations')).body['total'];
    const { code, stderr } = await run('checkpoints', 'import', altered);
    expect(code).toBe(6);
    expect(stderr).toContain('weights.safetensors (wrong-hash)');
    expect(stderr).toContain('model.json (missing)');
    expect(stderr).toContain('state.json (wrong-size)');
    expect((await http.get('/operations')).body['total']).toBe(operations);
  });

  it('is refused when its description was altered, whatever it is sent with', async () => {
    const document = JSON.parse(await readFile(join(folder, 'ktrdr-export.json'), 'utf8')) as {
      operation: { name: string; spec: { seed: number } };
      manifest: { step: number };
      manifest_sha256: string;
    };
    const attempts = [
      { ...document, operation: { ...document.operation, name: 'another' } },
      { ...document, operation: { ...document.operation, spec: { ...document.operation.spec, seed: 8 } } },
      { ...document, manifest: { ...document.manifest, step: 1 } },
    ];
    for (const altered of attempts) {
      const { status, body } = await http.post('/operations/import', { export: altered });
      expect({ status, code: body['code'] }).toEqual({ status: 422, code: 'checkpoint-corrupted' });
    }
    const folderOf = join(services.folder, 'described');
    await cp(folder, folderOf, { recursive: true });
    await writeFile(join(folderOf, 'ktrdr-export.json'), JSON.stringify(attempts[2]));
    expect((await run('checkpoints', 'import', folderOf)).code).toBe(6);
    await writeFile(join(folderOf, 'ktrdr-export.json'), 'no JSON');
    expect((await run('checkpoints', 'import', folderOf)).code).toBe(2);
    expect((await run('checkpoints', 'import', services.folder)).code).toBe(2);
  });

  it('is refused, and every wrong value named, when its hashes are right and it says what cannot be', async () => {
    const { sha256: _, ...document } = JSON.parse(await readFile(join(folder, 'ktrdr-export.json'), 'utf8'));
    const send = async (changes: { operation?: object; manifest?: object }) => {
      const manifest = { ...document.manifest, ...changes.manifest };
      const manifest_sha256 = sha256Of(encodeManifest(manifest));
      const altered = {
        ...document,
        manifest,
        manifest_sha256,
        operation: { ...document.operation, ...changes.operation },
      };
      const answer = await http.post('/operations/import', { export: { ...altered, sha256: specSha256Of(altered) } });
      return { status: answer.status, paths: answer.body['problems']?.map(({ path }: { path: string }) => path) };
    };
    expect(await send({})).toMatchObject({ status: 201 });
    const at = 'export.operation';
    expect(await send({ operation: { name: '', max_recoveries: 2_147_483_648, steps: 2 ** 31 } })).toEqual({
      status: 422,
      paths: [`${at}.name`, `${at}.max_recoveries`, `${at}.steps`],
    });
    expect(await send({ manifest: { epoch: 2 ** 31, created_at: '2099-01-01T00:00:00Z' } })).toEqual({
      status: 422,
      paths: ['export.manifest.epoch', 'export.manifest.created_at', `${at}.spec.epochs`, `${at}.epochs`],
    });
    expect(await send({ manifest: { step: Number.MAX_SAFE_INTEGER } })).toMatchObject({ status: 422 });
    expect(await send({ operation: { requirements: ['backend:nonsense'] } })).toEqual({
      status: 422,
      paths: [`${at}.requirements.0`],
    });
  });

  it('takes no bytes under a name that is not their hash, none from strangers, and none elsewhere', async () => {
    const bytes = Buffer.from('some bytes');
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const put = (path: string, token = api.token, type = 'application/octet-stream') =>
      fetch(`${api.url}${path}`, {
        method: 'PUT',
        body: bytes,
        headers: { authorization: `Bearer ${token}`, 'content-type': type },
      }).then(({ status }) => status);
    expect(await put(`/checkpoints/blobs/${sha256}`)).toBe(204);
    expect(await put(`/checkpoints/blobs/${'0'.repeat(64)}`)).toBe(422);
    expect(await put('/checkpoints/blobs/..%2F..%2Fetc')).toBe(422);
    expect(await put(`/checkpoints/blobs/${sha256}`, 'a stranger')).toBe(401);
    expect(await put(`/checkpoints/blobs/${sha256}`, api.token, 'text/plain')).toBe(415);
    const posted = await fetch(`${api.url}/operations`, {
      method: 'POST',
      body: bytes,
      headers: { authorization: `Bearer ${api.token}`, 'content-type': 'application/octet-stream' },
    });
    expect(posted.status).toBe(415);
  });

  it('has one effect however often the same import is sent', async () => {
    const document = JSON.parse(await readFile(join(folder, 'ktrdr-export.json'), 'utf8')) as object;
    const send = () => http.post('/operations/import', { export: document }, { 'idempotency-key': 'once' });
    const [first, second] = [await send(), await send()];
    expect([first.status, second.status]).toEqual([201, 201]);
    expect(second.body['operation_id']).toBe(first.body['operation_id']);
  });

  it('is not exported over a folder that is there, nor when a part of it is damaged in the store', async () => {
    const { checkpoint_id: id, files } = await checkpointOf(stopped);
    expect((await run('checkpoints', 'export', id, folder)).code).toBe(2);
    const blob = files.find(({ name }) => name === 'optimizer.safetensors')!.parts!.at(-1)!.blob;
    const path = join(services.folder, 'objects', blob);
    const bytes = await readFile(path);
    bytes[0]! ^= 1;
    await writeFile(path, bytes);
    const target = join(services.folder, 'damaged');
    const { code, stderr } = await run('checkpoints', 'export', id, target);
    expect(code).toBe(6);
    expect(stderr).toContain('optimizer.safetensors  wrong-hash');
    await expect(readdir(target)).rejects.toThrow('ENOENT');
    expect((await run('checkpoints', 'export', 'no-such-checkpoint', target)).code).toBe(3);
  });
});
