import type { ChaosStack } from './chaos-stack.js';
import type { Clients } from './clients.js';
import type { RecordReader } from './operation-record.js';
import { tryUntil } from './pause.js';
import { trySignal } from './process-children.js';
import { type Training, withEpochs } from './trainings.js';

const DEADLINE_MS = 60_000;
/** More than it will get to. */
const EPOCHS = 100_000;

export interface DrillParts {
  readonly stack: ChaosStack;
  readonly clients: Clients;
  readonly reader: RecordReader;
  readonly signal: AbortSignal;
}

/** Milliseconds from the death of a worker, each time: until its lease was over, and until another worker had claimed. */
export interface Drill {
  readonly operationId: string;
  readonly freedAfterMs: readonly number[];
  readonly claimedAfterMs: readonly number[];
}

/** Kills the worker that has an operation, again and again, while nothing else is wrong. */
export async function drillRecovery(training: Training, kills: number, parts: DrillParts): Promise<Drill> {
  const { stack, clients, reader, signal } = parts;
  const { name, spec } = withEpochs(training, EPOCHS);
  const body = { name: `drill: ${name}`, spec, max_recoveries: kills };
  const { operation_id: operationId } = await clients.next().submit(body);
  const freedAfterMs: number[] = [];
  const claimedAfterMs: number[] = [];
  for (let attempt = 1; attempt <= kills; attempt += 1) {
    const holder = await sooner(`attempt ${attempt} is under way`, signal, async () => {
      const view = await clients.tryShow(operationId);
      if (view?.status !== 'running' || view.attempt !== attempt || !view.progress?.step) return undefined;
      return stack.workers.find(({ name: id, isUp }) => id === view.worker_id && isUp);
    });
    let killedAt = 0;
    const outage = holder.outage(
      async (process) => {
        killedAt = Date.now();
        trySignal(process.pid, 'SIGKILL');
        await process.exited;
      },
      () => Promise.resolve(),
    );
    const [lost, claim] = await sooner(`attempt ${attempt + 1} is claimed`, signal, async () => {
      const attempts = await reader.attemptsOf(operationId);
      const [dead, next] = [attempts[attempt - 1], attempts[attempt]];
      return dead && next ? ([dead, next] as const) : undefined;
    });
    freedAfterMs.push((lost.endedAt?.getTime() ?? Infinity) - killedAt);
    claimedAfterMs.push(claim.claimedAt.getTime() - killedAt);
    await outage;
  }
  await sooner('the drill is cancelled', signal, async () => {
    const view = await clients.tryShow(operationId);
    if (view?.status === 'cancelled') return true;
    if (view?.allowed_actions.includes('cancel')) await clients.next().cancel(operationId);
    return undefined;
  });
  return { operationId, freedAfterMs, claimedAfterMs };
}

async function sooner<T>(what: string, signal: AbortSignal, ask: () => Promise<T | undefined>): Promise<T> {
  const answer = await tryUntil(ask, { deadlineMs: DEADLINE_MS, everyMs: 50, signal });
  signal.throwIfAborted();
  if (answer === undefined) throw new Error(`Not within ${DEADLINE_MS / 1000} s: ${what}.`);
  return answer;
}
