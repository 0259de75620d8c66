import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inRepository } from '../repository.js';
import { run } from './programs.js';

/** A wheel of two files of 100 kB, one of them needed; `damaged`: with another content than its RECORD says. */
const MAKE_WHEEL = `
import base64, hashlib, random, sys, zipfile
path, damaged = sys.argv[1], sys.argv[2] == "damaged"
files = {name: random.Random(name).randbytes(100_000) for name in ("tensorflow/needed.so.2", "tensorflow/other.so.2")}
digest = lambda data: "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
record = "".join(f"{name},{digest(data)},{len(data)}\\n" for name, data in files.items()) + "any-1.dist-info/RECORD,,\\n"
with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
    for name, data in files.items():
        wheel.writestr(name, b"other" if damaged else data)
    wheel.writestr("any-1.dist-info/RECORD", record)
print(hashlib.sha256(record.encode()).hexdigest(), end="")
`;

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-fetch-'));
});
afterEach(async () => {
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true });
});

async function givenWheel(state: 'whole' | 'damaged' = 'whole') {
  const path = join(folder, 'any.whl');
  const { stdout: record } = await promisify(execFile)('python3', ['-c', MAKE_WHEEL, path, state]);
  return { path, record };
}

function fetchNeeded(wheel: string, record: string) {
  const program = inRepository('tools', 'backend-native', 'fetch_entries.py');
  return run('python3', [program, wheel, record, join(folder, 'out'), 'tensorflow/needed']);
}

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((listening) => server?.listen(0, '127.0.0.1', listening));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/any.whl`;
}

async function expectNeededOnly(): Promise<void> {
  expect(await readdir(join(folder, 'out', 'tensorflow'))).toEqual(['needed.so.2']);
  const needed = await readFile(join(folder, 'out', 'tensorflow', 'needed.so.2'));
  expect([needed.length, createHash('sha256').update(needed).digest('hex')]).toEqual([100_000, expect.any(String)]);
}

describe('the entries of a wheel', () => {
  it('are taken out of a file, and no others', async () => {
    const { path, record } = await givenWheel();
    expect(await fetchNeeded(path, record)).toEqual({ code: 0, stdout: '', stderr: '' });
    await expectNeededOnly();
  });

  it('are fetched by range requests', async () => {
    const { path, record } = await givenWheel();
    const bytes = await readFile(path);
    const asked: string[] = [];
    const address = await serve(({ headers: { range = '' } }, response) => {
      asked.push(range);
      const [first = 0, last = 0] = range.replace('bytes=', '').split('-').map(Number);
      response.writeHead(206, { 'content-range': `bytes ${first}-${last}/${bytes.length}` });
      response.end(bytes.subarray(first, last + 1));
    });
    expect(await fetchNeeded(address, record)).toEqual({ code: 0, stdout: '', stderr: '' });
    await expectNeededOnly();
    expect(asked[0]).toBe('bytes=0-0');
  });

  it.each([
    [
      'answers no range requests',
      (bytes: Buffer): RequestListener =>
        (_, response) =>
          response.end(bytes),
    ],
    ['does not have it', (): RequestListener => (_, response) => response.writeHead(404).end()],
  ])('end with exit code 3 where the server %s', async (_, listenerFor) => {
    const { path, record } = await givenWheel();
    expect((await fetchNeeded(await serve(listenerFor(await readFile(path))), record)).code).toBe(3);
  });

  it('are refused when the wheel is another one', async () => {
    const { path } = await givenWheel();
    const { code, stderr } = await fetchNeeded(path, '0'.repeat(64));
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/not the pinned one: the SHA-256 of any-1.dist-info\/RECORD is/),
    ]);
  });

  it('are refused when one is not what the RECORD says', async () => {
    const { path, record } = await givenWheel('damaged');
    const { code, stderr } = await fetchNeeded(path, record);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/needed\.so\.2 of the wheel is damaged/)]);
  });

  it('are refused, in one line, when the file is no wheel', async () => {
    const path = join(folder, 'any.whl');
    await writeFile(path, 'no zip');
    const { code, stderr } = await fetchNeeded(path, '0'.repeat(64));
    expect([code, stderr]).toEqual([1, 'File is not a zip file\n']);
  });
});
