import { RpcError, RpcUnavailableError } from '@ktrdr/messaging-nats';
import type { WorkerRpc } from './ports.js';
import { ReportingRpc } from './reporting-rpc.js';

const REPLY = { status: 'completed' };
const REPORT = { step: 1, epoch: 0, result: {}, checkpoint_id: null };

const LIMITS = { timeoutMs: 1_000, retry: { firstMs: 0, lastMs: 0 }, faults: 20 };

/** An API that fails like this for the first so many requests. */
function given(error: Error, times: number) {
  const requests: unknown[] = [];
  const call = async (_method: string, request: unknown) =>
    requests.push(request) > times ? REPLY : Promise.reject(error);
  const retries: number[] = [];
  const lost: string[] = [];
  const rpc = new ReportingRpc(
    {
      rpc: { call } as unknown as WorkerRpc,
      lease: { operationId: 'op_a', attempt: 3 },
      workerId: 'w1',
      signal: new AbortController().signal,
      onRetry: (_method, _error, tries) => retries.push(tries),
      onLeaseLost: (reason) => lost.push(reason),
    },
    LIMITS,
  );
  const answer = rpc.call('completed', REPORT);
  answer.catch(() => undefined);
  return { answer, retries, requests, lost };
}

describe('a report that must arrive', () => {
  it('carries the fencing token of its attempt', async () => {
    const { answer, requests } = given(new Error('never'), 0);
    await answer;
    expect(requests).toEqual([{ ...REPORT, operation_id: 'op_a', attempt: 3, worker_id: 'w1' }]);
  });

  it('is repeated for as long as nobody answers', async () => {
    const { answer, retries } = given(new RpcUnavailableError('completed', 'nobody listens'), 1_000);
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

  it('is not repeated when it was refused, and a lost lease is reported', async () => {
    const { answer, retries, lost } = given(new RpcError('lease-lost', 'another attempt owns it'), 1_000);
    await expect(answer).rejects.toMatchObject({ code: 'lease-lost' });
    expect(retries).toEqual([]);
    expect(lost).toEqual(['another attempt owns it']);
  });
});
