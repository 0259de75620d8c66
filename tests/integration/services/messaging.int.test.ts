import { RPC_PROTOCOL } from '@ktrdr/contracts';
import {
  HintListener,
  HintPublisher,
  NatsSession,
  RpcError,
  RpcUnavailableError,
  WorkerRpcClient,
  type ServerLimits,
  type ServerPorts,
  type WorkerRpcHandlers,
  WorkerRpcServer,
} from '@ktrdr/messaging-nats';
import { LeaseLostError } from '@ktrdr/operations';
import { givenMessaging } from '../support/given-messaging.js';
import { until } from '../support/nats-process.js';
import { testWorkerUser } from '../support/nats-users.js';

const messaging = givenMessaging();
const { sessions, apiSession, workerSession } = messaging;

async function serve(
  handlers: Partial<WorkerRpcHandlers>,
  { reports = {}, limits }: { reports?: Partial<ServerPorts>; limits?: ServerLimits } = {},
): Promise<WorkerRpcServer> {
  const server = new WorkerRpcServer(
    await apiSession(),
    handlers,
    { identify: messaging.identify, onError: () => undefined, ...reports },
    limits,
  );
  server.start();
  await sessions.at(-1)?.connection.flush();
  return server;
}

async function givenClient(protocol?: number): Promise<WorkerRpcClient> {
  return new WorkerRpcClient(await workerSession(), protocol === undefined ? {} : { protocol });
}

const ANSWERED = { registered: true, draining: false, work_waits: false, directives: [] };
const heartbeat = { worker_id: 'w1', free_slots: 1, leases: [] };

describe('worker RPC', () => {
  const asked = { timeoutMs: 2_000 };

  it('brings texts that can be stored, and refuses at once what is larger than a message may be', async () => {
    const reasons: string[] = [];
    const server = await serve({
      released: async ({ reason }) => {
        reasons.push(reason);
        return { status: 'queued' };
      },
    });
    const client = await givenClient();
    const report = { operation_id: 'op_a', attempt: 1, worker_id: 'w1', step: 1, epoch: 0, checkpoint_id: null };
    await client.call('released', { ...report, reason: 'a\0b \ud83d' }, asked);
    expect(reasons).toEqual(['a\ufffdb \ufffd']);
    const tooLarge = client.call('released', { ...report, reason: 'x'.repeat(2_000_000) }, asked);
    await expect(tooLarge).rejects.toMatchObject({
      code: 'request-invalid',
      message: expect.stringContaining('bytes'),
    });
    await server.stop();
  });

  it('carries the reply, and refusals with code, message and details', async () => {
    const server = await serve({
      heartbeat: () => Promise.resolve({ registered: true, draining: false, work_waits: false, directives: [] }),
      paused: ({ operation_id, attempt }) => Promise.reject(new LeaseLostError({ operationId: operation_id, attempt })),
    });
    const client = await givenClient();
    expect(await client.call('heartbeat', heartbeat, asked)).toEqual({
      registered: true,
      draining: false,
      work_waits: false,
      directives: [],
    });
    const lease = { operation_id: 'op_a', attempt: 3, worker_id: 'w1' };
    const refused = client.call('paused', { ...lease, step: 1, epoch: 0, checkpoint_id: 'c1', snapshot: null }, asked);
    await expect(refused).rejects.toMatchObject({ code: 'lease-lost', details: { attempt: 3 } });
    await server.stop();
  });

  it('says only "internal" about a fault, and tells the fault to the API', async () => {
    const faults: unknown[] = [];
    const onError = (method: string, error: unknown): number => faults.push([method, (error as Error).message]);
    const server = await serve(
      { heartbeat: () => Promise.reject(new Error('password is 1234')) },
      { reports: { onError } },
    );
    const client = await givenClient();
    const refusal = await client.call('heartbeat', heartbeat, asked).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RpcError);
    expect(refusal).toMatchObject({ code: 'internal', message: expect.not.stringContaining('1234') as string });
    expect(faults).toEqual([['heartbeat', 'password is 1234']]);
    await server.stop();
  });

  it('refuses a request that has not the agreed form', async () => {
    const server = await serve({ heartbeat: () => Promise.resolve(ANSWERED) });
    const client = await givenClient();
    const request = { ...heartbeat, free_slots: -1 };
    await expect(client.call('heartbeat', request, asked)).rejects.toMatchObject({
      code: 'request-invalid',
      details: { problems: [{ path: 'free_slots' }] },
    });
    await server.stop();
  });

  it('says at once that nobody listens', async () => {
    const client = await givenClient();
    const startedAt = performance.now();
    await expect(client.call('heartbeat', heartbeat, { timeoutMs: 10_000 })).rejects.toBeInstanceOf(
      RpcUnavailableError,
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('refuses another version of the protocol, naming both', async () => {
    await serve({ heartbeat: () => Promise.resolve(ANSWERED) });
    const old = await givenClient(RPC_PROTOCOL - 1);
    await expect(old.call('heartbeat', heartbeat, asked)).rejects.toMatchObject({
      code: 'protocol-mismatch',
      details: { spoken: String(RPC_PROTOCOL - 1), expected: String(RPC_PROTOCOL) },
    });
  });

  it('answers busy beyond what it may hold, and goes on with what it holds', async () => {
    const gate = Promise.withResolvers<void>();
    let begun = 0;
    await serve(
      {
        heartbeat: async () => {
          begun += 1;
          await gate.promise;
          return ANSWERED;
        },
      },
      { limits: { atOnce: 1, held: 2 } },
    );
    const client = await givenClient();
    const held = [1, 2].map(() => client.call('heartbeat', heartbeat, { timeoutMs: 20_000 }));
    await expect(client.call('heartbeat', heartbeat, { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'busy' });
    expect(begun).toBe(1);
    gate.resolve();
    expect(await Promise.all(held)).toEqual([ANSWERED, ANSWERED]);
    expect(await client.call('heartbeat', heartbeat, asked)).toEqual(ANSWERED);
  });

  it('answers busy beyond the bytes that it may hold', async () => {
    const gate = Promise.withResolvers<void>();
    await serve(
      { events: () => gate.promise.then(() => ({ operations: [] })) },
      { limits: { atOnce: 1, held: 10, heldBytes: 3_000 } },
    );
    const client = await givenClient();
    const batch = { worker_id: 'w1', events: ['x'.repeat(1_000)] };
    const held = [1, 2].map(() => client.call('events', batch, { timeoutMs: 20_000 }));
    await expect(client.call('events', batch, { timeoutMs: 20_000 })).rejects.toMatchObject({ code: 'busy' });
    gate.resolve();
    await Promise.all(held);
  });

  it('drops unread what its asker does not wait for any more', async () => {
    const gate = Promise.withResolvers<void>();
    const handled: number[] = [];
    const dropped: string[] = [];
    await serve(
      {
        heartbeat: async ({ free_slots }) => {
          handled.push(free_slots);
          await gate.promise;
          return ANSWERED;
        },
      },
      { limits: { atOnce: 1 }, reports: { onDropped: (method) => dropped.push(method) } },
    );
    const client = await givenClient();
    const ask = (free_slots: number, timeoutMs: number) =>
      client.call('heartbeat', { ...heartbeat, free_slots }, { timeoutMs });
    const first = ask(1, 20_000);
    await until(() => handled.length === 1, 'the first is handled');
    await expect(ask(2, 50)).rejects.toMatchObject({ code: 'messaging-unavailable' });
    const third = ask(3, 20_000);
    await sessions.at(-1)?.connection.flush();
    gate.resolve();
    await Promise.all([first, third]);
    expect(handled).toEqual([1, 3]);
    expect(dropped).toEqual(['heartbeat']);
  });

  it('waits for no other method: what hangs in one keeps none of another', async () => {
    await serve(
      { claim: () => new Promise(() => undefined), heartbeat: () => Promise.resolve(ANSWERED) },
      { limits: { atOnce: 1 } },
    );
    const client = await givenClient();
    const claim = { worker_id: 'w1', claim_id: 'c', pool: 'default', capabilities: [] };
    const hanging = [1, 2, 3].map(() => client.call('claim', claim, { timeoutMs: 1_000 }).catch(() => undefined));
    expect(await client.call('heartbeat', heartbeat, asked)).toEqual(ANSWERED);
    await Promise.all(hanging);
  });

  it('finishes what is in flight when it stops, and takes nothing more', async () => {
    let finish = (): void => undefined;
    let entered = false;
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const server = await serve({
      heartbeat: async () => {
        entered = true;
        await gate;
        return { registered: true, draining: false, work_waits: false, directives: [] };
      },
    });
    const client = await givenClient();
    const inFlight = client.call('heartbeat', heartbeat, { timeoutMs: 10_000 });
    await until(() => entered, 'the request is being handled');
    const stopped = server.stop();
    await until(
      () =>
        client.call('heartbeat', heartbeat, asked).then(
          () => false,
          (error: unknown) => error instanceof RpcUnavailableError,
        ),
      'a new request finds nobody',
    );
    finish();
    await stopped;
    await expect(inFlight).resolves.toMatchObject({ registered: true });
  });
});

describe('hints', () => {
  const heard: string[] = [];
  beforeEach(() => void heard.splice(0));

  it('reach the worker they are for, readable or not', async () => {
    const publisher = new HintPublisher(await apiSession());
    const session = await workerSession();
    const other = await workerSession({ workerId: 'w2' });
    new HintListener(session).onControl((hint) => heard.push(JSON.stringify(hint)));
    new HintListener(other).onControl(() => heard.push('another worker'));
    await Promise.all([session, other].map(({ connection }) => connection.flush()));
    const { publicKey } = session.settings.user.key;
    publisher.control(publicKey, { work_waits: true });
    publisher.control(publicKey);
    sessions[0]?.connection.publish(session.subjects.control(publicKey), 'not JSON');
    await until(() => heard.length === 3, 'three hints');
    expect(heard).toEqual(['{"work_waits":true}', '{}', '{}']);
  });

  it('of work wake one of the workers of the pool that listen, and nobody who has left', async () => {
    const publisher = new HintPublisher(await apiSession());
    const names = ['a', 'b', 'c'];
    const listeners = await Promise.all(
      names.map(async (workerId) => [workerId, await workerSession({ workerId })] as const),
    );
    const ends = listeners.map(([name, session]) =>
      new HintListener(session).onWork('default', () => heard.push(name)),
    );
    new HintListener(await workerSession({ pool: 'gpu' })).onWork('gpu', () => heard.push('another pool'));
    await Promise.all(sessions.map(({ connection }) => connection.flush()));
    for (let n = 0; n < 20; n += 1) publisher.work('default');
    await until(() => heard.length === 20, 'each hint once');
    ends[0]?.();
    ends[1]?.();
    await Promise.all(sessions.map(({ connection }) => connection.flush()));
    heard.splice(0);
    for (let n = 0; n < 5; n += 1) publisher.work('default');
    await until(() => heard.length === 5, 'each hint once');
    expect(heard).toEqual(['c', 'c', 'c', 'c', 'c']);
  });

  it('are forgotten while there is no connection', async () => {
    const session = await apiSession();
    const publisher = new HintPublisher(session);
    new HintListener(session).onRecorded(() => heard.push('recorded'));
    await messaging.nats().stop();
    await until(() => !session.isConnected, 'the session notices');
    publisher.recorded();
    await messaging.nats().start();
    await until(() => session.isConnected, 'the session is back');
    new HintPublisher(await apiSession()).recorded();
    await until(() => heard.length > 0, 'a hint');
    expect(heard).toEqual(['recorded']);
  });
});

describe('a server that goes away', () => {
  it('is waited for when connecting, with a word about it', async () => {
    await messaging.nats().stop();
    const waiting: string[] = [];
    const connecting = NatsSession.connect(
      { servers: messaging.nats().url, prefix: messaging.prefix(), name: 'test', user: testWorkerUser() },
      { onWaiting: (message) => waiting.push(message) },
    );
    await until(() => waiting.length > 0, 'a word about waiting');
    await messaging.nats().start();
    sessions.push(await connecting);
    expect(waiting[0]).toContain(messaging.nats().url);
  });

  it('fails what was under way when the connection is lost, and does not let it wait for its time to be over', async () => {
    let asked = false;
    await serve({
      heartbeat: () => {
        asked = true;
        return new Promise(() => undefined);
      },
    });
    const call = (await givenClient()).call('heartbeat', heartbeat, { timeoutMs: 60_000 });
    await until(() => asked, 'the request has arrived');
    const refused = expect(call).rejects.toThrow('No answer to heartbeat: the connection was lost; repeat it');
    const stoppedAt = performance.now();
    await messaging.nats().stop();
    await refused;
    expect(performance.now() - stoppedAt).toBeLessThan(20_000);
    await messaging.nats().start();
    await until(() => sessions.every(({ isConnected }) => isConnected), 'all sessions are back');
  });

  it('makes calls fail at once and is used again when it is back', async () => {
    await serve({ heartbeat: () => Promise.resolve(ANSWERED) });
    const session = await workerSession();
    const client = new WorkerRpcClient(session);
    expect(await client.call('heartbeat', heartbeat, { timeoutMs: 5_000 })).toEqual(ANSWERED);
    await messaging.nats().stop();
    await until(() => !session.isConnected, 'the session notices');
    await expect(client.call('heartbeat', heartbeat, { timeoutMs: 5_000 })).rejects.toThrow(/not connected/);
    await messaging.nats().start();
    await until(() => sessions.every(({ isConnected }) => isConnected), 'all sessions are back');
    const answered = (): Promise<boolean> =>
      client.call('heartbeat', heartbeat, { timeoutMs: 1_000 }).then(
        () => true,
        () => false,
      );
    await until(answered, 'calls are answered again');
  });
});
