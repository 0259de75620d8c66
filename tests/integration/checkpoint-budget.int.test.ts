import { givenServices, type Services } from './support/given-services.js';
import { type Answer, type Http, httpOf } from './support/http.js';
import { type RunningApi, startApi, startWorker } from './support/processes.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const BUDGET = { overhead_budget: 0.05, max_loss_seconds: 4 };
/** Enough weights that a save costs something: 0.5 MB of them, twice as much of Adam's. */
const WIDE = {
  model: {
    layers: [
      { kind: 'dense', units: 352 },
      { kind: 'dense', units: 352 },
    ],
  },
  batch_size: 64,
};

/** Six megabytes: no machine copies them fast enough to save as often as is possible at all for a thousandth of the time. */
const WIDEST = { ...WIDE, model: { layers: WIDE.model.layers.map((layer) => ({ ...layer, units: 704 })) } };

/** It will not get there any more. */
const SETTLED = ['completed', 'failed', 'cancelled', 'paused'];

type View = Answer['body'];

describe('checkpoints by a budget', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
    training = trainingOver(http);
    await startWorker(services, { api, id: 'w1' });
  });
  afterAll(() => services.close());

  const eventsOf = async (id: string, type: string): Promise<View[]> => {
    const { items } = (await http.get(`/operations/${id}/events?limit=1000`)).body;
    return items.filter((event: View) => event['type'] === type);
  };
  const trainedFor = (id: string, saves: number, attempt: number): Promise<View> =>
    training.until(
      id,
      ({ checkpointing, attempt: now, status }) =>
        SETTLED.includes(status as string) || (now === attempt && (checkpointing?.saves ?? 0) >= saves),
      `${id} has saved ${saves} times`,
    );

  it('keep what was promised, in figures that the events bear out', async () => {
    const id = await training.submit({
      name: 'budget',
      spec: smallSpec({ ...WIDE, epochs: 10_000, checkpoint: BUDGET }),
    });
    const view = await trainedFor(id, 8, 1);
    const { checkpointing } = view;
    expect(view).toMatchObject({
      status: 'running',
      checkpointing: { ...BUDGET, is_budget_kept: true, is_max_loss_kept: true },
    });
    expect(checkpointing.interval_seconds).toBeGreaterThan(0);
    expect(checkpointing.interval_seconds).toBeLessThan(BUDGET.max_loss_seconds);
    expect(checkpointing.cost_seconds / checkpointing.trained_seconds).toBeLessThanOrEqual(BUDGET.overhead_budget);

    // The same from what the service wrote down: when training began, when each save was committed, how long each stalled.
    const [started] = await eventsOf(id, 'started');
    const commits = await eventsOf(id, 'checkpoint');
    const instants = [started, ...commits].map((event) => Date.parse(event?.['at'] as string));
    const gaps = instants.slice(1).map((at, index) => (at - instants[index]!) / 1000);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(BUDGET.max_loss_seconds);
    expect(checkpointing.longest_unprotected_seconds).toBeGreaterThan(Math.max(...gaps) - 0.5);
    const stalledMs = commits.reduce((sum, { data }) => sum + (data.stall_ms as number), 0);
    const trainedMs = instants.at(-1)! - instants[0]!;
    expect(stalledMs / trainedMs).toBeLessThanOrEqual(BUDGET.overhead_budget);

    const metrics = (await http.get('/metrics')).body['text'] as string;
    expect(metrics).toContain(`ktrdr_checkpoint_interval_seconds{operation="${id}"}`);
    expect(metrics).toContain(`ktrdr_checkpoint_overhead_ratio{operation="${id}"}`);
    expect(metrics).toContain(`ktrdr_checkpoint_longest_unprotected_seconds{operation="${id}"}`);

    // A second attempt is protected from its start too, and adds to the first.
    await http.post(`/operations/${id}/pause`);
    await training.settled(id);
    await http.post(`/operations/${id}/resume`);
    const again = await trainedFor(id, checkpointing.saves + 3, 2);
    expect(again['checkpointing']).toMatchObject({ is_max_loss_kept: true });
    expect(again['checkpointing'].trained_seconds).toBeGreaterThan(checkpointing.trained_seconds);
    await training.cancelled(id);
    process.stdout.write(`budget: ${JSON.stringify(again['checkpointing'])}\n`);
  });

  it('come more rarely where less may be spent, and never too rarely for what may be lost', async () => {
    const checkpoint = { ...BUDGET, overhead_budget: 0.001 };
    const id = await training.submit({ name: 'tight', spec: smallSpec({ ...WIDEST, epochs: 10_000, checkpoint }) });
    const { checkpointing } = await trainedFor(id, 3, 1);
    await training.cancelled(id);
    expect(checkpointing.decided_by).not.toBe('most-often');
    expect(checkpointing.interval_seconds).toBeGreaterThan(BUDGET.max_loss_seconds / 10);
    expect(checkpointing.is_max_loss_kept).toBe(true);
    // What may be lost goes before what may be spent, and is then what decides.
    if (checkpointing.decided_by === 'budget') expect(checkpointing.overhead_fraction).toBeLessThanOrEqual(2 * 0.001);
    process.stdout.write(`tight budget: ${JSON.stringify(checkpointing)}\n`);
  });

  it('are refused beside a fixed interval, and without their bound', async () => {
    const refused = async (checkpoint: Record<string, unknown>) => {
      const { status, body } = await http.post('/operations', { spec: smallSpec({ checkpoint }) });
      return [status, body['code'], body['problems']?.map(({ path }: View) => path)];
    };
    expect(await refused({ ...BUDGET, every_epochs: 1 })).toEqual([422, 'spec-invalid', ['checkpoint.every_epochs']]);
    expect(await refused({ ...BUDGET, every_steps: 5, every_seconds: 1 })).toEqual([
      422,
      'spec-invalid',
      ['checkpoint.every_steps', 'checkpoint.every_seconds'],
    ]);
    expect(await refused({ overhead_budget: 0.1 })).toEqual([422, 'spec-invalid', ['checkpoint.max_loss_seconds']]);
    expect(await refused({ max_loss_seconds: 5 })).toEqual([422, 'spec-invalid', ['checkpoint.overhead_budget']]);
    expect(await refused({ overhead_budget: 0, max_loss_seconds: 5 })).toEqual([
      422,
      'spec-invalid',
      ['checkpoint.overhead_budget'],
    ]);
  });
});
