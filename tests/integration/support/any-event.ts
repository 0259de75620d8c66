import fc from 'fast-check';
import { LARGEST_COUNT } from '@ktrdr/contracts';

const WORDS = ['', 'a', 'a\0b', '\ud83d', '🙂', '\uffff', '__proto__', 'x'.repeat(5_000), '"\\\u2028', '{}', 'NaN'];

/** At and past every bound that something on its way to the database has. */
const number = fc.oneof(
  fc.constantFrom(0, 1, -1, -0, LARGEST_COUNT, LARGEST_COUNT + 1, -LARGEST_COUNT - 2, 2 ** 53, 2 ** 63, 2 ** 64),
  fc.constantFrom(1e308, -1e308, 5e-324, 0.1, 1e21, 3e9),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const text = fc.oneof(fc.constantFrom(...WORDS), fc.string({ unit: 'binary' }));
const anything = fc.oneof(number, text, fc.constant(null), fc.constant(undefined), fc.constant([]), fc.constant({}));
const instant = fc.oneof(
  fc.constantFrom(
    '2026-11-22T10:15:00.000Z',
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999999999Z',
    '0001-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
  ),
  text,
);
const oneOf = (...values: readonly string[]) => fc.oneof(fc.constantFrom(...values), text);
/** Mostly of the right kind, at times anything. */
const mostly = <T>(value: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: value as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: anything });

const position = { step: mostly(number), epoch: mostly(number) };
const body = fc.oneof(
  fc.record({
    type: fc.constant('progress'),
    ...position,
    steps: mostly(number),
    epochs: mostly(number),
    loss: mostly(fc.oneof(number, text)),
    examples_per_second: mostly(number),
  }),
  fc.record({
    type: fc.constant('metrics'),
    ...position,
    values: mostly(fc.dictionary(text, fc.oneof(number, fc.constantFrom('NaN', 'Infinity')), { maxKeys: 5 })),
    best: mostly(fc.boolean()),
  }),
  fc.record({
    type: fc.constant('log'),
    stream: oneOf('stdout', 'stderr'),
    lines: mostly(fc.array(text, { maxLength: 5 })),
  }),
  fc.record({
    type: fc.constant('checkpointing'),
    overhead_budget: mostly(number),
    max_loss_seconds: mostly(number),
    interval_seconds: mostly(number),
    decided_by: oneOf('budget', 'max-loss', 'most-often'),
    stall_ms: mostly(number),
    background_ms: mostly(number),
    commit_seconds: mostly(number),
    saves: mostly(number),
    cost_seconds: mostly(number),
    trained_seconds: mostly(number),
    longest_unprotected_seconds: mostly(number),
  }),
  fc.record({ type: fc.constant('warning'), code: mostly(text), message: mostly(text) }),
  fc.record({ type: text }),
  anything,
);

/** What a worker out of its mind might tell, of an operation that there is. `n` is told where it is to be a number. */
export function anyEvent(operationId: string, attempt: number): fc.Arbitrary<Record<string, unknown>> {
  return fc.record({
    n: mostly(number),
    operation_id: fc.oneof({ weight: 15, arbitrary: fc.constant(operationId) }, { weight: 1, arbitrary: text }),
    attempt: fc.oneof(
      { weight: 15, arbitrary: fc.constant(attempt) as fc.Arbitrary<unknown> },
      { weight: 1, arbitrary: number },
    ),
    worker_id: mostly(fc.constant('w')),
    at: mostly(instant),
    body,
  });
}
