import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from '../../testing/contract-api.js';
import { writeExport } from '../../testing/exported-fixture.js';
import { operationView } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const FILES = { 'state.json': '{"step":10}', 'weights.safetensors': 'weights, as bytes' };

let api: ContractApi;
let folder: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-import-'));
  await writeExport(folder, FILES);
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const env = () => ({ KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' });
const run = (...args: string[]) => ktrdr(['checkpoints', 'import', folder, ...args], { env: env() });

/** Puts something else where a file was. */
async function replace(name: string, put: (path: string) => unknown): Promise<void> {
  const path = join(folder, name);
  await rm(path);
  await put(path);
}

const OTHER_THINGS = [
  ['a pipe', (path: string) => execFileSync('mkfifo', [path]), 'a pipe'],
  ['a directory', (path: string) => mkdir(path), 'a directory'],
  ['a link to what never ends', (path: string) => symlink('/dev/zero', path), 'a device'],
] as const;

describe('an import', () => {
  it('sends every file and makes an operation', async () => {
    await rm(folder, { recursive: true });
    await writeExport(folder, { 'state.json': '{}' });
    const sha256 = '44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a';
    api.on(`PUT /checkpoints/blobs/${sha256}`, (_request, response) => response.writeHead(204).end());
    api.answer('POST /operations/import', operationView({ status: 'paused' }), 201);
    const { code, stdout, stderr } = await run();
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stdout).toContain('Imported');
  });
});

describe('an import of what cannot be read', () => {
  afterEach(() => expect(api.requests).toEqual([]));

  it.each(OTHER_THINGS)('says that a file is %s', async (_what, put, said) => {
    await replace('state.json', put);
    const { code, stderr } = await run();
    expect(code).toBe(6);
    expect(stderr).toContain(`state.json  unreadable  (it is ${said}, not a file)`);
  });

  it.each(OTHER_THINGS)('says that the description is %s', async (_what, put, said) => {
    await replace('ktrdr-export.json', put);
    const { code, stderr } = await run();
    expect(code).toBe(2);
    expect(stderr).toContain(`ktrdr-export.json cannot be read: it is ${said}, not a file`);
  });

  it('tells a missing file from one of another size', async () => {
    await rm(join(folder, 'state.json'));
    await writeFile(join(folder, 'weights.safetensors'), 'short');
    const { code, stderr } = await run();
    expect(code).toBe(6);
    expect(stderr).toContain('state.json (missing), weights.safetensors (wrong-size)');
    expect(stderr).toContain('5 bytes instead of 17');
  });

  const mayReadAll = process.getuid?.() === 0;
  (mayReadAll ? it.skip : it)('says that it may not read a file', async () => {
    await chmod(join(folder, 'state.json'), 0);
    const { code, stderr } = await run();
    expect(code).toBe(6);
    expect(stderr).toContain('state.json  unreadable  (permission denied)');
    expect(stderr).toContain('See that it can be read');
  });
});
