import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from '../../testing/contract-api.js';
import { CHECKPOINT, givenCheckpoint } from '../../testing/exported-fixture.js';
import { ktrdr, startKtrdr } from '../../testing/ktrdr-process.js';

const FILES = { 'state.json': '{"step":10}', 'weights.safetensors': ['first part, ', 'second part'] };
const FILE = `GET /checkpoints/${CHECKPOINT}/files/weights.safetensors`;
const VERIFY = `POST /checkpoints/${CHECKPOINT}/verify`;
const SOUND = { checkpoint_id: CHECKPOINT, valid: true, files_checked: 2, bytes_hashed: 34, bad_files: [] };

let api: ContractApi;
let folder: string;
let target: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-export-'));
  target = join(folder, 'exported');
  givenCheckpoint(api, FILES);
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const env = () => ({ KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' });
const run = (...args: string[]) => ktrdr(['checkpoints', 'export', CHECKPOINT, ...args], { env: env() });

/** The first part, then nothing; the response is the test's to end. */
function begin(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '23' });
  response.write('first part, ');
}

/** The first part, then a broken connection, as the API does it when the second one is bad. */
function breakOff(_request: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '23' });
  response.write('first part, ', () => response.destroy());
}

describe('an export', () => {
  it('is a folder with every file and a description', async () => {
    const { code, stderr } = await run(target);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect((await readdir(target)).sort()).toEqual(['ktrdr-export.json', 'state.json', 'weights.safetensors']);
    expect(await readFile(join(target, 'weights.safetensors'), 'utf8')).toBe('first part, second part');
  });
});

describe('an export that takes its time', () => {
  const held: ServerResponse[] = [];
  beforeEach(() => {
    held.length = 0;
    api.on(FILE, (_request, response) => {
      begin(response);
      held.push(response);
    });
  });

  it('tells on standard error how far it is', async () => {
    const exporting = await startKtrdr(['checkpoints', 'export', CHECKPOINT, target], { env: env() });
    await exporting.prints('23 B of 34 B downloaded (67 %) …\n', 'stderr');
    held[0]?.end('second part');
    expect(await exporting.finished()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Exported/) });
  });

  const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
  (hasPython ? it : it.skip)('on a terminal does so in one line, which is gone at the end', async () => {
    const terminal = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';
    const under = ['python3', '-c', terminal];
    const exporting = await startKtrdr(['checkpoints', 'export', CHECKPOINT, target], { env: env(), under });
    await exporting.prints('\r\u001b[K23 B of 34 B downloaded (67 %)');
    held[0]?.end('second part');
    const { code, stdout } = await exporting.finished();
    expect(code).toBe(0);
    expect(stdout).toMatch(/\r\u001b\[K[^\r\n]*Exported/);
  });
});

describe('an export to where it cannot be', () => {
  const refused = async (path: string, asked: number) => {
    const { code, stderr } = await run(path);
    expect(code).toBe(2);
    expect(stderr).not.toContain('ktrdr itself failed');
    expect(api.requests).toHaveLength(asked);
    return stderr;
  };

  it('is refused below a file, before anything is asked for', async () => {
    await writeFile(join(folder, 'file'), '');
    expect(await refused(join(folder, 'file', 'x'), 0)).toContain('a part of the path is no folder');
  });

  it('is refused over a link that leads nowhere, before anything is asked for', async () => {
    await symlink(join(folder, 'nowhere'), target);
    expect(await refused(target, 0)).toContain('exists already');
  });

  it('is refused where no folder can be made, and nothing is downloaded', async () => {
    expect(await refused('/proc/ktrdr/x', 1)).toContain('Cannot make the folder /proc/ktrdr/x');
  });

  it('says why a file could not be written, and keeps nothing, nor the folders that it made', async () => {
    givenCheckpoint(api, { 'state.json': '{"step":10}'.repeat(1000) });
    const under = ['sh', '-c', 'trap "" XFSZ; ulimit -f 1; exec "$@"', 'sh'];
    const args = ['checkpoints', 'export', CHECKPOINT, join(folder, 'new', 'exported')];
    const { code, stderr } = await ktrdr(args, { env: env(), under });
    expect(code).toBe(2);
    expect(stderr).toContain(
      `Cannot write to ${join(folder, 'new', 'exported')}: the file system takes no file of this`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('is refused where the trainer saved a file under the name of the description, before it is downloaded', async () => {
    givenCheckpoint(api, { 'ktrdr-export.json': 'of a trainer', 'state.json': '{}' });
    const said = await refused(target, 1);
    expect(said).toContain('has a file named ktrdr-export.json');
    expect(await readdir(folder)).toEqual([]);
  });

  it('makes the folders above it that are not there', async () => {
    expect((await run(join(folder, 'new', 'newer', 'exported'))).code).toBe(0);
  });
});

describe('a download that breaks off', () => {
  afterEach(async () => expect(await readdir(folder)).toEqual([]));

  it('is a corrupted checkpoint where the API finds one, and names the file', async () => {
    const bad = { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'part 2 of 2' };
    api.on(FILE, breakOff).answer(VERIFY, { ...SOUND, valid: false, bad_files: [bad] });
    const { code, stderr } = await run(target);
    expect(code).toBe(6);
    expect(stderr).toContain('weights.safetensors  wrong-hash  (part 2 of 2)');
    expect(stderr).not.toContain('Cannot reach');
  });

  it('is a checkpoint that is not there where it was deleted meanwhile', async () => {
    api.on(FILE, breakOff).refuse(`GET /checkpoints/${CHECKPOINT}`, 404, 'checkpoint-not-found');
    const { code, stderr } = await run(target);
    expect(code).toBe(3);
    expect(stderr).toContain('It is checkpoint-not-found');
  });

  it('is a checkpoint that is not there, too, where the API finds its bytes missing before the first', async () => {
    api.refuse(FILE, 422, 'checkpoint-corrupted').refuse(`GET /checkpoints/${CHECKPOINT}`, 404, 'checkpoint-not-found');
    expect((await run(target)).code).toBe(3);
  });

  it('is a broken connection where the checkpoint is sound, and says so', async () => {
    api.on(FILE, breakOff).answer(VERIFY, SOUND);
    const { code, stderr } = await run(target);
    expect(code).toBe(5);
    expect(stderr).toContain('weights.safetensors');
    expect(stderr).toContain('the checkpoint itself is sound');
    expect(stderr).not.toContain('Cannot reach');
  });

  it('is an API that cannot be reached where nobody answers any more', async () => {
    api.on(FILE, (_request, response) => {
      begin(response);
      void api.stop();
    });
    const { code, stderr } = await run(target);
    expect(code).toBe(5);
    expect(stderr).toContain('connection');
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('by %s says that it was interrupted, and nothing of the API', async (signal, exit) => {
    api.on(FILE, (_request, response) => begin(response));
    const exporting = await startKtrdr(['checkpoints', 'export', CHECKPOINT, target], { env: env() });
    await api.received(FILE);
    exporting.child.kill(signal);
    const { code, stderr } = await exporting.finished();
    expect(code).toBe(exit);
    expect(stderr).toMatch(/^Interrupted\. Nothing was kept/);
  });

  it('by Ctrl+C before the first file ends it too', async () => {
    api.on(`GET /checkpoints/${CHECKPOINT}/export`, () => undefined);
    const exporting = await startKtrdr(['checkpoints', 'export', CHECKPOINT, target, '--json'], { env: env() });
    await api.received(`GET /checkpoints/${CHECKPOINT}/export`);
    exporting.child.kill('SIGINT');
    const { code, stdout } = await exporting.finished();
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'interrupted' });
  });
});
