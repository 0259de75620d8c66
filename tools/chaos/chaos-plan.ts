import { SeededRandom } from './seeded-random.js';
import type { Direction } from './tcp-proxy.js';

/** What can be done to a process: `stop` asks it to end in order, the others do not ask. */
export type Fault = Readonly<
  | { kind: 'worker-kill' | 'worker-stop' | 'api-kill'; target: number; downMs: number }
  | { kind: 'worker-freeze'; target: number; downMs: number; withTrainers: boolean }
  | { kind: 'api-freeze'; target: number; downMs: number }
  | { kind: 'trainer-kill'; target: number }
  | { kind: 'nats-kill' | 'nats-freeze' | 'postgres-crash' | 'postgres-freeze' | 'hints-lost'; downMs: number }
  | { kind: 'link-delay'; target: number; downMs: number; delayMs: number }
  | { kind: 'link-drop'; target: number; downMs: number; direction: Direction; isLost: boolean }
  | { kind: 'link-cut'; target: number; downMs: number }
  | { kind: 'link-reset'; target: number }
>;
export type FaultKind = Fault['kind'];

/** What a client does to an operation. Several of them resume it at once, through different replicas. */
export interface ClientAction {
  readonly kind: 'pause' | 'cancel' | 'discard';
  readonly operation: number;
  readonly api: number;
  readonly boundary: 'step' | 'epoch';
  readonly resumeAfterMs: number;
  readonly resumers: number;
}

export interface Planned<T> {
  readonly atMs: number;
  readonly what: T;
}

/** What there is to break. */
export interface PlanSize {
  readonly durationMs: number;
  readonly leaseMs: number;
  readonly workers: number;
  readonly apis: number;
  readonly links: number;
  readonly operations: number;
}

/** On average one fault in this time for each worker: enough to hit everything, and some work still gets done. */
const FAULT_EVERY_MS = 4_500;
const ACTION_EVERY_MS = 20_000;

const FAULT_WEIGHTS: readonly (readonly [FaultKind, number])[] = [
  ['worker-kill', 4],
  ['worker-freeze', 4],
  ['trainer-kill', 4],
  ['worker-stop', 2],
  ['api-kill', 3],
  ['api-freeze', 1],
  ['nats-kill', 2],
  ['nats-freeze', 2],
  ['postgres-crash', 2],
  ['postgres-freeze', 2],
  ['hints-lost', 3],
  ['link-delay', 2],
  ['link-drop', 4],
  ['link-cut', 3],
  ['link-reset', 3],
];

/** Every fault of a run, by the seed alone. The first round has each kind once, in an order of its own. */
export function planFaults(seed: string, size: PlanSize): readonly Planned<Fault>[] {
  const random = new SeededRandom(seed, 'faults');
  const everyMs = FAULT_EVERY_MS / size.workers;
  const firstRound = FAULT_WEIGHTS.map(([kind]) => ({ kind, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ kind }) => kind);
  const plan: Planned<Fault>[] = [];
  for (let atMs = random.gap(everyMs); atMs < size.durationMs; atMs += random.gap(everyMs)) {
    const kind = firstRound[plan.length] ?? random.weighted(FAULT_WEIGHTS);
    plan.push({ atMs, what: toFault(kind, random, size) });
  }
  return plan;
}

/** What clients do in between, by the seed alone. */
export function planActions(
  seed: string,
  { durationMs, operations, apis }: PlanSize,
): readonly Planned<ClientAction>[] {
  const random = new SeededRandom(seed, 'clients');
  const everyMs = ACTION_EVERY_MS / Math.min(operations, 10);
  const plan: Planned<ClientAction>[] = [];
  for (let atMs = random.gap(everyMs); atMs < durationMs; atMs += random.gap(everyMs)) {
    const what: ClientAction = {
      kind: random.weighted([
        ['pause', 5],
        ['cancel', 4],
        ['discard', 1],
      ]),
      operation: random.below(operations),
      api: random.below(apis),
      boundary: random.isTrue(0.8) ? 'step' : 'epoch',
      resumeAfterMs: random.isTrue(0.3) ? 0 : random.between(100, 4_000),
      resumers: 1 + random.below(4),
    };
    plan.push({ atMs, what });
  }
  return plan;
}

function toFault(kind: FaultKind, random: SeededRandom, { leaseMs, workers, apis, links }: PlanSize): Fault {
  switch (kind) {
    case 'worker-kill':
    case 'worker-stop':
      return { kind, target: random.below(workers), downMs: random.between(0, 2 * leaseMs) };
    case 'worker-freeze':
      // Half of them wake before their lease is over, the others find that they have lost it.
      return {
        kind,
        target: random.below(workers),
        downMs: random.isTrue(0.5) ? random.between(0.1, 0.9) * leaseMs : random.between(1.1, 3) * leaseMs,
        withTrainers: random.isTrue(0.5),
      };
    case 'trainer-kill':
      return { kind, target: random.below(workers) };
    case 'api-kill':
      return { kind, target: random.below(apis), downMs: random.between(0, 4_000) };
    case 'api-freeze':
      return { kind, target: random.below(apis), downMs: random.between(0.2, 2.5) * leaseMs };
    case 'nats-kill':
    case 'postgres-crash':
      return { kind, downMs: random.between(0, 1.5 * leaseMs) };
    case 'nats-freeze':
    case 'postgres-freeze':
      return { kind, downMs: random.between(0.2, 2.5) * leaseMs };
    case 'hints-lost':
      return { kind, downMs: random.between(1, 5) * leaseMs };
    case 'link-delay':
      return {
        kind,
        target: random.below(links),
        downMs: random.between(1_000, 5_000),
        delayMs: random.between(20, 900),
      };
    case 'link-drop':
      return {
        kind,
        target: random.below(links),
        downMs: random.between(0.2, 3) * leaseMs,
        direction: random.isTrue(0.5) ? 'up' : 'down',
        isLost: random.isTrue(0.5),
      };
    case 'link-cut':
      return { kind, target: random.below(links), downMs: random.between(0.1, 2) * leaseMs };
    case 'link-reset':
      return { kind, target: random.below(links) };
  }
}
