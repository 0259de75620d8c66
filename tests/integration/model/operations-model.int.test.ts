import fc from 'fast-check';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { startApiInProcess } from './support/api-in-process.js';
import { givenRuns } from './support/given-run.js';
import { sequences } from './support/step.js';

const RUNS = Number(process.env['KTRDR_MODEL_RUNS'] ?? 60);
/** `no`: stops at the first failure as it was generated, without looking for a shorter one. */
const SHRINKS = process.env['KTRDR_MODEL_SHRINK'] !== 'no';
const SEED = Number(process.env['KTRDR_MODEL_SEED'] ?? Date.now() % 2 ** 31);

describe('operations under many clients and workers', () => {
  let services: Services;
  let runs: Awaited<ReturnType<typeof givenRuns>>;
  let actions = 0;

  beforeAll(async () => {
    services = await givenServices();
    const api = await startApiInProcess(services);
    runs = await givenRuns(services, api, () => (actions += 1));
  });
  afterAll(() => services.close());

  it(`behave as the table of transitions says in ${RUNS} random sequences (seed ${SEED})`, async () => {
    const began = performance.now();
    const property = fc.asyncProperty(sequences, (sequence) => runs.run(sequence));
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: !SHRINKS });
    const seconds = (performance.now() - began) / 1000;
    process.stderr.write(
      `model: ${RUNS} runs, ${actions} requests in ${seconds.toFixed(1)} s (${(RUNS / seconds).toFixed(1)} runs/s), seed ${SEED}\n`,
    );
  }, 600_000);

  it('send every ticket that they owe', async () => {
    await eventually(
      async () => {
        const { rows } = await runs.database.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox');
        return rows[0]?.n === 0;
      },
      { what: 'the outbox is empty' },
    );
  });
});
