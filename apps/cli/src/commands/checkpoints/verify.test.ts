import { ContractApi } from '../../testing/contract-api.js';
import { checkpointSummary, checkpointView, ID, operationView } from '../../testing/fixtures.js';
import { ktrdr, startKtrdr } from '../../testing/ktrdr-process.js';

const OTHER = 'op_training_20261122_101600_aaaaaa';
const GONE = 'op_training_20261122_101700_bbbbbb';
const EMPTY = 'op_training_20261122_101800_cccccc';

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const env = () => ({ KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' });
const run = (...args: string[]) => ktrdr(['checkpoints', 'verify', ...args], { env: env() });

const DAMAGE = { name: 'weights.safetensors', problem: 'wrong-hash', detail: 'another SHA-256' };

function verdict(id: string, ...bad_files: (typeof DAMAGE)[]) {
  return { checkpoint_id: id, valid: bad_files.length === 0, files_checked: 3, bytes_hashed: 1_400_000, bad_files };
}

/** An operation with checkpoints, each with the answer to its verification; `undefined`: it was deleted meanwhile. */
function givenCheckpoints(operation_id: string, verdicts: Readonly<Record<string, object | undefined>>): void {
  const items = Object.keys(verdicts).map((id, index) =>
    checkpointView({ checkpoint_id: id, operation_id, step: 1400 - index }),
  );
  api.answer(`GET /operations/${operation_id}/checkpoints`, { items });
  for (const [id, answer] of Object.entries(verdicts)) {
    if (answer) api.answer(`POST /checkpoints/${id}/verify`, answer);
    else api.refuse(`POST /checkpoints/${id}/verify`, 404, 'checkpoint-not-found');
  }
}

/** The operations, one a page; those that have no checkpoint say so. */
function givenOperations(...ids: string[]): void {
  api.on('GET /operations', ({ query }, response) => {
    const index = Number(query.get('cursor') ?? 0);
    const operation_id = ids[index] ?? ID;
    const items = [
      operationView({ operation_id, latest_checkpoint: operation_id === EMPTY ? null : checkpointSummary() }),
    ];
    const next_cursor = index + 1 < ids.length ? String(index + 1) : null;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ items, next_cursor, total: ids.length, active: 0, by_status: {} }));
  });
}

describe('a verification', () => {
  it('is given the time that a large checkpoint takes', async () => {
    expect((await run('--help')).stdout).toMatch(/--timeout=<value>\s+\[default: 600\]/);
  });

  it('ends with 6 when a checkpoint is bad', async () => {
    givenCheckpoints(ID, { ck_01: verdict('ck_01', DAMAGE) });
    expect((await run('ck_01')).code).toBe(6);
    expect((await run('--operation', ID)).code).toBe(6);
  });

  it('is of one thing', async () => {
    const results = await Promise.all([run(), run('ck_01', '--all'), run('--operation', ID, '--all')]);
    expect(results.map(({ code }) => code)).toEqual([2, 2, 2]);
    expect(api.requests).toEqual([]);
  });
});

describe('a verification of many', () => {
  it('says a line for each that is bad, and a summary', async () => {
    givenCheckpoints(ID, { ck_02: verdict('ck_02', DAMAGE), ck_01: verdict('ck_01') });
    const { code, stdout, stderr } = await run('--operation', ID);
    expect([code, stderr]).toEqual([6, '']);
    expect(stdout).toMatch(
      new RegExp(
        `^ck_02  step 1,400 of ${ID}  corrupted: weights.safetensors \\(wrong-hash\\)\n` +
          '2 checkpoints verified · 1 corrupted · 2\\.80 MB hashed in [\\d.]+ m?s\n$',
      ),
    );
  });

  it('with --all goes through the pages of the operations, and leaves alone those without a checkpoint', async () => {
    givenOperations(ID, EMPTY, OTHER);
    givenCheckpoints(ID, { ck_01: verdict('ck_01') });
    givenCheckpoints(OTHER, { ck_11: verdict('ck_11'), ck_10: verdict('ck_10') });
    const { code, stdout } = await run('--all');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^3 checkpoints verified · all valid · 4\.20 MB hashed in [\d.]+ s\n$/);
    expect(api.requests.map(({ route }) => route)).not.toContain(`GET /operations/${EMPTY}/checkpoints`);
  });

  it('passes over what is deleted meanwhile, and counts the checkpoints', async () => {
    givenOperations(ID, GONE);
    givenCheckpoints(ID, { ck_02: undefined, ck_01: verdict('ck_01') });
    api.refuse(`GET /operations/${GONE}/checkpoints`, 404, 'operation-not-found');
    const { code, stdout } = await run('--all');
    expect(code).toBe(0);
    expect(stdout).toContain('1 checkpoint verified · all valid · 1 deleted meanwhile · 1.40 MB hashed');
  });

  it('goes on behind one that this version cannot judge', async () => {
    givenCheckpoints(ID, { ck_02: undefined, ck_01: verdict('ck_01') });
    api.refuse('POST /checkpoints/ck_02/verify', 422, 'checkpoint-incompatible', {
      detail: 'Its manifest is of version 9',
    });
    const { code, stdout } = await run('--operation', ID);
    expect(code).toBe(6);
    expect(stdout).toContain(`ck_02  step 1,400 of ${ID}  not verified: Its manifest is of version 9\n`);
    expect(stdout).toContain('1 checkpoint verified · all valid · 1 not verified · 1.40 MB hashed');
  });

  it('that breaks off says how far it came', async () => {
    givenCheckpoints(ID, { ck_02: verdict('ck_02'), ck_01: undefined });
    api.refuse('POST /checkpoints/ck_01/verify', 401, 'unauthorized');
    const { code, stdout, stderr } = await run('--operation', ID);
    expect([code, stdout]).toEqual([7, '']);
    expect(stderr).toMatch(/^Until it ended: 1 checkpoint verified · all valid · 1\.40 MB hashed in /);
  });

  it('prints all verdicts with --json, and nothing else', async () => {
    givenOperations(ID);
    givenCheckpoints(ID, { ck_02: verdict('ck_02', DAMAGE), ck_01: undefined });
    const expected = {
      items: [{ ...verdict('ck_02', DAMAGE), operation_id: ID, step: 1400 }],
      unverified: [],
      deleted: 1,
      bytes_hashed: 1_400_000,
      seconds: expect.any(Number) as unknown,
    };
    for (const flags of [['--all'], ['--operation', ID]]) {
      const { code, stdout, stderr } = await run(...flags, '--json');
      expect([code, JSON.parse(stdout), stderr]).toEqual([6, expected, '']);
    }
  });

  it.each([
    ['the operations are listed', 'GET /operations', ['--all']],
    ['the checkpoints of one are listed', `GET /operations/${ID}/checkpoints`, ['--all']],
    ['the checkpoints of the one are listed', `GET /operations/${ID}/checkpoints`, ['--operation', ID]],
    ['one is hashed', 'POST /checkpoints/ck_01/verify', ['--all']],
  ])('ends by Ctrl+C while %s', async (_when, route, flags) => {
    givenOperations(ID);
    givenCheckpoints(ID, { ck_01: verdict('ck_01') });
    api.on(route, () => undefined); // never answered
    const verifying = await startKtrdr(['checkpoints', 'verify', ...flags], { env: env() });
    await api.received(route);
    verifying.child.kill('SIGINT');
    const { code, stderr } = await verifying.finished();
    expect(code).toBe(130);
    expect(stderr).toContain('Interrupted. What was found so far is recorded\n');
  });

  it('tells how far it is where it takes its time', async () => {
    givenCheckpoints(ID, { ck_02: verdict('ck_02'), ck_01: undefined });
    api.on('POST /checkpoints/ck_01/verify', (_request, response) => {
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify(verdict('ck_01')));
      }, 2_500);
    });
    const { stderr } = await run('--operation', ID);
    expect(stderr).toBe('1 of 2 checkpoints verified, 1.40 MB hashed …\n');
  });

  it('says so where there are none', async () => {
    givenOperations(EMPTY);
    givenCheckpoints(ID, {});
    expect(await run('--all')).toMatchObject({ code: 0, stdout: 'There are no checkpoints.\n' });
    expect(await run('--operation', ID)).toMatchObject({ code: 0, stdout: `Operation ${ID} has no checkpoints.\n` });
  });
});
