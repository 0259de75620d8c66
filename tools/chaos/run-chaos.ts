import { planActions, planFaults } from './chaos-plan.js';
import { type ChaosStack, LEASE_MS, startChaosStack } from './chaos-stack.js';
import { Clients } from './clients.js';
import { FaultInjector } from './fault-injector.js';
import { type ChaosRun, judge, type Submitted } from './judgement.js';
import type { Violation } from './invariants.js';
import { type OperationGlance, RecordReader } from './operation-record.js';
import type { ChaosOptions } from './options.js';
import { pauseUntil, tryUntil } from './pause.js';
import { type Drill, drillRecovery } from './recovery-drill.js';
import { type ReferenceRun, runReferences } from './reference-runs.js';
import { secondsEach, trainingsFor } from './trainings.js';
import { Watch } from './watch.js';

const CARE_EVERY_MS = 1_000;
const PROGRESS_EVERY_MS = 2_000;
const SETTLE_MORE_MS = 180_000;
/** Fewer than the failures to come, so that the end of the budget is seen too. */
const MAX_RECOVERIES = 4;

/** How the run shows itself, and how it is stopped. */
export interface ChaosSurroundings {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Told as soon as there is something to end. */
  readonly onStarted: (stack: ChaosStack) => void;
}

/** Starts a stack, trains, breaks it for a while, lets everything come to its end, and judges what the database says. */
export async function runChaos(
  options: ChaosOptions,
  { say, signal, onStarted }: ChaosSurroundings,
): Promise<ChaosRun> {
  const startedAt = performance.now();
  say(`seed ${options.seed}: starting PostgreSQL, NATS, ${options.apis} API replicas and ${options.workers} workers`);
  const stack = await startChaosStack(options, onStarted);
  const reader = new RecordReader(stack.databaseUrl);
  const ending = new AbortController();
  try {
    const clients = new Clients(
      stack.apis.map(({ url }) => url),
      stack.token,
    );
    const parts = { stack, clients, reader, signal };
    const seconds = secondsEach({ seconds: options.minutes * 60, ...options });
    const trainings = trainingsFor(options.operations);
    say(`running ${trainings.length} trainings undisturbed, of about ${seconds.toFixed(1)} s each`);
    const references = await runReferences(trainings, seconds, parts);
    for (const { training, epochs, reference, seconds: took } of references)
      say(
        `  ${training.name}: ${epochs} epochs, ${reference.steps} steps, ${took.toFixed(1)} s, ${reference.weightsSha256.slice(0, 12)}…`,
      );
    const drill = await drillIfPossible(options, references, parts, say);

    const failures: Error[] = [];
    const abort = new AbortController();
    const running = AbortSignal.any([signal, abort.signal]);
    const injector = new FaultInjector(
      stack,
      (line) => say(`  ${line}`),
      (error) => {
        failures.push(error);
        abort.abort();
      },
    );
    const submitted = await submitAll(options, references, clients);
    const ids = submitted.map(({ id }) => id);
    const watch = new Watch(reader);
    const showing = new Progress(say, stack, injector, ids);
    const watching = watch.run((glance) => showing.show(glance), ending.signal);

    const size = {
      durationMs: options.minutes * 60_000,
      leaseMs: LEASE_MS,
      workers: stack.workers.length,
      apis: stack.apis.length,
      links: stack.links.length,
      operations: ids.length,
    };
    const faultsFrom = performance.now();
    const over = untilAllCompleted(ids, reader, running);
    const stopFaults = AbortSignal.any([running, over.completed]);
    await Promise.all([
      injector.carryOut(planFaults(options.seed, size), stopFaults),
      clients.carryOut(planActions(options.seed, size), ids, stopFaults),
      care(clients, ids, faultsFrom + size.durationMs, stopFaults),
    ]);
    const faultSeconds = (performance.now() - faultsFrom) / 1000;
    signal.throwIfAborted();
    if (failures.length > 0)
      throw new AggregateError(failures, `A part did not come back: ${failures.map(String).join('; ')}`);
    say(`no more faults after ${faultSeconds.toFixed(0)} s; everything is to complete now`);
    await settle(clients, ids, reader, { deadlineMs: size.durationMs + SETTLE_MORE_MS, signal });
    signal.throwIfAborted();
    ending.abort();
    await watching;
    await watch.look();
    const ended = stack.parts.flatMap(({ unexpectedEnd }) => unexpectedEnd ?? []);
    const seen: readonly Violation[] = [
      ...watch.violations,
      ...clients.violations,
      ...ended.map((detail) => ({ invariant: 'part-ended' as const, operationId: null, detail })),
    ];
    return await judge({ options, stack, reader, clients, injector, drill, submitted, seen, faultSeconds, startedAt });
  } finally {
    ending.abort();
    await reader.close();
  }
}

async function drillIfPossible(
  { minutes, workers }: ChaosOptions,
  references: readonly ReferenceRun[],
  parts: Parameters<typeof drillRecovery>[2],
  say: (line: string) => void,
): Promise<Drill | null> {
  const [first] = references;
  if (workers < 2 || !first) return null;
  const kills = minutes < 1 ? 2 : 10;
  say(`killing a worker ${kills} times while nothing else is wrong`);
  return drillRecovery(first.training, kills, parts);
}

async function submitAll(
  { operations }: ChaosOptions,
  references: readonly ReferenceRun[],
  clients: Clients,
): Promise<readonly Submitted[]> {
  const submitted: Submitted[] = [];
  for (let n = 0; n < operations; n += 1) {
    const run = references[n % references.length];
    if (!run) throw new Error('There is nothing to train');
    const { name, spec } = run.training;
    const body = { name: `${n + 1}: ${name}`, spec, max_recoveries: MAX_RECOVERIES };
    submitted.push({ id: (await clients.next().submit(body)).operation_id, run });
  }
  return submitted;
}

/** Aborts its signal when there is nothing left to disturb. */
function untilAllCompleted(ids: readonly string[], reader: RecordReader, signal: AbortSignal) {
  const controller = new AbortController();
  void tryUntil(() => areCompleted(ids, reader), { deadlineMs: Infinity, everyMs: 1_000, signal }).then(() =>
    controller.abort(),
  );
  return { completed: controller.signal };
}

async function areCompleted(ids: readonly string[], reader: RecordReader): Promise<true | undefined> {
  const glance = await reader.glance().catch(() => []);
  const completed = new Set(glance.flatMap(({ id, status }) => (status === 'completed' ? [id] : [])));
  return ids.every((id) => completed.has(id)) || undefined;
}

/** Somebody looks after what failed, for as long as there are faults. */
async function care(clients: Clients, ids: readonly string[], until: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && performance.now() < until) {
    await clients.resumeStopped(ids, 'failed');
    await pauseUntil(performance.now() + CARE_EVERY_MS, signal);
  }
}

async function settle(
  clients: Clients,
  ids: readonly string[],
  reader: RecordReader,
  limits: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await tryUntil(
    async () => {
      if (await areCompleted(ids, reader)) return true;
      await clients.resumeStopped(ids, 'all');
      return undefined;
    },
    { ...limits, everyMs: CARE_EVERY_MS },
  );
}

/** A line about everything, every other second. */
class Progress {
  private readonly startedAt = performance.now();
  private shownAt = -Infinity;

  constructor(
    private readonly say: (line: string) => void,
    private readonly stack: ChaosStack,
    private readonly injector: FaultInjector,
    private readonly ids: readonly string[],
  ) {}

  show(glance: readonly OperationGlance[] | null): void {
    const now = performance.now();
    if (now - this.shownAt < PROGRESS_EVERY_MS) return;
    this.shownAt = now;
    const { parts, links } = this.stack;
    const ours = glance?.filter(({ id }) => this.ids.includes(id));
    const counts = Object.entries(Object.groupBy(ours ?? [], ({ status }) => status))
      .map(([status, rows]) => `${rows?.length ?? 0} ${status}`)
      .join(', ');
    const attempts = ours?.reduce((sum, { attempt }) => sum + attempt, 0);
    const faults = [...this.injector.inflicted.values()].reduce((sum, count) => sum + count, 0);
    const down = [
      ...parts.filter(({ isUp }) => !isUp).map(({ name }) => name),
      ...links.filter(({ proxy }) => proxy.isDisturbed).map(({ name }) => name),
    ];
    const state = ours ? `${counts}; ${attempts} attempts` : 'the database cannot be read';
    const time = `${((now - this.startedAt) / 1000).toFixed(0)} s`.padStart(6);
    this.say(`${time}: ${state}; ${faults} faults${down.length > 0 ? `, now ${down.join(', ')}` : ''}`);
  }
}
