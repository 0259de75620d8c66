import { RpcError, RpcUnavailableError } from '@ktrdr/messaging-nats';
import { PersistentRpc } from './reporting-rpc.js';
import type { WorkerRpc } from '../trainers/ports.js';

const REPLY = { registered: true, draining: false, directives: [] };
const REQUEST = { worker_id: 'w1', free_slots: 1, leases: [] };

const LIMITS = { retry: { firstMs: 0, lastMs: 0 }, faults: 20 };

/** An API that fails like this for the first so many requests. */
function given(error: Error, times: number) {
  let asked = 0;
  const rpc = { call: async () => ((asked += 1) > times ? REPLY : Promise.reject(error)) } as unknown as WorkerRpc;
  const retries: number[] = [];
  const persistent = new PersistentRpc(rpc, (_method, _error, tries) => retries.push(tries), LIMITS);
  const answer = persistent.call('heartbeat', REQUEST, new AbortController().signal);
  answer.catch(() => undefined);
  return { answer, retries };
}

describe('a report that must arrive', () => {
  it('is repeated for as long as nobody answers', async () => {
    const { answer, retries } = given(new RpcUnavailableError('heartbeat', 'nobody listens'), 1_000);
    expect(await answer).toEqual(REPLY);
    expect(retries).toHaveLength(1_000);
  });

  it('is repeated over so many faults of the API, and then has failed', async () => {
    const fault = new RpcError('internal', 'it failed inside the API');
    const short = given(fault, 19);
    expect(await short.answer).toEqual(REPLY);
    const lasting = given(fault, 1_000);
    await expect(lasting.answer).rejects.toBe(fault);
    expect(lasting.retries).toHaveLength(19);
  });

  it('is not repeated when it was refused', async () => {
    const { answer, retries } = given(new RpcError('lease-lost', 'another attempt owns it'), 1_000);
    await expect(answer).rejects.toMatchObject({ code: 'lease-lost' });
    expect(retries).toEqual([]);
  });
});
