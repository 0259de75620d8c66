import type { ChaosReport } from './chaos-report.js';
import { type ChaosStack, LEASE_MS } from './chaos-stack.js';
import type { Clients } from './clients.js';
import type { FaultInjector, WorkerKill } from './fault-injector.js';
import { lostSteps, missingFigures, type Reference, type Violation, violationsOf } from './invariants.js';
import type { OperationRecord, RecordReader } from './operation-record.js';
import type { ChaosOptions } from './options.js';
import { tryUntil } from './pause.js';
import { quantile } from './quantile.js';
import type { Drill } from './recovery-drill.js';
import type { ReferenceRun } from './reference-runs.js';
import { auditStore } from './stored-objects.js';

/** What a run came to, with what the database says of each operation. */
export interface ChaosRun {
  readonly report: ChaosReport;
  readonly records: readonly OperationRecord[];
}

/** One submitted operation and what it must come to. */
export interface Submitted {
  readonly id: string;
  readonly run: ReferenceRun;
}

/** Retired checkpoints are removed in turns; until then their objects are no orphans. */
const RETENTION_MS = 60_000;
const CLAIM_BAR_MS = LEASE_MS + 2_000;

export interface Evidence {
  readonly options: ChaosOptions;
  readonly stack: ChaosStack;
  readonly reader: RecordReader;
  readonly clients: Clients;
  readonly injector: FaultInjector;
  readonly drill: Drill | null;
  readonly submitted: readonly Submitted[];
  /** Violations that were seen while it ran. */
  readonly seen: readonly Violation[];
  readonly faultSeconds: number;
  readonly startedAt: number;
}

/** Reads everything that the database and the store hold, and says what of it must not be. */
export async function judge(evidence: Evidence): Promise<ChaosRun> {
  const { options, stack, reader, clients, injector, drill, submitted, seen, startedAt } = evidence;
  await tryUntil(async () => ((await reader.deletions()) === 0 ? true : undefined), {
    deadlineMs: RETENTION_MS,
    everyMs: 250,
    signal: new AbortController().signal,
  });
  const all = await Promise.all((await reader.glance()).map(({ id }) => reader.record(id)));
  const runOf = new Map(submitted.map(({ id, run }) => [id, run]));
  const ours = all.filter(({ id }) => runOf.has(id));
  const audit = await auditStore(stack.objectsFolder, all);
  // What was retired while we looked is no damage.
  const live = await reader.liveCheckpoints();
  const store = { ...audit, damage: audit.damage.filter(({ checkpointId }) => live.has(checkpointId)) };
  const violations: readonly Violation[] = [
    ...seen,
    ...all.flatMap((record) =>
      violationsOf(record, {
        status: record.id === drill?.operationId ? 'cancelled' : 'completed',
        reference: runOf.get(record.id)?.reference ?? null,
        acceptedResumes: clients.acceptedResumes.get(record.id) ?? 0,
      }),
    ),
    ...store.damage.map(({ operationId, detail }) => ({
      invariant: 'checkpoint-damaged' as const,
      operationId,
      detail,
    })),
  ];
  const lost = ours.flatMap(lostSteps);
  const countOf = (invariant: Violation['invariant']): number =>
    violations.filter((violation) => violation.invariant === invariant).length;
  const equal = (field: string, of: (reference: Reference) => string) => ({
    count: ours.filter(({ id, result }) => {
      const run = runOf.get(id);
      return run !== undefined && result?.[field] === of(run.reference);
    }).length,
    of: ours.length,
  });
  const recordOf = new Map(all.map((record) => [record.id, record]));
  const charts = ours.flatMap((record) => {
    const uninterrupted = recordOf.get(runOf.get(record.id)?.operationId ?? '');
    return uninterrupted ? [{ of: uninterrupted.points.length, missing: missingFigures(record, uninterrupted) }] : [];
  });
  const { minutes, operations, workers, apis } = options;
  const claimedElsewhereMs = drill?.claimedAfterMs ?? [];
  const report: ChaosReport = {
    seed: options.seed,
    options: { minutes, operations, workers, apis },
    leaseMs: LEASE_MS,
    durationSeconds: (performance.now() - startedAt) / 1000,
    faultSeconds: evidence.faultSeconds,
    faults: Object.fromEntries(injector.inflicted),
    faultsLeftOut: injector.skipped,
    clientAnswers: { ...clients.answers },
    attempts: ours.reduce((sum, { attempt }) => sum + attempt, 0),
    recoveries: ours.reduce((sum, record) => sum + recoveriesOf(record), 0),
    resumesAfterFailure: clients.resumedByCare,
    lostSteps: { times: lost.length, sum: lost.reduce((sum, steps) => sum + steps, 0), max: Math.max(0, ...lost) },
    steps: submitted.reduce((sum, { run }) => sum + run.reference.steps, 0),
    doubleRuns: countOf('double-run'),
    staleWrites: countOf('stale-write'),
    weightsEqual: equal('weights_sha256', ({ weightsSha256 }) => weightsSha256),
    ledgersEqual: equal('ledger_sha256', ({ ledgerSha256 }) => ledgerSha256),
    figuresMissing: {
      count: charts.reduce((sum, { missing }) => sum + missing, 0),
      of: charts.reduce((sum, { of }) => sum + of, 0),
    },
    freedMs: drill?.freedAfterMs ?? [],
    claimedElsewhereMs,
    claimedElsewhereP95Ms: quantile(claimedElsewhereMs, 0.95),
    claimedElsewhereBarMs: CLAIM_BAR_MS,
    claimedInChaosMs: injector.workerKills.flatMap((kill) => claimAfter(kill, ours)),
    store,
    violations,
  };
  return { report, records: all };
}

/** Times that the system went on by itself after a fault. */
function recoveriesOf({ history }: OperationRecord): number {
  return history.filter(
    ({ event, actor, to }) =>
      ((event === 'lease-expired' || event === 'crash') && (to === 'resuming' || to === 'queued')) ||
      (event === 'resume' && actor.startsWith('policy:')),
  ).length;
}

/** How long after this kill the operation that the worker had was claimed again. */
function claimAfter({ workerId, at }: WorkerKill, records: readonly OperationRecord[]): number[] {
  return records.flatMap(({ attempts }) =>
    attempts.flatMap(({ workerId: holder, claimedAt, endedAt, outcome }, index) => {
      const next = attempts[index + 1];
      const isHit = holder === workerId && claimedAt.getTime() < at && (endedAt?.getTime() ?? 0) >= at;
      return isHit && outcome === 'lease-expired' && next ? [next.claimedAt.getTime() - at] : [];
    }),
  );
}
