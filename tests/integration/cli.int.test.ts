import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BulkView, CheckpointPage, OperationPage, OperationView, ResultView, WorkerPage } from '@ktrdr/contracts';
import { ktrdr, type KtrdrProcess, startKtrdr } from '../../apps/cli/src/testing/ktrdr-process.js';
import { givenServices, type Services } from './support/given-services.js';
import { httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const UNKNOWN = 'op_training_20261122_101500_k3v9qa';

describe('the command line on a running service', () => {
  let services: Services;
  let api: RunningApi;
  let training: ReturnType<typeof trainingOver>;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    training = trainingOver(httpOf(api));
    await startWorker(services, { api, id: 'w1' });
  });
  afterAll(() => services.close());

  const env = () => ({ KTRDR_API_URL: api.url, KTRDR_API_TOKEN: api.token });
  const run = (...args: string[]) => ktrdr(args, { env: env() });
  const start = (...args: string[]): Promise<KtrdrProcess> => startKtrdr(args, { env: env() });

  /** What a command answers to a program; it must end well and say nothing else. */
  async function json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await run(...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return JSON.parse(stdout) as T;
  }

  async function specFile(overrides: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const path = join(await mkdtemp(join(services.folder, 'spec-')), 'spec.json');
    await writeFile(path, JSON.stringify({ ...smallSpec(), ...overrides }));
    return path;
  }

  /** Starts training that takes long enough to be stopped. */
  async function givenLongTraining(...flags: string[]): Promise<string> {
    const path = await specFile({ epochs: 500, checkpoint: { every_epochs: 20 } });
    return (await json<OperationView>('operations', 'start', path, ...flags)).operation_id;
  }

  it('starts, watches to the end, shows the result and downloads its files', async () => {
    const started = await run('operations', 'start', await specFile({ name: 'whole' }), '--watch');
    expect(started.code).toBe(0);
    const id = /^Started (op_\w+)/.exec(started.stdout)?.[1] ?? '';
    expect(started.stdout).toContain('  status    completed\n');
    expect(started.stdout).toMatch(/weights +sha256 [0-9a-f]{64}\n/);
    const result = await json<ResultView>('operations', 'result', id);
    expect(started.stdout).toContain(String(result.result['weights_sha256']));
    const folder = join(services.folder, 'result');
    const downloaded = await run('operations', 'result', id, '--output', folder);
    expect(downloaded.code).toBe(0);
    expect((await readdir(folder)).toSorted()).toEqual(result.files.map(({ name }) => name).toSorted());
    for (const { name, sha256 } of result.files) {
      const bytes = await readFile(join(folder, name));
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
    expect((await run('operations', 'result', id, '--output', folder)).code).toBe(2);
    expect((await run('operations', 'logs', id)).code).toBe(0);
    const { items } = await json<{ items: { seq: number; type: string }[] }>('operations', 'logs', id);
    expect(items.map(({ seq }) => seq)).toEqual(items.map((_, index) => index + 1));
    expect(items.map(({ type }) => type)).toContain('metrics');
  });

  it('cancels, waits until it is done, and resumes with changes to the end', async () => {
    const id = await givenLongTraining('--name', 'stopped');
    await training.reached(id, 20);
    const cancelled = await run('operations', 'cancel', id, '--wait', '--reason', 'wrong data');
    expect(cancelled.code).toBe(0);
    expect(cancelled.stdout).toContain('  status    cancelled\n');
    expect(cancelled.stdout).toContain(`  resume    ktrdr operations resume ${id}\n`);
    const { step, epoch } = (await training.show(id))['latest_checkpoint'] as { step: number; epoch: number };
    const rehearsed = await run('operations', 'resume', id, '--epochs', `${epoch + 2}`, '--dry-run');
    expect(rehearsed.stdout).toContain(`changed   epochs 500 → ${epoch + 2}\n`);
    expect((await training.show(id))['status']).toBe('cancelled');
    const resumed = await run('operations', 'resume', id, '--epochs', `${epoch + 2}`, '--watch');
    expect(resumed.code).toBe(0);
    expect(resumed.stdout).toContain(`Resumed ${id}\n`);
    expect(resumed.stdout).toMatch(
      new RegExp(
        `from +epoch ${epoch}, step ${step.toLocaleString('en-US')} \\(cancel checkpoint of .*\\), nothing lost`,
      ),
    );
    expect(resumed.stdout).toContain('  status    completed\n');
    expect((await run('operations', 'show', id)).stdout).toContain(`changed      epochs 500 → ${epoch + 2}\n`);
  });

  it('shows what a person wants to know of a pause, and lists, verifies and pins its checkpoint', async () => {
    const id = await givenLongTraining('--name', 'paused');
    await training.reached(id, 20);
    const paused = await run('operations', 'pause', id, '--wait', '--cause', 'resource', '--reason', 'machine needed');
    expect(paused.code).toBe(0);
    const { stdout: card } = await run('operations', 'show', id);
    expect(card).toMatch(/\n {2}why +resource: machine needed\n/);
    expect(card).toMatch(/\n {2}remaining +.* \(active time per step so far, times the steps that remain\)\n/);
    expect(card).toMatch(/\n {2}CPU +(\d+ %|not measured)\n/);
    expect(card).toMatch(/\n {2}released +.*the trainer has ended/);
    const { items } = await json<CheckpointPage>('checkpoints', id);
    const checkpoint = items[0]?.checkpoint_id ?? '';
    expect(items[0]).toMatchObject({ checkpoint_type: 'pause', is_latest: true });
    expect((await run('checkpoints', id)).stdout).toContain(checkpoint);
    expect((await run('checkpoints', 'show', checkpoint)).stdout).toContain('weights.safetensors');
    expect((await run('checkpoints', 'verify', checkpoint)).stdout).toMatch(/verdict +valid\n/);
    const all = await run('checkpoints', 'verify', '--all');
    expect([all.code, all.stdout]).toEqual([0, expect.stringMatching(/^\d+ checkpoints? verified · all valid · /)]);
    expect((await run('checkpoints', 'pin', checkpoint)).code).toBe(0);
    expect((await run('checkpoints', 'stats')).stdout).toContain('Checkpoints\n');
    expect((await run('operations', 'cancel', id)).code).toBe(0);
  });

  it('refuses with an exit code for each kind of refusal', async () => {
    const queued = (
      await json<OperationView>('operations', 'start', await specFile(), '--pool', 'nobody', '--name', 'waits')
    ).operation_id;
    const missing = await run('operations', 'show', UNKNOWN);
    const wrongState = await run('operations', 'resume', queued);
    const noResult = await run('operations', 'result', queued);
    const wrongToken = await ktrdr(['operations'], { env: { ...env(), KTRDR_API_TOKEN: 'wrong' } });
    const badSpec = await run('operations', 'start', await specFile({ epochs: 0 }));
    const noFilter = await run('operations', 'pause', '--all', '--yes');
    const nobody = await run('operations', '--api-url', 'http://127.0.0.1:9');
    const results = [missing, wrongState, noResult, wrongToken, badSpec, noFilter, nobody];
    expect(results.map(({ code }) => code)).toEqual([3, 4, 4, 7, 2, 2, 5]);
    expect(wrongState.stderr).toContain('allowed   pause, cancel\n');
    expect(badSpec.stderr).toContain('epochs (line 1)');
  });

  it('moves in the queue, and acts on all that match', async () => {
    const label = 'set=bulk';
    const spec = await specFile();
    const starting = ['operations', 'start', spec, '--pool', 'nobody', '--label', label, '--name'];
    const first = await json<OperationView>(...starting, 'first');
    const second = await json<OperationView>(...starting, 'second');
    const moved = await json<OperationView>('operations', 'prioritise', second.operation_id, '--front');
    expect(moved.queue_position).toBe(1);
    const preview = await json<BulkView>('operations', 'pause', '--all', '--label', label, '--dry-run');
    expect(preview).toMatchObject({ dry_run: true, matched: 2, done: 2 });
    expect((await run('operations', 'pause', '--all', '--label', label)).code).toBe(2);
    expect((await run('operations', 'pause', '--all', '--label', label, '--yes')).stdout).toContain('2 asked to pause');
    await run('operations', 'cancel', first.operation_id);
    const mixed = await run('operations', 'pause', '--all', '--label', label, '--yes');
    expect(mixed.code).toBe(0);
    expect(mixed.stdout).toContain('1 already paused and 1 already cancelled, passed over');
    const resumed = await json<BulkView>(
      'operations',
      'resume',
      '--all',
      '--label',
      label,
      '--status',
      'paused',
      '--yes',
    );
    expect(resumed.items).toMatchObject([{ operation_id: second.operation_id, outcome: 'done', status: 'resuming' }]);
    const cancelled = await run('operations', 'cancel', '--all', '--label', label, '--status', 'resuming', '--yes');
    expect(cancelled.code).toBe(0);
    const page = await json<OperationPage>('operations', '--label', label);
    expect(page.items.map(({ status }) => status)).toEqual(['cancelled', 'cancelled']);
  });

  it('follows a log until Ctrl+C and leaves the operation alone', async () => {
    const id = await givenLongTraining('--name', 'followed');
    await training.reached(id, 5);
    const watch = await start('operations', 'watch', id);
    await watch.prints('epoch ');
    watch.child.kill('SIGINT');
    const { code, stdout } = await watch.finished();
    expect(code).toBe(0);
    expect(stdout).toContain('Detached; the operation goes on.');
    expect((await training.show(id))['status']).toBe('running');
    const again = await run('operations', 'retry', id);
    expect(again.code).toBe(4);
    expect((await run('operations', 'cancel', id, '--wait', '--discard')).code).toBe(0);
    const retried = await json<OperationView>('operations', 'retry', id);
    expect(retried.origin).toMatchObject({ kind: 'retry', operation_id: id });
    await run('operations', 'cancel', retried.operation_id, '--wait');
    expect((await run('operations', 'delete', retried.operation_id, '--yes')).code).toBe(0);
  });

  it('lists the workers, drains one and ends that', async () => {
    expect((await run('workers')).stdout).toMatch(/^w1 +available/m);
    expect((await run('workers', 'drain', 'w1')).stdout).toContain('Drains w1\n  status    draining\n');
    const { items } = await json<WorkerPage>('workers');
    expect(items).toMatchObject([{ worker_id: 'w1', status: 'draining' }]);
    expect((await run('workers', 'drain', 'w1', '--end')).stdout).toContain('Takes work again: w1\n');
    expect((await run('workers', 'drain', 'nobody')).code).toBe(3);
  });
});
