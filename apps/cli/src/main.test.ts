import { ContractApi } from './testing/contract-api.js';
import {
  actionView,
  checkpointSummary,
  checkpointView,
  eventView,
  ID,
  operationView,
  resumedView,
  workerView,
} from './testing/fixtures.js';
import { ktrdr, startKtrdr } from './testing/ktrdr-process.js';

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

const run = (...args: string[]) => ktrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

const helpOf = (command: string) => `  next   ktrdr ${command} --help`;

describe('exit codes of real commands', () => {
  it.each([
    [404, 'operation-not-found', 3],
    [409, 'illegal-transition', 4],
    [422, 'checkpoint-corrupted', 6],
    [401, 'unauthorized', 7],
    [422, 'request-invalid', 2],
    [500, 'internal', 1],
  ])('answer HTTP %i %s with %i', async (status, code, exit) => {
    api.refuse(`POST /operations/${ID}/resume`, status, code, { operation_id: ID });
    const { code: actual, stdout, stderr } = await run('operations', 'resume', ID);
    expect(actual).toBe(exit);
    expect(stdout).toBe('');
    expect(stderr).toContain(`It is ${code}`);
  });

  it('are 5 when nobody listens, and say what to do', async () => {
    await api.stop();
    const { code, stderr } = await run('operations');
    expect(code).toBe(5);
    expect(stderr).toContain(`Cannot reach the API at ${api.url}: connection refused.`);
  });

  it('are 5 when a POST is not answered until its time is up', async () => {
    await api.stop();
    const { code, stderr } = await run('operations', 'pause', ID, '--timeout', '1');
    expect(code).toBe(5);
    expect(stderr).toContain('trying again');
  });

  it('are 2 for a command line that cannot be', async () => {
    const results = await Promise.all([
      run('operations', 'show'),
      run('operations', 'resume', ID, '--no-such-flag'),
      run('operations', 'frobnicate'),
      run('frobnicate'),
      run('operations', 'pause', ID, '--boundary', 'never'),
      run('checkpoints', 'verify'),
      run('operations', 'prioritise', ID),
      run('operations', 'prioritise', ID, '--front', '--priority', '3'),
      run('operations', 'result', ID, '--force'),
      run('workers', 'drain'),
    ]);
    expect(results.map(({ code }) => code)).toEqual(results.map(() => 2));
    expect(results[0]?.stderr).toContain('next   ktrdr operations show --help');
    expect(results[2]?.stderr).toBe('There is no command operations frobnicate\n  next   ktrdr operations --help\n');
    expect(api.requests).toEqual([]);
  });

  it('are 2 for what was mistyped, with what was probably meant', async () => {
    const results = await Promise.all([
      run('operations', 'strat', 'spec.yaml'),
      run('checkpoint', 'list'),
      run('operations', 'resume', ID, '--epocs', '3'),
      run('operations', 'resume', ID, '--epocs=3', '--bakend=a, b'),
      run('--versoin'),
      run('operations', 'prioritise', ID, '--priority', 'high'),
      run('operations', 'pause', ID, '--boundary', 'steps'),
    ]);
    expect(results.map(({ code }) => code)).toEqual(results.map(() => 2));
    expect(results.map(({ stderr }) => stderr.split('\n').slice(0, 2))).toEqual([
      ['There is no command operations strat spec.yaml. Did you mean ktrdr operations start?', helpOf('operations')],
      ['There is no command checkpoint list. Did you mean ktrdr checkpoints list?', '  next   ktrdr --help'],
      ['There is no flag --epocs. Did you mean --epochs?', helpOf('operations resume')],
      ['There is no flag --epocs, --bakend. Did you mean --epochs and --backend?', helpOf('operations resume')],
      ['There is no flag --versoin. Did you mean --version?', '  next   ktrdr --help'],
      ['--priority must be a whole number, not high', helpOf('operations prioritise')],
      ['--boundary must be one of step, epoch, not steps', helpOf('operations pause')],
    ]);
    expect(api.requests).toEqual([]);
  });

  it('are 2 where an argument is missing, without advice that does not hold', async () => {
    const { code, stderr } = await run('operations', 'start');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^Missing: spec – [^\n]*standard input\n {2}next/);
  });

  it('are 7 without a token, before anything is sent', async () => {
    const { code, stderr } = await ktrdr(['operations'], { env: { KTRDR_API_URL: api.url } });
    expect(code).toBe(7);
    expect(stderr).toContain('ktrdr login');
    expect(api.requests).toEqual([]);
  });

  it('are 0, without a word, when nobody reads what is printed', async () => {
    api.answer('GET /operations', { items: [], next_cursor: null, total: 0, active: 0, by_status: {} });
    const env = { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' };
    const unread = await startKtrdr(['operations'], { env });
    unread.child.stdout?.destroy();
    expect(await unread.finished()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('--json', () => {
  it('prints the body of the API and nothing else', async () => {
    const page = { items: [], next_cursor: null, total: 0, active: 0, by_status: {}, mood: 'of a newer API' };
    api
      .answer('GET /operations', page)
      .answer(`GET /operations/${ID}`, operationView())
      .answer(`POST /operations/${ID}/resume`, resumedView(), 202)
      .answer(`POST /operations/${ID}/cancel`, actionView(), 202)
      .answer('GET /checkpoints/ck_01', checkpointView());
    const results = await Promise.all([
      run('operations', '--json'),
      run('operations', 'list', '--json'),
      run('operations', 'show', ID, '--json'),
      run('operations', 'resume', ID, '--json'),
      run('operations', 'cancel', ID, '--json'),
      run('checkpoints', 'show', 'ck_01', '--json'),
    ]);
    const bodies = [page, page, operationView(), resumedView(), actionView(), checkpointView()];
    expect(results.map(({ stdout }) => JSON.parse(stdout) as unknown)).toEqual(bodies);
    expect(results.map(({ code, stderr }) => [code, stderr])).toEqual(bodies.map(() => [0, '']));
  });

  it('prints the problem as it was sent', async () => {
    api.refuse('GET /checkpoints/ck_9', 404, 'checkpoint-not-found', { checkpoint_id: 'ck_9' });
    const { code, stdout, stderr } = await run('checkpoints', 'show', 'ck_9', '--json');
    expect(code).toBe(3);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      type: 'urn:ktrdr:problem:checkpoint-not-found',
      title: 'Refused',
      status: 404,
      code: 'checkpoint-not-found',
      detail: 'It is checkpoint-not-found',
      checkpoint_id: 'ck_9',
    });
  });

  it('prints problems of its own in the same form', async () => {
    await api.stop();
    const [unreachable, usage, unknown] = await Promise.all([
      run('operations', '--json'),
      run('operations', 'show', '--json'),
      run('frobnicate', '--json'),
    ]);
    expect(JSON.parse(unreachable.stdout)).toMatchObject({ code: 'api-unreachable', url: api.url });
    expect(JSON.parse(usage.stdout)).toMatchObject({ code: 'request-invalid' });
    expect(JSON.parse(unknown.stdout)).toMatchObject({ code: 'request-invalid' });
  });
});

describe('the commands', () => {
  it('resume as they are told and print what the design shows', async () => {
    api.answer(`POST /operations/${ID}/resume`, resumedView(), 202);
    const { stdout } = await run('operations', 'resume', ID, '--checkpoint', 'best', '--allow-fallback', '--dry-run');
    expect(stdout).toMatch(/ {2}from {5}epoch 25, step 1,400 \(cancel checkpoint of \d+ \w+ ago\), nothing lost\n/);
    expect(api.requests[0]?.body).toEqual({ checkpoint: 'best', allow_fallback: true, overrides: {}, dry_run: true });
  });

  it('repeat the chosen checkpoint in the command that accepts a fallback', async () => {
    const fallback = { checkpoint_id: 'ck_01', step: 1, epoch: 1 };
    const fields = { operation_id: ID, bad_files: [], fallback, lost_steps: 2 };
    api.refuse(`POST /operations/${ID}/resume`, 422, 'checkpoint-corrupted', fields);
    const { stderr } = await run('operations', 'resume', ID, '--checkpoint', 'best');
    expect(stderr).toContain(`next       ktrdr operations resume ${ID} --checkpoint best --allow-fallback`);
  });

  it('offer a fork with the same choices where a completed operation was to be resumed', async () => {
    const fields = { operation_id: ID, action: 'resume', operation_status: 'completed', allowed_actions: ['retry'] };
    api.refuse(`POST /operations/${ID}/resume`, 409, 'illegal-transition', fields);
    const { code, stderr } = await run('operations', 'resume', ID, '--epochs', '20');
    expect(code).toBe(4);
    expect(stderr).toContain(`ktrdr operations fork ${ID} --epochs 20\n`);
  });

  it('offer to resume after a cancel that left a checkpoint', async () => {
    const cancelled = operationView({
      status: 'cancelled',
      allowed_actions: ['resume', 'delete'],
      latest_checkpoint: checkpointSummary(),
    });
    api
      .answer(`POST /operations/${ID}/cancel`, actionView({ status: 'cancelled' }), 202)
      .answer(`GET /operations/${ID}`, cancelled);
    const { stdout } = await run('operations', 'cancel', ID, '--discard', '--reason', 'wrong data');
    expect(stdout).toContain(`resume   ktrdr operations resume ${ID}`);
    expect(api.requests[0]?.body).toEqual({ save: false, reason: 'wrong data' });
  });

  it('do not delete without a yes', async () => {
    api.answer(`DELETE /operations/${ID}`, undefined, 204);
    const unsure = await run('operations', 'delete', ID);
    expect([unsure.code, api.requests.length]).toEqual([2, 0]);
    expect(unsure.stderr).toContain('--yes');
    const sure = await run('operations', 'delete', ID, '--yes', '--json');
    expect(JSON.parse(sure.stdout)).toEqual({ operation_id: ID, deleted: true });
    expect(api.requests.map(({ route }) => route)).toEqual([`DELETE /operations/${ID}`]);
  });

  it('read all pages of a log', async () => {
    api.on(`GET /operations/${ID}/events`, ({ query }, response) => {
      const after = Number(query.get('after'));
      const items = after < 3 ? [eventView(after + 1, 'log', { lines: [`line ${after + 1}`] })] : [];
      response.end(JSON.stringify({ items, next_after: after + items.length }));
    });
    const { stdout } = await run('operations', 'logs', ID);
    expect(stdout.match(/line \d/g)).toEqual(['line 1', 'line 2', 'line 3']);
  });

  it('pause with a cause and a time limit', async () => {
    api
      .answer(`POST /operations/${ID}/pause`, actionView({ status: 'pausing' }), 202)
      .answer(`GET /operations/${ID}`, operationView());
    const flags = ['--cause', 'schedule', '--pause-timeout', '2.5', '--boundary', 'epoch', '--reason', 'night'];
    expect((await run('operations', 'pause', ID, ...flags)).code).toBe(0);
    expect(api.requests[0]?.body).toEqual({
      boundary: 'epoch',
      cause: 'schedule',
      reason: 'night',
      timeout_seconds: 2.5,
    });
  });

  it('start again what has ended, as a new operation', async () => {
    const origin = { kind: 'retry' as const, operation_id: ID, checkpoint_id: null };
    const again = operationView({ operation_id: 'op_training_20261122_101700_bbbbbb', status: 'queued', origin });
    api.answer(`POST /operations/${ID}/retry`, again, 201);
    const { code, stdout } = await run('operations', 'retry', ID);
    expect(code).toBe(0);
    expect(stdout).toContain('Started op_training_20261122_101700_bbbbbb');
    expect(stdout).toContain(`retry of   ${ID}, from the beginning`);
  });

  it('move an operation in its queue', async () => {
    api.answer(
      `POST /operations/${ID}/priority`,
      operationView({ status: 'queued', queue_position: 1, priority: 101 }),
    );
    const front = await run('operations', 'prioritise', ID, '--front');
    expect(front.stdout).toBe(`Moved ${ID}\n  status     queued (1st in queue)\n  priority   101\n`);
    await run('operations', 'prioritise', ID, '--priority', '-7');
    expect(api.requests.map(({ body }) => body)).toEqual([{ priority: 'front' }, { priority: -7 }]);
  });

  it('drain a worker and end that', async () => {
    api.answer('POST /workers/w1/drain', workerView(), 202);
    const drained = await run('workers', 'drain', 'w1');
    expect(drained.stdout).toContain(`Drains w1\n  status    draining\n  holds     ${ID}\n`);
    await run('workers', 'drain', 'w1', '--end');
    expect(api.requests.map(({ body }) => body)).toEqual([{ draining: true }, { draining: false }]);
  });

  it('list by labels and parent', async () => {
    api.answer('GET /operations', { items: [], next_cursor: null, total: 0, active: 0, by_status: {} });
    const { stdout } = await run('operations', '--label', 'owner=ada', '--label', 'team=x', '--parent', ID);
    expect(stdout).toContain('No operation matches.');
    expect(Object.fromEntries(api.requests[0]?.query ?? [])).toEqual({
      label: 'owner=ada,team=x',
      parent_id: ID,
      limit: '50',
    });
  });

  it('show version and help without an API', async () => {
    const [version, help, topic] = await Promise.all([
      ktrdr(['--version']),
      ktrdr(['--help']),
      ktrdr(['operations', '--help']),
    ]);
    expect(version.stdout).toContain('@ktrdr/cli/');
    expect(help.stdout).toContain('start, watch, stop and continue training operations');
    expect(topic.stdout).toContain('operations resume');
  });
});
