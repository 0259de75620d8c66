import type { ControlHint, WorkerEvent, WorkerRpcMethod } from '@ktrdr/contracts';
import {
  ControlListener,
  EventConsumer,
  EventPublisher,
  NatsSession,
  RpcError,
  RpcUnavailableError,
  TicketConsumer,
  WorkerRpcClient,
  type WorkerRpcHandlers,
  WorkerRpcServer,
} from '@ktrdr/messaging-nats';
import { LeaseLostError } from '@ktrdr/operations';
import { givenMessaging } from '../support/given-messaging.js';
import { until } from '../support/nats-process.js';

const messaging = givenMessaging();
const { sessions, session: givenSession, dispatcher: givenDispatcher } = messaging;

function event(n: number, operation = 'op_a'): WorkerEvent {
  const body = { type: 'warning', code: 'test', message: `event ${n}` } as const;
  return { n, operation_id: operation, attempt: 1, worker_id: 'w1', at: new Date().toISOString(), body };
}

function handlers(some: Partial<WorkerRpcHandlers>): WorkerRpcHandlers {
  const refuse = (): Promise<never> => Promise.reject(new Error('not part of this test'));
  const methods: WorkerRpcMethod[] = ['register', 'claim', 'heartbeat', 'restored', 'restore-failed'];
  methods.push('checkpoint.commit', 'checkpoint.failed', 'paused', 'cancelled', 'completed', 'failed', 'released');
  return { ...Object.fromEntries(methods.map((method) => [method, refuse])), ...some } as WorkerRpcHandlers;
}

const signal = (): AbortSignal => new AbortController().signal;
const ticket = { pool: 'default', operationId: 'op_a', attempt: 0, version: 1 };
const heartbeat = { worker_id: 'w1', free_slots: 1, leases: [] };

describe('worker RPC', () => {
  const asked = { timeoutMs: 2_000 };

  it('brings texts that can be stored, and refuses at once what is larger than a message may be', async () => {
    const reasons: string[] = [];
    const server = new WorkerRpcServer(
      await givenSession('api'),
      handlers({
        released: async ({ reason }) => {
          reasons.push(reason);
          return { status: 'queued' };
        },
      }),
      () => undefined,
    );
    server.start();
    const client = new WorkerRpcClient(await givenSession());
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
    const server = new WorkerRpcServer(
      await givenSession('api'),
      handlers({
        heartbeat: () => Promise.resolve({ registered: true, draining: false, directives: [] }),
        paused: ({ operation_id, attempt }) =>
          Promise.reject(new LeaseLostError({ operationId: operation_id, attempt })),
      }),
      () => undefined,
    );
    server.start();
    const client = new WorkerRpcClient(await givenSession());
    expect(await client.call('heartbeat', heartbeat, asked)).toEqual({
      registered: true,
      draining: false,
      directives: [],
    });
    const lease = { operation_id: 'op_a', attempt: 3, worker_id: 'w1' };
    const refused = client.call('paused', { ...lease, step: 1, epoch: 0, checkpoint_id: 'c1', snapshot: null }, asked);
    await expect(refused).rejects.toMatchObject({ code: 'lease-lost', details: { attempt: 3 } });
    await server.stop();
  });

  it('says only "internal" about a fault, and tells the fault to the API', async () => {
    const faults: unknown[] = [];
    const server = new WorkerRpcServer(
      await givenSession('api'),
      handlers({ heartbeat: () => Promise.reject(new Error('password is 1234')) }),
      (method, error) => faults.push([method, (error as Error).message]),
    );
    server.start();
    const client = new WorkerRpcClient(await givenSession());
    const refusal = await client.call('heartbeat', heartbeat, asked).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(RpcError);
    expect(refusal).toMatchObject({ code: 'internal', message: expect.not.stringContaining('1234') as string });
    expect(faults).toEqual([['heartbeat', 'password is 1234']]);
    await server.stop();
  });

  it('refuses a request that has not the agreed form', async () => {
    const server = new WorkerRpcServer(await givenSession('api'), handlers({}), () => undefined);
    server.start();
    const client = new WorkerRpcClient(await givenSession());
    const request = { ...heartbeat, free_slots: -1 };
    await expect(client.call('heartbeat', request, asked)).rejects.toMatchObject({
      code: 'request-invalid',
      details: { problems: [{ path: 'free_slots' }] },
    });
    await server.stop();
  });

  it('says at once that nobody listens', async () => {
    const client = new WorkerRpcClient(await givenSession());
    const startedAt = performance.now();
    await expect(client.call('heartbeat', heartbeat, { timeoutMs: 10_000 })).rejects.toBeInstanceOf(
      RpcUnavailableError,
    );
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  it('finishes what is in flight when it stops, and takes nothing more', async () => {
    let finish = (): void => undefined;
    let entered = false;
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const server = new WorkerRpcServer(
      await givenSession('api'),
      handlers({
        heartbeat: async () => {
          entered = true;
          await gate;
          return { registered: true, draining: false, directives: [] };
        },
      }),
      () => undefined,
    );
    server.start();
    const client = new WorkerRpcClient(await givenSession());
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

describe('events', () => {
  it('arrive in order and in batches, once however often they are published', async () => {
    await givenDispatcher();
    const publisher = new EventPublisher(await givenSession());
    for (let n = 1; n <= 25; n += 1) await publisher.publish(event(n));
    await publisher.publish(event(25));
    const { batches, stop } = await givenConsumption({ maxBatch: 10 });
    await until(() => batches.flat().length >= 25, 'all events');
    await stop();
    expect(batches.flat().map(({ n }) => n)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(10);
  });

  it('arrive as a warning where one is larger than a message may be', async () => {
    await givenDispatcher();
    const publisher = new EventPublisher(await givenSession());
    const lines = ['x'.repeat(2_000_000)];
    await publisher.publish({ ...event(1), body: { type: 'log', stream: 'stdout', lines } });
    const second = event(2);
    await publisher.publish(second);
    const { batches, stop } = await givenConsumption({ maxBatch: 10 });
    await until(() => batches.flat().length >= 2, 'both');
    await stop();
    expect(batches.flat()).toMatchObject([{ n: 1, body: { type: 'warning', code: 'event-too-large' } }, second]);
  });

  it('come again, in order, when the handler throws', async () => {
    await givenDispatcher();
    const publisher = new EventPublisher(await givenSession());
    for (let n = 1; n <= 3; n += 1) await publisher.publish(event(n));
    let failures = 2;
    const { batches, stop, troubles } = await givenConsumption({
      maxBatch: 10,
      before: () => {
        failures -= 1;
        if (failures >= 0) throw new Error('the database is away');
      },
    });
    await until(() => batches.length > 0, 'the batch is handled');
    await stop();
    expect(batches.flat().map(({ n }) => n)).toEqual([1, 2, 3]);
    expect(troubles.map(({ reason }) => reason)).toEqual(['the database is away', 'the database is away']);
  });

  it('that cannot be read are reported and never come back', async () => {
    await givenDispatcher();
    const session = await givenSession();
    await session.jetstream.publish(session.subjects.events('op_a'), 'not json');
    await session.jetstream.publish(session.subjects.events('op_a'), '{"n":0}');
    await new EventPublisher(session).publish(event(1));
    const { batches, stop, troubles } = await givenConsumption({ maxBatch: 10 });
    await until(() => batches.flat().length === 1, 'the readable event');
    await stop();
    expect(troubles.filter(({ what }) => what.startsWith('unreadable event'))).toHaveLength(2);
    const { consumers } = await session.manager();
    const info = await consumers.info(session.subjects.eventStream, 'api');
    expect(info).toMatchObject({ num_pending: 0, num_ack_pending: 0 });
  });

  async function givenConsumption({ maxBatch, before }: { maxBatch: number; before?: () => void }) {
    const batches: WorkerEvent[][] = [];
    const troubles: { what: string; reason: string }[] = [];
    const end = new AbortController();
    const running = new EventConsumer(await givenSession('api'), 'api').run(
      async (events) => {
        before?.();
        batches.push(events);
        await Promise.resolve();
      },
      { signal: end.signal, maxBatch, maxWaitMs: 50, onTrouble: (trouble) => troubles.push(trouble) },
    );
    const stop = async (): Promise<void> => {
      end.abort();
      await running;
      await sessions.at(-1)?.connection.flush();
    };
    return { batches, troubles, stop };
  }
});

describe('hints', () => {
  it('reach the worker they are for', async () => {
    const dispatcher = await givenDispatcher();
    const session = await givenSession();
    const heard: (ControlHint | null)[] = [];
    new ControlListener(session, 'w1').listen((hint) => heard.push(hint));
    await session.connection.flush();
    dispatcher.hint('w2', 'op_b');
    dispatcher.hint('w1', 'op_a');
    await until(() => heard.length > 0, 'a hint');
    expect(heard).toEqual([{ operation_id: 'op_a' }]);
  });
});

describe('a server that goes away', () => {
  it('is waited for when connecting, with a word about it', async () => {
    await messaging.nats().stop();
    const waiting: string[] = [];
    const connecting = NatsSession.connect(
      { servers: messaging.nats().url, prefix: messaging.prefix(), name: 'test' },
      { onWaiting: (message) => waiting.push(message) },
    );
    await until(() => waiting.length > 0, 'a word about waiting');
    await messaging.nats().start();
    sessions.push(await connecting);
    expect(waiting[0]).toContain(messaging.nats().url);
  });

  it('fails what was under way when the connection is lost, and does not let it wait for its time to be over', async () => {
    let asked = false;
    const server = new WorkerRpcServer(
      await givenSession('api'),
      handlers({
        heartbeat: () => {
          asked = true;
          return new Promise(() => undefined);
        },
      }),
      () => undefined,
    );
    server.start();
    const call = new WorkerRpcClient(await givenSession()).call('heartbeat', heartbeat, { timeoutMs: 60_000 });
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
    const dispatcher = await givenDispatcher();
    const session = await givenSession();
    const consumer = new TicketConsumer(session, 'default');
    const publisher = new EventPublisher(session);
    const { batches, end, running } = await consumeAll();
    await publisher.publish(event(1));
    await until(() => batches.flat().length === 1, 'the first event');
    const waiting = consumer.next({ expiresMs: 60_000, signal: signal() });

    await messaging.nats().stop();
    expect(await waiting).toBeNull();
    await until(() => !session.isConnected, 'the session notices');
    await expect(publisher.publish(event(2))).rejects.toMatchObject({ code: 'messaging-unavailable' });
    await expect(new WorkerRpcClient(session).call('heartbeat', heartbeat, { timeoutMs: 5_000 })).rejects.toThrow(
      /not connected/,
    );

    await messaging.nats().start();
    await until(() => sessions.every(({ isConnected }) => isConnected), 'all sessions are back');
    await publisher.publish(event(2));
    await dispatcher.publishTicket(ticket);
    await until(async () => (await consumer.next({ expiresMs: 1_000, signal: signal() })) !== null, 'the ticket');
    await until(() => batches.flat().some(({ n }) => n === 2), 'the second event');
    end.abort();
    await running;
  });

  async function consumeAll() {
    const batches: WorkerEvent[][] = [];
    const end = new AbortController();
    const running = new EventConsumer(await givenSession('api'), 'api').run(
      async (events) => {
        batches.push(events);
        await Promise.resolve();
      },
      { signal: end.signal, maxBatch: 10, maxWaitMs: 20 },
    );
    return { batches, end, running };
  }
});
