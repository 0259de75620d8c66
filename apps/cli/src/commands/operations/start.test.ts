import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContractApi } from '../../testing/contract-api.js';
import { ID, operationView } from '../../testing/fixtures.js';
import { ktrdr } from '../../testing/ktrdr-process.js';

const SPEC = `name: sp500 direction
labels: { owner: ada }
max_recoveries: 3
version: 1
epochs: 0
model:
  layers:
    - { kind: dense, units: 16 }
    - { kind: guess }
`;

let api: ContractApi;
let folder: string;
beforeEach(async () => {
  api = await new ContractApi().start();
  folder = await mkdtemp(join(tmpdir(), 'ktrdr-spec-'));
});
afterEach(async () => {
  await api.stop();
  await rm(folder, { recursive: true });
});

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

describe('start', () => {
  async function specFile(content: string): Promise<string> {
    const path = join(folder, 'strategy.yaml');
    await writeFile(path, content);
    return path;
  }

  it('sends the specification without the fields that describe the operation', async () => {
    api.answer('POST /operations', operationView({ status: 'queued', queue_position: 1 }), 201);
    const flags = ['--label', 'team=a=b', '--label', 'owner=eve', '--priority', '-5', '--pool', 'gpu'];
    const { code, stdout } = await run('operations', 'start', ...flags, await specFile(SPEC));
    expect(code).toBe(0);
    expect(stdout).toContain(`Started ${ID}`);
    expect(api.requests[0]?.headers['idempotency-key']).toBeDefined();
    expect(api.requests[0]?.body).toEqual({
      name: 'sp500 direction',
      labels: { owner: 'eve', team: 'a=b' },
      max_recoveries: 3,
      priority: -5,
      pool: 'gpu',
      spec: { version: 1, epochs: 0, model: { layers: [{ kind: 'dense', units: 16 }, { kind: 'guess' }] } },
    });
  });

  it('takes the type, the parent and the watchdog from the file or the command line', async () => {
    api.answer('POST /operations', operationView(), 201);
    const generation = 'type: data_generation\nwatchdog: { seconds: 30, on_stall: fail }\nversion: 1\nrows: 500\n';
    const path = await specFile(generation);
    await run('operations', 'start', path);
    await run('operations', 'start', path, '--watchdog', '90:pause', '--parent', ID);
    await run('operations', 'start', path, '--watchdog', 'off');
    const spec = { version: 1, rows: 500 };
    expect(api.requests.map(({ body }) => body)).toEqual([
      { type: 'data_generation', watchdog: { seconds: 30, on_stall: 'fail' }, labels: {}, spec },
      {
        type: 'data_generation',
        watchdog: { seconds: 90, on_stall: 'pause' },
        parent_id: ID,
        labels: {},
        spec,
      },
      { type: 'data_generation', watchdog: null, labels: {}, spec },
    ]);
  });

  it.each(['soon', '30:explode', '-1', '30:'])('does not take %s for a watchdog', async (watchdog) => {
    const { code, stderr } = await run('operations', 'start', await specFile(SPEC), `--watchdog=${watchdog}`);
    expect(code).toBe(2);
    expect(stderr).toContain('SECONDS[:warn|pause|fail]');
    expect(api.requests).toEqual([]);
  });

  it('reads JSON from standard input', async () => {
    api.answer('POST /operations', operationView(), 201);
    const env = { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' };
    const { code } = await ktrdr(['operations', 'start', '-'], { env, stdin: '{"version": 1, "name": "piped"}' });
    expect(code).toBe(0);
    expect(api.requests[0]?.body).toMatchObject({ name: 'piped', spec: { version: 1 } });
  });

  it('names line and column of what is no YAML', async () => {
    const path = await specFile('version: 1\nmodel:\n  layers: [\n    { kind: dense\nepochs: 3\n');
    const { code, stderr } = await run('operations', 'start', path);
    expect(code).toBe(2);
    expect(stderr).toMatch(/strategy\.yaml:\d+:\d+/);
    expect(api.requests).toEqual([]);
  });

  it('names the first three errors of what is no YAML at all, and how many more there are', async () => {
    const path = await specFile('key: [1, 2\n'.repeat(40));
    const { code, stderr } = await run('operations', 'start', path);
    expect(code).toBe(2);
    expect(stderr.match(/strategy\.yaml:\d+:\d+/g)).toHaveLength(3);
    expect(stderr).toMatch(/\n +… \d+ more\n$/);
  });

  it('says that there is no such file', async () => {
    const { code, stderr } = await run('operations', 'start', 'no-such.yaml');
    expect(code).toBe(2);
    expect(stderr).toContain('Cannot read no-such.yaml: there is no such file');
  });

  it('lists every offending path with its line', async () => {
    const problems = [
      { path: 'epochs', message: 'must be at least 1' },
      { path: 'model.layers.1.kind', message: 'must be one of dense, flatten' },
      { path: 'features', message: 'is missing' },
    ];
    const detail = 'The spec is not valid: epochs: must be at least 1; and more';
    api.refuse('POST /operations', 422, 'spec-invalid', { detail, problems });
    const path = await specFile(SPEC);
    const [people, program] = await Promise.all([
      run('operations', 'start', path),
      run('operations', 'start', path, '--json'),
    ]);
    expect([people.code, program.code]).toEqual([2, 2]);
    expect(people.stderr).toBe(
      [
        'The spec is not valid',
        '  where   epochs (line 5): must be at least 1',
        '          model.layers.1.kind (line 9): must be one of dense, flatten',
        '          features: is missing',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(program.stdout)).toMatchObject({ code: 'spec-invalid', problems });
  });
});
