import { TRANSITIONS } from '@ktrdr/operations';
import fc from 'fast-check';
import { givenServices, type Services } from '../../support/given-services.js';
import { startApiInProcess } from './support/api-in-process.js';
import { EXAMPLES } from './support/examples.js';
import { givenRuns } from './support/given-run.js';
import { sequences } from './support/step.js';

const RUNS = Number(process.env['KTRDR_MODEL_RUNS'] ?? 60);
/** `no`: stops at the first failure as it was generated, without looking for a shorter one. */
const SHRINKS = process.env['KTRDR_MODEL_SHRINK'] !== 'no';
const SEED = Number(process.env['KTRDR_MODEL_SEED'] ?? Date.now() % 2 ** 31);
/** Far more than a slow machine needs for a sequence. */
const DEADLINE_MS = 60_000 + RUNS * 5_000;

describe('operations under many clients and workers', () => {
  let services: Services;
  let runs: Awaited<ReturnType<typeof givenRuns>>;
  let requests = 0;

  beforeAll(async () => {
    services = await givenServices();
    const api = await startApiInProcess(services);
    runs = await givenRuns(services, api, () => (requests += 1));
  });
  afterAll(() => services.close());

  it.each(EXAMPLES)('do as the table of transitions says when $name', ({ sequence }) => runs.run(sequence));

  it('took every way of the table in these', async () => {
    const { rows } = await runs.database.query<{ way: string }>(
      `SELECT DISTINCT event || ': ' || coalesce(from_status, '') || ' > ' || to_status AS way FROM operation_history`,
    );
    const taken = rows.map(({ way }) => way);
    // What is imported was exported before, which takes files: checkpoint-exchange.int.test.ts tries that way.
    const known = TRANSITIONS.filter(({ event }) => event !== 'import');
    const table = known.map(({ event, from, to }) => `${event}: ${from ?? ''} > ${to}`);
    expect(table.filter((way) => !taken.includes(way))).toEqual([]);
  });

  it(
    `do as the table of transitions says in ${RUNS} random sequences (seed ${SEED})`,
    async () => {
      const began = performance.now();
      requests = 0;
      const property = fc.asyncProperty(sequences, (sequence) => runs.run(sequence));
      await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: !SHRINKS });
      const seconds = (performance.now() - began) / 1000;
      const rate = `${(RUNS / seconds).toFixed(1)} runs/s`;
      process.stderr.write(
        `model: ${RUNS} runs, ${requests} requests in ${seconds.toFixed(1)} s (${rate}), seed ${SEED}\n`,
      );
    },
    DEADLINE_MS,
  );
});
