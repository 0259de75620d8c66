import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

describe('a checkpoint that is chosen by its step', () => {
  let services: Services;
  let saving: Saving;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    http = httpOf(await startApi(services));
  });
  afterAll(() => services.close());

  /** Cancelled, with checkpoints at these steps; the ids in the same order. */
  const givenCancelled = async (...steps: number[]): Promise<{ id: string; saved: string[] }> => {
    const lease = await saving.running();
    const saved: string[] = [];
    for (const [index, step] of steps.entries())
      saved.push(await saving.save(lease, { step, files: { w: `${lease.operationId} ${index}` } }));
    await saving.apply(lease.operationId, 'cancel');
    await saving.apply(lease.operationId, 'cancelled');
    return { id: lease.operationId, saved };
  };
  const damage = (checkpointId: string) =>
    saving.checkpoints.markCorrupted(checkpointId, [{ name: 'w', problem: 'missing', detail: 'gone' }]);

  it('is the newest of that step, in a rehearsal, a resume and a fork', async () => {
    const { id, saved } = await givenCancelled(1, 2, 2, 3);
    const body = { checkpoint: 'step:2' };
    const from = { checkpoint_id: saved[2], step: 2 };
    expect(await http.post(`/operations/${id}/resume`, { ...body, dry_run: true })).toMatchObject({
      status: 202,
      body: { resumed_from: from, dry_run: true },
    });
    expect(await http.post(`/operations/${id}/fork`, body)).toMatchObject({
      status: 201,
      body: { forked_from: from },
    });
    expect(await http.post(`/operations/${id}/resume`, body)).toMatchObject({
      status: 202,
      body: { resumed_from: from, status: 'resuming' },
    });
  });

  it('is a sound one where the newest of that step is known to be damaged', async () => {
    const { id, saved } = await givenCancelled(1, 2, 2);
    await damage(saved[2]!);
    const { body } = await http.post(`/operations/${id}/resume`, { checkpoint: 'step:2' });
    expect(body).toMatchObject({ resumed_from: { checkpoint_id: saved[1] }, fell_back_from: null });
  });

  it('is refused where it is damaged, with the older one that a fallback takes', async () => {
    const { id, saved } = await givenCancelled(1, 2, 3);
    const { manifestKey } = await saving.checkpoints.get(saved[1]!);
    await saving.objects.delete(manifestKey);
    const body = { checkpoint: 'step:2' };
    expect(await http.post(`/operations/${id}/resume`, body)).toMatchObject({
      status: 422,
      body: { code: 'checkpoint-corrupted', checkpoint_id: saved[1], fallback: { checkpoint_id: saved[0] } },
    });
    expect(await http.post(`/operations/${id}/resume`, { ...body, allow_fallback: true })).toMatchObject({
      status: 202,
      body: { resumed_from: { checkpoint_id: saved[0] }, fell_back_from: saved[1] },
    });
  });

  it('that there is none of is refused with the steps next to it, and nothing changes', async () => {
    const { id, saved } = await givenCancelled(1, 2, 4, 6, 7);
    await damage(saved[3]!);
    const before = (await http.get(`/operations/${id}/history`)).body;
    for (const [action, purpose] of [
      ['resume', 'resume from'],
      ['fork', 'fork from'],
    ] as const)
      expect(await http.post(`/operations/${id}/${action}`, { checkpoint: 'step:5' })).toMatchObject({
        status: 404,
        body: {
          code: 'checkpoint-not-found',
          detail: `Operation ${id} has no checkpoint (step:5) to ${purpose}; the nearest: step:4 and step:7`,
          nearest_steps: [4, 7],
        },
      });
    expect((await http.get(`/operations/${id}/history`)).body).toEqual(before);
  });

  it('is chosen for many at once, each with its own outcome', async () => {
    const [one, other] = [await givenCancelled(1, 2), await givenCancelled(1)];
    const filter = { operation_ids: [one.id, other.id] };
    const { status, body } = await http.post('/operations/resume', { filter, checkpoint: 'step:2' });
    expect(status).toBe(200);
    const outcomes = (body['items'] as { operation_id: string; outcome: string; code: string | null }[]).map(
      ({ operation_id, outcome, code }) => [operation_id, outcome, code],
    );
    expect(outcomes).toEqual(
      expect.arrayContaining([
        [one.id, 'done', null],
        [other.id, 'refused', 'checkpoint-not-found'],
      ]),
    );
    expect(await http.post('/operations/resume', { filter, checkpoint: one.saved[0] })).toMatchObject({ status: 422 });
  });

  it.each(['step:', 'step:-1', 'step:1.5', 'step:9007199254740992'])('is no %s', async (checkpoint) => {
    const { id } = await givenCancelled(1);
    for (const action of ['resume', 'fork'])
      expect(await http.post(`/operations/${id}/${action}`, { checkpoint })).toMatchObject({
        status: 422,
        body: { problems: [{ path: 'checkpoint', message: expect.stringContaining('step:1200') }] },
      });
  });
});
