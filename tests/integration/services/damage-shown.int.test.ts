import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

describe('a checkpoint that is known to be damaged', () => {
  let services: Services;
  let saving: Saving;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    http = httpOf(await startApi(services));
  });
  afterAll(() => services.close());

  const givenPaused = async (): Promise<{ id: string; checkpointId: string }> => {
    const lease = await saving.running();
    const { operationId: id } = lease;
    const checkpointId = await saving.save(lease, { step: 1, kind: 'pause', files: { w: id } });
    await saving.apply(id, 'pause');
    const position = { step: 1, epoch: 1 };
    const pauseRecord = {
      ...position,
      pausedAt: new Date().toISOString(),
      checkpointId,
      remaining: null,
      snapshot: null,
    };
    await saving.operations.transition({
      operationId: id,
      event: 'paused',
      actor: 'test',
      reason: null,
      expect: {},
      changes: { resumeCheckpointId: checkpointId, position, pauseRecord },
      details: {},
    });
    return { id, checkpointId };
  };

  it('is marked wherever its operation names it', async () => {
    const { id, checkpointId } = await givenPaused();
    const named = async () => {
      const { status, latest_checkpoint: latest, paused } = (await http.get(`/operations/${id}`)).body;
      expect([status, latest.checkpoint_id, paused.checkpoint_id]).toEqual(['paused', checkpointId, checkpointId]);
      return [latest.corrupted_at, paused.corrupted_at] as unknown[];
    };
    expect(await named()).toEqual([null, null]);

    await saving.objects.delete((await saving.checkpoints.get(checkpointId)).manifestKey);
    await http.post(`/checkpoints/${checkpointId}/verify`);
    const { corrupted_at: foundAt } = (await http.get(`/checkpoints/${checkpointId}`)).body;
    expect(foundAt).toEqual(expect.any(String));
    expect(await named()).toEqual([foundAt, foundAt]);
  });
});
