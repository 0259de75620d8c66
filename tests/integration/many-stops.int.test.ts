import { eventuallySeen } from './support/eventually.js';
import { givenServices, type Services } from './support/given-services.js';
import { type Answer, type Http, httpOf } from './support/http.js';
import { pacedTrainer } from './support/paced-trainer.js';
import { type RunningApi, type RunningWorker, startApi, startWorker } from './support/processes.js';
import { SHORT_LEASE } from './support/short-lease.js';
import { smallSpec } from './support/specs.js';
import { trainingOver } from './support/training.js';

const EPOCHS = 9;
const PACE_MS = 6;
const PAUSES = 3;

type View = Answer['body'];
type EventRow = Readonly<{ type: string; attempt: number; data: Readonly<{ step: number }> }>;

/** What earlier systems lost between one stop and the next: clocks, charts, the next pause, the end of a resumed run. */
describe('an operation that is stopped again and again', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  let training: ReturnType<typeof trainingOver>;
  let uninterrupted: string;
  const workers = new Map<string, RunningWorker>();

  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services, { env: SHORT_LEASE });
    http = httpOf(api);
    training = trainingOver(http);
    const env = { KTRDR_TRAINER_COMMAND: pacedTrainer(PACE_MS) };
    for (const worker of await Promise.all(['w1', 'w2'].map((id) => startWorker(services, { api, id, env }))))
      workers.set(worker.id, worker);
    const id = await submit(1);
    await training.completed(id);
    uninterrupted = await training.weightsOf(id);
  });
  afterAll(() => services.close());

  const submit = (everyEpochs: number) =>
    training.submit({ spec: smallSpec({ epochs: EPOCHS, checkpoint: { every_epochs: everyEpochs } }) });
  const stepOf = ({ progress }: View): number => progress?.step ?? 0;
  const pausedAt = async (id: string, step: number): Promise<View> => {
    await training.reached(id, step);
    expect(await http.post(`/operations/${id}/pause`)).toMatchObject({ status: 202, body: { status: 'pausing' } });
    const view = await training.settled(id);
    expect(view).toMatchObject({ status: 'paused', latest_checkpoint: { checkpoint_type: 'pause' } });
    return view;
  };
  /** One point an epoch, in order, whoever trained it and however often. */
  const expectWholeChart = async (id: string) => {
    const { body } = await http.get(`/operations/${id}/metrics`);
    const points = body['items'] as { epoch: number; step: number }[];
    expect(points.map(({ epoch }) => epoch)).toEqual(Array.from({ length: EPOCHS }, (_, index) => index + 1));
    expect(points.map(({ step }) => step)).toEqual(points.map(({ step }) => step).toSorted((a, b) => a - b));
  };

  it('pauses as often as it is asked to, and its clocks, its progress and its chart go on', async () => {
    const id = await submit(1);
    const views: View[] = [];
    for (let n = 1; n <= PAUSES; n += 1) {
      views.push(await pausedAt(id, n * 50));
      const resumed = await http.post(`/operations/${id}/resume`);
      expect(resumed).toMatchObject({ status: 202, body: { lost_steps: 0 } });
      expect(resumed.body['resumed_from']).toMatchObject({ step: stepOf(views.at(-1) ?? {}) });
    }
    const done = await training.completed(id);
    expect(done).toMatchObject({ attempt: PAUSES + 1, recoveries: 0, error: null });
    expect(done['pauses']).toHaveLength(PAUSES);
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    const all = [...views, done];
    expect(new Set(all.map(({ started_at }) => started_at)).size).toBe(1);
    expect(new Set(all.map(({ progress }) => progress.steps)).size).toBe(1);
    for (const figure of ['active_seconds', 'paused_seconds'] as const)
      for (const [index, view] of all.entries())
        if (index > 0) expect(view[figure]).toBeGreaterThanOrEqual(all[index - 1]?.[figure]);
    const fractions = all.map(({ progress }) => progress.fraction as number);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    const wallSeconds = (Date.parse(done['finished_at']) - Date.parse(done['started_at'])) / 1000;
    expect(done['active_seconds'] + done['paused_seconds']).toBeLessThanOrEqual(wallSeconds + 0.01);
    await expectWholeChart(id);
  });

  it('is cancelled with its own checkpoint after a resume, and each epoch is in its chart once after a lost worker', async () => {
    const id = await submit(4);
    // Beyond a checkpoint, so that an epoch is trained, and told, a second time.
    const view = await training.until(
      id,
      ({ latest_checkpoint, progress }) => latest_checkpoint !== null && progress.epoch >= 6,
      'it is two epochs beyond its checkpoint',
    );
    const saved = view['latest_checkpoint'] as { step: number };
    const lost = workers.get(String(view['worker_id']));
    if (!lost) throw new Error(`nobody here is ${view['worker_id']}`);
    await lost.kill();
    await eventuallySeen(
      async () => (await http.get(`/operations/${id}/events?limit=1000`)).body['items'] as EventRow[],
      (events) =>
        events.some(({ type, attempt, data }) => type === 'progress' && attempt === 2 && data.step > saved.step),
      { what: 'another worker trains it' },
    );
    expect(await training.show(id)).toMatchObject({ recoveries: 1, started_at: view['started_at'] });
    const cancelled = await training.cancelled(id);
    expect(cancelled).toMatchObject({ status: 'cancelled', latest_checkpoint: { checkpoint_type: 'cancel' } });
    await http.post(`/operations/${id}/resume`);
    const done = await training.completed(id);
    expect(done).toMatchObject({ attempt: 3, started_at: view['started_at'] });
    expect(await training.weightsOf(id)).toBe(uninterrupted);
    await expectWholeChart(id);
    const { body } = await http.get(`/operations/${id}/history`);
    expect((body['items'] as { event: string }[]).map(({ event }) => event)).toEqual([
      ...['submit', 'claim', 'lease-expired', 'claim', 'cancel', 'cancelled', 'resume', 'claim', 'complete'],
    ]);
  });
});
