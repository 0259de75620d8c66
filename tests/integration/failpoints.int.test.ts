import { FAILPOINT_NAMES } from '@ktrdr/failpoints';
import { join } from 'node:path';
import { type Reference, violationsOf } from '../../tools/chaos/invariants.js';
import { RecordReader } from '../../tools/chaos/operation-record.js';
import { type Attended, Attendant, subjectOf } from './support/attendant.js';
import { type Visit, VISITS } from './support/failpoint-visits.js';
import { givenServices, type Services } from './support/given-services.js';
import { smallSpec } from './support/specs.js';
import { FAULTS, Strikes } from './support/strikes.js';
import { type HostedWorker, StruckStack } from './support/struck-stack.js';

/** On a machine five times as slow as the one that does it in a minute. */
const UNDISTURBED_WITHIN_MS = 180_000;
const STRUCK_WITHIN_MS = 420_000;
const STARTED_WITHIN_MS = 120_000;
const ASKS = { 'is paused': 'pause', 'is cancelled': 'cancel' } as const;
const STOPPED = ['paused', 'cancelled', 'failed'];

/** Two trainings: one that a counting trainer stands for, which has its steps from its command line, and a real one. */
const COUNTED_SPEC = smallSpec({ backend: 'cpu' });
const TRAINED_SPEC = smallSpec({ backend: 'cpu', epochs: 6, batch_size: 256 });
type Spec = Record<string, unknown>;
const specOf = ({ process }: Visit): Spec => (process === 'trainer' ? TRAINED_SPEC : COUNTED_SPEC);

/** What a setting has come to, beside the records of its operations. */
interface Outcome {
  readonly struck: readonly string[];
  readonly attempts: number;
}

interface Setting {
  readonly visits: readonly Visit[];
  readonly replicas: number;
  /** What is trained without interruption before anything is struck, and in which pool. */
  readonly references: ReadonlyMap<Spec, string>;
  /** Processes of workers; the first is there from the beginning, the others when operations already wait for them. */
  readonly processes: readonly (readonly HostedWorker[])[];
}

const KILLED_WORKERS = 4;
const KILLED_WORKER: HostedWorker = { pool: 'worker-crash', slots: 1, trainer: 'counting' };
/**
 * A run that hangs between the API's answer and its end keeps its slot, and a worker that hangs with a claim in its hands
 * claims nothing more, both until it is started again. The product waits for nothing in these places, and no operation
 * waits for them: others go on with it, so here are enough of them.
 */
const MANY_SLOTS = 24;

function hostedFor(visits: readonly Visit[]): readonly HostedWorker[] {
  return [...Map.groupBy(visits, ({ pool }) => pool)].flatMap(([pool, [first, ...more]]) => {
    const trainer = first?.process === 'trainer' ? ('real' as const) : ('counting' as const);
    const worker = { pool, trainer, slots: pool === 'worker-hang' ? MANY_SLOTS : Math.min(8, more.length + 1) };
    const isTakerHung = first?.process === 'worker' && first.fault === 'hang' && isAboutClaims(first);
    return isTakerHung ? [worker, worker] : [worker];
  });
}

const isAboutClaims = ({ point }: Visit): boolean => point.startsWith('claim.');
const isApiCrash = ({ process, fault }: Visit): boolean => process === 'api' && fault === 'crash';
const isWorkerCrash = ({ process, fault }: Visit): boolean => process === 'worker' && fault === 'crash';
const killedApis = VISITS.filter(isApiCrash);
const rest = VISITS.filter((visit) => !isApiCrash(visit));
const hosted = rest.filter((visit) => !isWorkerCrash(visit));

/** An API that is killed takes with it what hangs in it, so those are killed in a stack of their own. */
const SETTINGS: readonly Setting[] = [
  {
    visits: killedApis,
    replicas: 2,
    references: new Map(),
    processes: [
      hostedFor(killedApis.filter((visit) => !isAboutClaims(visit))),
      hostedFor(killedApis.filter(isAboutClaims)),
    ],
  },
  {
    visits: rest,
    replicas: 1,
    references: new Map([
      [COUNTED_SPEC, 'api-throw'],
      [TRAINED_SPEC, 'trainer-throw'],
    ]),
    processes: [
      hostedFor(hosted.filter((visit) => !isAboutClaims(visit))),
      hostedFor(hosted.filter(isAboutClaims)),
      ...Array.from({ length: KILLED_WORKERS }, () => [KILLED_WORKER]),
    ],
  },
];

describe('every failpoint', () => {
  const records = new Map<Visit, { readonly id: string; readonly reader: RecordReader; readonly strikes: Strikes }>();
  const whole = new Map<Spec, Reference>();
  const services: Services[] = [];
  const stacks: StruckStack[] = [];
  const began = performance.now();

  const run = async ({ visits, references, replicas, processes }: Setting): Promise<Outcome> => {
    const own = await givenServices();
    services.push(own);
    const strikes = await Strikes.in(join(own.folder, 'strikes'));
    const stack = new StruckStack(own, strikes);
    stacks.push(stack);
    const reader = new RecordReader(own.databaseUrl);
    own.onClose(() => reader.close());
    await Promise.all(Array.from({ length: replicas }, () => stack.startApi()));
    const attendant = new Attendant(stack, strikes, await own.database());
    const struck = await Promise.all(visits.map((visit) => attendant.prepare(specOf(visit), visit, visit.pool)));
    for (const { id, visit } of struck) if (visit) records.set(visit, { id, reader, strikes });
    const undisturbed = new Map<Spec, Attended>();
    for (const [spec, pool] of references) undisturbed.set(spec, await attendant.prepare(spec, null, pool));
    const [first = [], ...others] = processes;
    await stack.startWorkers('w0', first);
    await attendant.attend([...undisturbed.values()], UNDISTURBED_WITHIN_MS);
    for (const [spec, { id }] of undisturbed) whole.set(spec, toReference(await reader.record(id)));
    await attendant.arm(struck);
    await Promise.all([
      attendant.attend(struck, STRUCK_WITHIN_MS),
      ...others.map((workers, index) => stack.startWorkers(`w${index + 1}`, workers)),
    ]);
    const attempts = (await reader.glance()).reduce((sum, { attempt }) => sum + attempt, 0);
    return { struck: await strikes.struckPoints(), attempts };
  };

  let struck: readonly string[] = [];
  beforeAll(
    async () => {
      const outcomes = await Promise.all(SETTINGS.map(run));
      struck = outcomes.flatMap((outcome) => outcome.struck);
      const figures = [
        `${struck.length} visits`,
        `${total(outcomes, ({ attempts }) => attempts)} attempts`,
        `${total(stacks, ({ deaths }) => deaths.apis)} APIs and ${total(stacks, ({ deaths }) => deaths.workers)} workers killed`,
        `${((performance.now() - began) / 1000).toFixed(1)} s`,
      ];
      process.stderr.write(`failpoints: ${figures.join(', ')}\n`);
    },
    STARTED_WITHIN_MS + UNDISTURBED_WITHIN_MS + STRUCK_WITHIN_MS,
  );
  afterAll(async () => {
    await Promise.all(stacks.map((stack) => stack.end()));
    await Promise.all(services.map((each) => each.close()));
  });

  it('is visited with a crash, a rejection and a hang', () => {
    const expected = FAILPOINT_NAMES.flatMap((name) => FAULTS.map(() => name));
    expect(struck.toSorted()).toEqual(expected.toSorted());
  });

  it.each(VISITS.map((visit) => [visit.point, visit.fault, visit.story, visit] as const))(
    '%s is survived with a %s by an operation that %s',
    async (point, _fault, story, visit) => {
      const { id, reader, strikes } = records.get(visit) ?? {};
      if (!id || !reader || !strikes) throw new Error('it was not submitted');
      expect(strikes.wasStruck(point, subjectOf(visit, id))).toBe(true);
      const record = await reader.record(id);
      const reference = whole.get(specOf(visit)) ?? null;
      expect(reference).not.toBeNull();
      expect(violationsOf(record, { status: 'completed', reference, acceptedResumes: 0 })).toEqual([]);
      if (story === 'is paused' || story === 'is cancelled') {
        const asked = record.history.findIndex(({ event, attempt }) => ASKS[story] === event && attempt > 0);
        expect(asked).toBeGreaterThan(0);
        expect(record.history.slice(asked).some(({ to }) => STOPPED.includes(to))).toBe(true);
      }
    },
  );
});

function toReference({ status, attempt, result }: Awaited<ReturnType<RecordReader['record']>>): Reference {
  const { weights_sha256: weightsSha256, ledger_sha256: ledgerSha256, steps } = result ?? {};
  if (status !== 'completed' || attempt !== 1 || typeof weightsSha256 !== 'string' || typeof ledgerSha256 !== 'string')
    throw new Error(`The undisturbed run is ${status} after ${attempt} attempts: ${JSON.stringify(result)}`);
  return { weightsSha256, ledgerSha256, steps: Number(steps) };
}

function total<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}
