import type { OperationView } from '@ktrdr/contracts';
import { z } from 'zod';

/** What the comparison shows of a completed operation's result. */
const Result = z.looseObject({
  weights_sha256: z.string(),
  epochs_run: z.number(),
  steps: z.number(),
  final: z.looseObject({ loss: z.union([z.number(), z.string()]) }),
  test: z.looseObject({ accuracy: z.number() }).nullable(),
});

/** One completed run and the workers that had it, in order. */
export type CompletedRun = Readonly<{ operation: OperationView; workers: readonly string[] }>;

const LABEL_WIDTH = 16;
const COLUMN_WIDTH = 20;

function toColumn({ operation, workers }: CompletedRun): readonly string[] {
  const result = Result.parse(operation.result);
  const { loss } = result.final;
  return [
    operation.operation_id.slice(-6),
    workers.join(', then '),
    `${operation.attempt}`,
    `${result.epochs_run}`,
    `${result.steps}`,
    typeof loss === 'number' ? loss.toPrecision(9) : loss,
    result.test === null ? '–' : `${(result.test.accuracy * 100).toFixed(2)} %`,
    `${operation.active_seconds.toFixed(1)} s`,
    `${result.weights_sha256.slice(0, 16)}…`,
  ];
}

const LABELS = [
  'operation …',
  'worker',
  'attempts',
  'epochs',
  'steps',
  'final loss',
  'test accuracy',
  'training time',
  'weights SHA-256',
];

/** Whether two runs ended with the same weights, and a table that shows it. */
export function compare(uninterrupted: CompletedRun, interrupted: CompletedRun): { isEqual: boolean; text: string } {
  const columns = [toColumn(uninterrupted), toColumn(interrupted)] as const;
  const row = (label: string, left: string, right: string): string =>
    `  ${label.padEnd(LABEL_WIDTH)} ${left.padEnd(COLUMN_WIDTH)} ${right}`.trimEnd();
  const rows = LABELS.map((label, index) => row(label, columns[0][index] ?? '', columns[1][index] ?? ''));
  const hashes = [uninterrupted, interrupted].map(({ operation }) => Result.parse(operation.result).weights_sha256);
  const isEqual = hashes[0] === hashes[1];
  const verdict = isEqual
    ? `  equal: both ended with the weights ${hashes[0]}`
    : `  NOT equal:\n    uninterrupted ${hashes[0]}\n    interrupted   ${hashes[1]}`;
  return { isEqual, text: [row('', 'uninterrupted', 'interrupted'), ...rows, '', verdict].join('\n') };
}
