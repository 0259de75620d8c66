import { inOrder, type Lease, startingPoint } from '@ktrdr/operations';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

/** What lies beyond the checkpoint that somebody has gone back to is not what the operation has been trained to. */
describe('an operation that has gone back to an earlier checkpoint', () => {
  let services: Services;
  let saving: Saving;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    http = httpOf(await startApi(services));
  });
  afterAll(() => services.close());

  const save = (lease: Lease, step: number) =>
    saving.save(lease, { step, files: { w: `${lease.operationId} ${lease.attempt} ${step}` } });
  const stop = async (id: string): Promise<void> => {
    await saving.apply(id, 'cancel');
    await saving.apply(id, 'cancelled');
  };
  /** As its worker's report, or the sweeper, does it. */
  const lost = (id: string, event: 'crash' | 'lease-expired') => saving.apply(id, event, null);
  /** Cancelled, with checkpoints at these steps. */
  const givenCancelled = async (pool: string, ...steps: number[]): Promise<string> => {
    const lease = await saving.running({ pool });
    await started(lease, 0);
    for (const step of steps) await save(lease, step);
    await stop(lease.operationId);
    return lease.operationId;
  };
  const started = (lease: Lease, step: number, checkpointId: string | null = null) =>
    saving.operations.recordStart(lease, {
      step,
      epoch: 1,
      steps: 100,
      epochs: 10,
      backend: 'wasm',
      checkpointId,
      fellBackFrom: null,
      details: {},
    });
  const resume = async (id: string, body: Record<string, unknown> = {}): Promise<number> => {
    const { status, body: resumed } = await http.post(`/operations/${id}/resume`, body);
    expect(status).toBe(202);
    return (resumed['resumed_from'] as { step: number }).step;
  };
  /** Claims it, and tells from which step the attempt goes on. */
  const claimed = async (id: string): Promise<{ lease: Lease; step: number | undefined }> => {
    const lease = await saving.claim(id);
    const { operation, checkpoints } = await saving.operations.getWithCheckpoints(id);
    return { lease, step: startingPoint(operation, checkpoints).checkpoint?.step };
  };
  const latest = async (id: string): Promise<number | undefined> => {
    const { body } = await http.get(`/operations/${id}/checkpoints`);
    const items = body['items'] as { step: number; is_latest: boolean }[];
    return items.find(({ is_latest }) => is_latest)?.step;
  };

  it('is recovered from there, whether or not it had begun, and from what it has saved since', async () => {
    const id = await givenCancelled('rewound', 10, 20, 30);
    expect(await resume(id, { checkpoint: 'step:10' })).toBe(10);
    const { lease: never } = await claimed(id);
    await lost(id, 'lease-expired');
    const first = await claimed(id);
    expect({ attempt: first.lease.attempt, step: first.step }).toEqual({ attempt: never.attempt + 1, step: 10 });
    await started(first.lease, 10);
    await lost(id, 'crash');
    const second = await claimed(id);
    expect(second.step).toBe(10);
    await started(second.lease, 10);
    await save(second.lease, 15);
    await lost(id, 'crash');
    const third = await claimed(id);
    expect(third.step).toBe(15);
    await started(third.lease, 15);
    expect(await latest(id)).toBe(15);
    await stop(id);
    expect(await resume(id, { dry_run: true })).toBe(15);
    expect(await resume(id)).toBe(15);
  });

  it('forks from there, and shows that as its newest', async () => {
    const id = await givenCancelled('forked', 10, 20);
    await resume(id, { checkpoint: 'step:10' });
    await stop(id);
    expect(await latest(id)).toBe(10);
    expect((await http.get(`/operations/${id}`)).body['latest_checkpoint']).toMatchObject({ step: 10 });
    expect((await http.post(`/operations/${id}/fork`)).body).toMatchObject({ forked_from: { step: 10 } });
  });

  it('returns to what it had left when that is chosen, with what was on the way to it', async () => {
    const id = await givenCancelled('returned', 10, 20, 30);
    await resume(id, { checkpoint: 'step:10' });
    const { lease } = await claimed(id);
    await started(lease, 10);
    await save(lease, 25);
    await stop(id);
    expect(await resume(id, { dry_run: true })).toBe(25);
    expect(await resume(id, { checkpoint: 'step:30' })).toBe(30);
    const { items } = (await http.get(`/operations/${id}/checkpoints`)).body as { items: { step: number }[] };
    expect(items.map(({ step }) => step)).toEqual([30, 20, 10, 25]);
    const { checkpoints } = await saving.operations.getWithCheckpoints(id);
    expect(checkpoints.map(({ step }) => step)).toEqual([30, 20, 10, 25]);
    expect(checkpoints.toReversed().toSorted(inOrder)).toEqual(checkpoints);
    await stop(id);
    expect(await resume(id)).toBe(30);
  });

  it('leaves behind what its restore has passed over', async () => {
    const id = await givenCancelled('damaged', 10, 20);
    await resume(id);
    const { lease } = await claimed(id);
    const { checkpoints } = await saving.operations.getWithCheckpoints(id);
    await saving.checkpoints.markCorrupted(checkpoints[0]!.id, [{ name: 'w', problem: 'missing', detail: 'gone' }]);
    await started(lease, 10, checkpoints[1]!.id);
    await save(lease, 15);
    await stop(id);
    expect(await resume(id)).toBe(15);
  });
});
