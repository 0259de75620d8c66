import { spawnSync } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import type { OperationView } from '@ktrdr/contracts';
import { ContractApi, openStream, sendEvent } from '../../testing/contract-api.js';
import { checkpointSummary, eventView, ID, operationView } from '../../testing/fixtures.js';
import { startKtrdr } from '../../testing/ktrdr-process.js';

let api: ContractApi;
beforeEach(async () => {
  api = await new ContractApi().start();
});
afterEach(() => api.stop());

/** Runs the command that its arguments are on a terminal of its own. */
const TERMINAL = 'import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))';

const start = (...args: string[]) => startKtrdr(args, { env: { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret' } });

/** An API that shows one operation; `current` is what it says, `streams` are its open event streams. */
function givenOperation(current: OperationView) {
  const given = { current, streams: [] as ServerResponse[] };
  api.on(`GET /operations/${ID}`, (_request, response) => response.end(JSON.stringify(given.current)));
  api.on('GET /events', (_request, response) => {
    openStream(response, given.current);
    given.streams.push(response);
  });
  return given;
}

const metrics = (seq: number, epoch: number) =>
  eventView(seq, 'metrics', { step: epoch * 112, epoch, values: { loss: 0.5, val_loss: 0.6 } });

const COMPLETED = operationView({
  status: 'completed',
  allowed_actions: ['delete'],
  result: { weights_sha256: 'f00d' },
  progress: {
    fraction: 1,
    epoch: 50,
    epochs: 50,
    step: 5600,
    steps: 5600,
    examples_per_second: null,
    eta_seconds: null,
  },
});

describe('watch', () => {
  it('prints a line an epoch and ends with the operation', async () => {
    const given = givenOperation(operationView());
    const watch = await start('operations', 'watch', ID);
    await api.received('GET /events');
    sendEvent(given.streams[0] as ServerResponse, metrics(1, 13));
    await watch.prints('epoch 13/50  step 1,456/5,600  loss 0.5000  val 0.6000');
    given.current = COMPLETED;
    sendEvent(given.streams[0] as ServerResponse, eventView(2, 'status', { to: 'completed' }));
    const { code, stdout } = await watch.finished();
    expect(code).toBe(0);
    expect(stdout).toContain('  status    completed\n');
    expect(stdout).toContain('  weights   sha256 f00d\n');
    expect(stdout).not.toContain('\u001b');
  });

  it.each([
    ['completed', 0],
    ['failed', 1],
    ['cancelled', 1],
    ['paused', 0],
  ] as const)('ends at once when the operation is %s already, with %i', async (status, exit) => {
    givenOperation(operationView({ status, latest_checkpoint: checkpointSummary(), allowed_actions: ['resume'] }));
    const { code, stdout } = await (await start('operations', 'watch', ID)).finished();
    expect(code).toBe(exit);
    expect(stdout).toContain(`ktrdr operations resume ${ID}`);
    expect(api.requests.map(({ route }) => route)).toEqual([`GET /operations/${ID}`]);
  });

  it('detaches by Ctrl+C and leaves the operation alone', async () => {
    givenOperation(operationView());
    const watch = await start('operations', 'watch', ID);
    await watch.prints('epoch 12/50');
    await api.received('GET /events');
    watch.child.kill('SIGINT');
    const { code, stdout } = await watch.finished();
    expect(code).toBe(0);
    expect(stdout).toContain(`Detached; the operation goes on.\n  watch    ktrdr operations watch ${ID}\n`);
    expect(api.requests.filter(({ route }) => !route.startsWith('GET '))).toEqual([]);
  });

  it('survives a restart of the API, says so once, and shows every epoch once', async () => {
    const given = givenOperation(operationView());
    const watch = await start('operations', 'watch', ID);
    await api.received('GET /events');
    sendEvent(given.streams[0] as ServerResponse, metrics(1, 13));
    await watch.prints('epoch 13/50');
    await api.stop();
    await watch.prints('Connecting again');
    await api.start();
    const again = await api.received('GET /events', 2);
    expect(again.headers['last-event-id']).toBe('e1');
    const stream = given.streams[1] as ServerResponse;
    sendEvent(stream, metrics(1, 13));
    sendEvent(stream, metrics(2, 14));
    await watch.prints('epoch 14/50');
    given.current = COMPLETED;
    sendEvent(stream, eventView(3, 'status'));
    const { code, stdout } = await watch.finished();
    expect(code).toBe(0);
    expect(stdout.match(/Connecting again/g)).toHaveLength(1);
    expect(stdout.match(/Connected again/g)).toHaveLength(1);
    expect(stdout.match(/epoch 13\/50 {2}step 1,456/g)).toHaveLength(1);
  });

  it('says that the worker was lost, that it waits for another, and who takes it over', async () => {
    const given = givenOperation(operationView());
    const watch = await start('operations', 'watch', ID);
    await api.received('GET /events');
    const stream = given.streams[0] as ServerResponse;
    const lack = 'no worker of pool default is alive';
    given.current = operationView({ status: 'resuming', queue_position: 1, no_fitting_worker: lack });
    const reason = 'worker worker-1 sent no heartbeat for a whole lease';
    sendEvent(stream, eventView(1, 'status', { event: 'lease-expired', to: 'resuming', reason }));
    await watch.prints(
      `Its lease was lost: ${reason}. It waits for a worker and continues from its last checkpoint.\n`,
    );
    await watch.prints('No worker of pool default is alive; it waits until there is one.\n');
    await watch.prints('resuming, 1st in queue');
    given.current = operationView({ attempt: 3, no_fitting_worker: null });
    sendEvent(stream, eventView(2, 'status', { event: 'claim', to: 'running', actor: 'worker:w7' }));
    await watch.prints('Worker w7 has taken it over, attempt 2.\n');
    given.current = COMPLETED;
    sendEvent(stream, eventView(3, 'status', { event: 'complete', to: 'completed' }));
    expect((await watch.finished()).code).toBe(0);
  });

  const hasPython = spawnSync('python3', ['-c', 'import pty']).status === 0;
  (hasPython ? it : it.skip)(
    'on a terminal says what it waits for beside the line that is drawn over and over',
    async () => {
      const given = givenOperation(operationView());
      const env = { KTRDR_API_URL: api.url, KTRDR_API_TOKEN: 'secret', TERM: 'xterm' };
      const watch = await startKtrdr(['operations', 'watch', ID], { env, under: ['python3', '-c', TERMINAL] });
      await watch.prints('epoch 12/50');
      await api.received('GET /events');
      const late = Promise.withResolvers<void>();
      api.on(`GET /operations/${ID}`, (_request, response) => {
        void late.promise.then(() => response.end(JSON.stringify(COMPLETED)));
      });
      sendEvent(given.streams[0] as ServerResponse, eventView(1, 'status', { to: 'completed' }));
      await watch.prints('s more at most …');
      late.resolve();
      const { code, stdout } = await watch.finished();
      expect(code).toBe(0);
      // Erased, said on a line of its own, and drawn again.
      expect(stdout).toMatch(
        /epoch 12\/50[^\r\n]*\r\u001b\[Kstill waiting for an answer[^\r\n]*\r\n[^\r\n]*epoch 12\/50/,
      );
    },
  );

  it('does not wait for an operation that does not exist', async () => {
    api.refuse(`GET /operations/${ID}`, 404, 'operation-not-found');
    expect((await (await start('operations', 'watch', ID)).finished()).code).toBe(3);
  });

  it('prints only the last state with --json', async () => {
    givenOperation(COMPLETED);
    const { stdout } = await (await start('operations', 'watch', ID, '--json')).finished();
    expect(JSON.parse(stdout)).toEqual(COMPLETED);
  });
});

describe('waiting', () => {
  it('for a cancel ends when the worker has confirmed it, with the command to resume', async () => {
    const given = givenOperation(operationView({ status: 'cancelling' }));
    const action = { operation_id: ID, status: 'cancelling', message: 'Its worker is told', allowed_actions: [] };
    api.answer(`POST /operations/${ID}/cancel`, action, 202);
    const cancel = await start('operations', 'cancel', ID, '--wait');
    await api.received('GET /events');
    const latest_checkpoint = checkpointSummary();
    given.current = operationView({ status: 'cancelled', latest_checkpoint, allowed_actions: ['resume', 'delete'] });
    sendEvent(given.streams[0] as ServerResponse, eventView(1, 'status'));
    const { code, stdout } = await cancel.finished();
    expect(code).toBe(0);
    expect(stdout).toContain(`resume    ktrdr operations resume ${ID}`);
  });

  it('for a pause fails when the operation goes on instead', async () => {
    const pause = {
      boundary: 'step',
      cause: 'manual',
      reason: null,
      requested_by: 'ada',
      requested_at: '2026-11-22T10:17:00.000Z',
    } as const;
    const given = givenOperation(operationView({ status: 'pausing', pause }));
    const action = { operation_id: ID, status: 'pausing', message: 'It pauses', allowed_actions: ['resume'] };
    api.answer(`POST /operations/${ID}/pause`, action, 202);
    const waiting = await start('operations', 'pause', ID, '--wait');
    await api.received('GET /events');
    given.current = operationView({ pause: null });
    sendEvent(given.streams[0] as ServerResponse, eventView(1, 'status'));
    expect((await waiting.finished()).code).toBe(1);
  });
});

describe('logs --follow', () => {
  it('shows what was and what comes, without a gap or a duplicate, until the end', async () => {
    const given = givenOperation(operationView());
    const log = (seq: number) => eventView(seq, 'log', { lines: [`line ${seq}`] });
    const stored = [log(1), log(2)];
    api.on(`GET /operations/${ID}/events`, ({ query }, response) => {
      const items = stored.filter(({ seq }) => seq > Number(query.get('after')));
      response.end(JSON.stringify({ items, next_after: items.at(-1)?.seq ?? Number(query.get('after')) }));
    });
    const logs = await start('operations', 'logs', ID, '--follow');
    await logs.prints('line 2');
    const stream = given.streams[0] as ServerResponse;
    sendEvent(stream, log(2));
    stored.push(log(3)); // written, but not sent
    stored.push(log(4));
    sendEvent(stream, log(4));
    await logs.prints('line 4');
    given.current = COMPLETED;
    sendEvent(stream, eventView(5, 'status'));
    const { code, stdout } = await logs.finished();
    expect(code).toBe(0);
    expect(stdout.match(/line \d/g)).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  });
});
