import { randomUUID } from 'node:crypto';
import type { Failpoints } from '@ktrdr/failpoints';
import { HintListener } from '@ktrdr/messaging-nats';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { smallSpec } from '../support/specs.js';
import { type ApiInProcess, startApiInProcess } from './model/support/api-in-process.js';

const ASK = { timeoutMs: 10_000 };
const TRAINS = ['type:training', 'backend:wasm'];

describe('work that waits', () => {
  let services: Services;
  let api: ApiInProcess;
  let http: Http;
  let hints: HintListener;
  let areHintsLost = false;
  let pool: string;

  beforeAll(async () => {
    services = await givenServices();
    const failpoints: Failpoints = {
      reach: (point) =>
        point === 'hint.unsent' && areHintsLost ? Promise.reject(new Error('hints are lost')) : Promise.resolve(),
    };
    api = await startApiInProcess(services, undefined, failpoints);
    http = httpOf(api);
    hints = new HintListener(api.witness);
  });
  beforeEach(() => {
    pool = `pool-${randomUUID().slice(0, 8)}`;
    areHintsLost = false;
  });
  afterAll(() => services.close());

  const submit = async (spec: Record<string, unknown> = smallSpec()): Promise<string> => {
    const { status, body } = await http.post('/operations', { pool, spec });
    expect(status).toBe(201);
    return body['operation_id'] as string;
  };
  const worker = async (capabilities: readonly string[] = TRAINS, slots = 1) => {
    const id = `w-${randomUUID().slice(0, 8)}`;
    const asked = { worker_id: id, pool, capabilities: [...capabilities] };
    const details = { version: '0', host: 'h', pid: 1, slots, leases: [] };
    await api.rpc.call('register', { ...asked, ...details }, ASK);
    return {
      id,
      beat: (free_slots = slots) => api.rpc.call('heartbeat', { worker_id: id, free_slots, leases: [] }, ASK),
      claim: async () => (await api.rpc.call('claim', { ...asked, claim_id: randomUUID() }, ASK)).operation,
    };
  };
  /** Counts what is heard from now on. */
  const counting = async (listen: (heard: () => void) => unknown): Promise<() => number> => {
    let count = 0;
    listen(() => (count += 1));
    await api.witness.connection.flush();
    return () => count;
  };
  const heardOnce = async (heard: () => number, what: string): Promise<void> => {
    await eventually(() => heard() > 0, { what });
    await api.witness.connection.flush();
    expect(heard()).toBe(1);
  };

  it('is hinted to its pool after the commit, whatever made it wait', async () => {
    const heard = await counting((on) => hints.onWork(pool, on));
    const other = await counting((on) => hints.onWork(`${pool}-other`, on));
    const id = await submit();
    await heardOnce(heard, 'the submission is hinted');
    await http.post(`/operations/${id}/pause`);
    await http.post(`/operations/${id}/resume`);
    await eventually(() => heard() === 2, { what: 'the resume is hinted' });
    expect(other()).toBe(0);
  });

  it('is told by the next heartbeat of a worker that can run it and may take it, when its hint was lost', async () => {
    areHintsLost = true;
    const heard = await counting((on) => hints.onWork(pool, on));
    const [fitting, unfit] = [await worker(), await worker(['type:data-generation'])];
    expect((await fitting.beat()).work_waits).toBe(false);
    const id = await submit();
    await eventually(async () => (await fitting.beat()).work_waits, { what: 'a heartbeat says that work waits' });
    expect(heard()).toBe(0);
    expect((await fitting.beat(0)).work_waits).toBe(false);
    expect((await unfit.beat()).work_waits).toBe(false);
    await http.post(`/workers/${fitting.id}/drain`, {});
    expect(await fitting.beat()).toMatchObject({ draining: true, work_waits: false });
    expect(await fitting.claim()).toBeNull();
    await http.post(`/workers/${fitting.id}/drain`, { draining: false });
    expect((await fitting.claim())?.operation_id).toBe(id);
  });

  it('is hinted again by a claim that leaves more behind, and not by one that leaves nothing', async () => {
    const claiming = await worker(TRAINS, 3);
    areHintsLost = true;
    for (let n = 0; n < 3; n += 1) await submit();
    const heard = await counting((on) => hints.onWork(pool, on));
    expect(await claiming.claim()).not.toBeNull();
    await eventually(() => heard() === 1, { what: 'the rest is hinted' });
    expect(await claiming.claim()).not.toBeNull();
    await eventually(() => heard() === 2, { what: 'the rest is hinted again' });
    expect(await claiming.claim()).not.toBeNull();
    await api.witness.connection.flush();
    expect(heard()).toBe(2);
  });

  it('wakes one idle worker that can run it when another one came in vain', async () => {
    const unfit = await worker(['type:data-generation']);
    const [idle, full, draining] = [await worker(), await worker(), await worker()];
    areHintsLost = true;
    const first = await submit();
    expect((await full.claim())?.operation_id).toBe(first);
    await http.post(`/workers/${draining.id}/drain`, {});
    const heard = new Map<string, number>();
    for (const { id } of [unfit, idle, full, draining]) {
      const { session } = await api.rpc.of(id);
      new HintListener(session).onControl(({ work_waits }) => work_waits && heard.set(id, (heard.get(id) ?? 0) + 1));
      await session.connection.flush();
    }
    await api.witness.connection.flush();
    const second = await submit();
    expect(await unfit.claim()).toBeNull();
    await eventually(() => heard.has(idle.id), { what: 'the idle worker is woken' });
    await api.witness.connection.flush();
    expect([...heard]).toEqual([[idle.id, 1]]);
    expect((await idle.claim())?.operation_id).toBe(second);
    expect(await unfit.claim()).toBeNull();
    await api.witness.connection.flush();
    expect(heard.get(idle.id)).toBe(1);
  });
});
