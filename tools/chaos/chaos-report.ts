import type { ChaosOptions } from './options.js';
import type { FaultKind } from './chaos-plan.js';
import { INVARIANTS, type Violation } from './invariants.js';
import type { OperationRecord } from './operation-record.js';
import { quantile } from './quantile.js';
import type { StoreAudit } from './stored-objects.js';

/** A share of all, such as the operations whose weights are equal. */
interface Count {
  readonly count: number;
  readonly of: number;
}

/** What a run came to. */
export interface ChaosReport {
  readonly seed: string;
  readonly options: Pick<ChaosOptions, 'minutes' | 'operations' | 'workers' | 'apis'>;
  readonly leaseMs: number;
  readonly durationSeconds: number;
  readonly faultSeconds: number;
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>;
  readonly faultsLeftOut: number;
  readonly clientAnswers: Readonly<Record<'accepted' | 'refused' | 'unanswered', number>>;
  readonly attempts: number;
  readonly recoveries: number;
  readonly resumesAfterFailure: number;
  readonly lostSteps: { readonly times: number; readonly sum: number; readonly max: number };
  readonly steps: number;
  readonly doubleRuns: number;
  readonly staleWrites: number;
  readonly weightsEqual: Count;
  readonly ledgersEqual: Count;
  /** Points that the charts of uninterrupted runs have and these do not: told by a worker that died before it was heard. */
  readonly figuresMissing: Count;
  /** Dead worker to the end of its lease, nothing else being wrong. */
  readonly freedMs: readonly number[];
  /** Dead worker to claim by a free one, nothing else being wrong. */
  readonly claimedElsewhereMs: readonly number[];
  readonly claimedElsewhereP95Ms: number | null;
  readonly claimedElsewhereBarMs: number;
  /** The same while everything else was wrong, and mostly no worker was free. */
  readonly claimedInChaosMs: readonly number[];
  readonly store: StoreAudit;
  readonly violations: readonly Violation[];
}

/** Whether every invariant held. */
export function hasPassed({ violations }: ChaosReport): boolean {
  return violations.length === 0;
}

const WIDTH = 26;
const line = (what: string, value: string): string => `  ${what.padEnd(WIDTH)} ${value}`;
const seconds = (ms: number | null): string => (ms === null ? '–' : `${(ms / 1000).toFixed(2)} s`);
const SHOWN_ORPHANS = 20;

/** The report for people. */
export function toText(report: ChaosReport): string {
  const { options, faults, lostSteps, store, clientAnswers: answers } = report;
  const total = Object.values(faults).reduce((sum, count) => sum + count, 0);
  const orphanBytes = store.orphans.reduce((sum, { bytes }) => sum + bytes, 0);
  const { claimedElsewhereMs: drill, claimedInChaosMs: inChaos } = report;
  const isFast = (report.claimedElsewhereP95Ms ?? 0) <= report.claimedElsewhereBarMs;
  return [
    `chaos, seed ${report.seed}`,
    line('operations', `${options.operations} on ${options.workers} workers and ${options.apis} API replicas`),
    line('faults', `${total} in ${report.faultSeconds.toFixed(0)} s (${report.faultsLeftOut} left out: target down)`),
    ...Object.entries(faults)
      .toSorted(([a], [b]) => a.localeCompare(b))
      .map(([kind, count]) => line(`  ${kind}`, `${count}`)),
    line(
      'client requests',
      `${answers.accepted} accepted, ${answers.refused} refused, ${answers.unanswered} unanswered`,
    ),
    line('attempts', `${report.attempts}, of them ${report.recoveries} recoveries by themselves`),
    line('resumed after failing', `${report.resumesAfterFailure}`),
    line('lost steps', `${lostSteps.sum} of ${report.steps} (${lostSteps.times} times, at most ${lostSteps.max})`),
    line('double runs', `${report.doubleRuns}`),
    line('accepted stale writes', `${report.staleWrites}`),
    line('weights equal', `${report.weightsEqual.count} of ${report.weightsEqual.of}`),
    line('sample ledgers equal', `${report.ledgersEqual.count} of ${report.ledgersEqual.of}`),
    line('figures missing in charts', `${report.figuresMissing.count} of ${report.figuresMissing.of}`),
    line(
      'dead → claimed elsewhere',
      drill.length === 0
        ? 'not measured: it takes two workers'
        : `p50 ${seconds(quantile(drill, 0.5))}, p95 ${seconds(report.claimedElsewhereP95Ms)} of ${drill.length} kills; ` +
            `${isFast ? 'within' : 'OVER'} lease + 2 s = ${seconds(report.claimedElsewhereBarMs)}`,
    ),
    line(
      '  of that until freed',
      `p50 ${seconds(quantile(report.freedMs, 0.5))}, p95 ${seconds(quantile(report.freedMs, 0.95))}`,
    ),
    line(
      '  in the chaos',
      `p50 ${seconds(quantile(inChaos, 0.5))}, p95 ${seconds(quantile(inChaos, 0.95))} of ${inChaos.length} kills (queueing included)`,
    ),
    line('objects stored', `${store.objects}, ${store.bytes} bytes`),
    line('orphaned objects', `${store.orphans.length}, ${orphanBytes} bytes`),
    ...store.orphans.slice(0, SHOWN_ORPHANS).map(({ key, bytes }) => `    ${key} (${bytes})`),
    ...(store.orphans.length > SHOWN_ORPHANS ? [`    and ${store.orphans.length - SHOWN_ORPHANS} more`] : []),
    line('unfinished writes left', `${store.unfinished.length}`),
    line('duration', `${report.durationSeconds.toFixed(0)} s`),
    '',
    report.violations.length === 0
      ? `  every invariant held (${Object.keys(INVARIANTS).length})`
      : `  ${report.violations.length} VIOLATIONS`,
  ].join('\n');
}

/** What was violated, with the whole history of each operation that it concerns, and how to have it again. */
export function violationText({ violations, seed, options }: ChaosReport, records: readonly OperationRecord[]): string {
  const about = new Set(violations.map(({ operationId }) => operationId));
  const told = Map.groupBy(violations, (one) => `${one.invariant} ${one.operationId} ${one.detail}`);
  return [
    ...[...told.values()].flatMap((same) => {
      const [first] = same;
      if (!first) return [];
      const times = same.length > 1 ? ` (${same.length} times)` : '';
      const { invariant, operationId, detail } = first;
      return `VIOLATION ${invariant}: ${INVARIANTS[invariant]}\n  ${operationId ?? 'the stack'}: ${detail}${times}`;
    }),
    ...records.filter(({ id }) => about.has(id)).map(historyText),
    `\nTo have it again: npm run chaos -- --minutes ${options.minutes} --seed ${seed} --operations ${options.operations} ` +
      `--workers ${options.workers} --apis ${options.apis}`,
  ].join('\n');
}

function historyText({ id, name, status, history, attempts }: OperationRecord): string {
  return [
    `\n${id} (${name}), ${status}`,
    ...history.map(({ n, at, event, from, to, actor, attempt, reason }) => {
      const why = reason ? `: ${reason}` : '';
      return `  ${String(n).padStart(3)} ${at.toISOString()} ${event} ${from ?? '–'} → ${to}, attempt ${attempt}, ${actor}${why}`;
    }),
    ...attempts.map(
      ({ attempt, workerId, claimedAt, endedAt, startStep, outcome }) =>
        `  attempt ${attempt} by ${workerId} from ${claimedAt.toISOString()} (step ${startStep ?? '–'}) to ` +
        `${endedAt?.toISOString() ?? 'now'}: ${outcome ?? 'open'}`,
    ),
  ].join('\n');
}
