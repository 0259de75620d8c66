import { ApiClient } from './api-client.js';
import { ApiProblemError } from './errors.js';
import type { StreamItem, StreamOptions } from './event-stream.js';
import { operationView } from './testing/operation-fixture.js';
import { events, hangUp, problem, ScriptedServer, type Turn } from './testing/scripted-server.js';

const ID = operationView().operation_id;

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function given(turns: readonly Turn[]) {
  const server = await new ScriptedServer(turns).start();
  servers.push(server);
  return { server, api: new ApiClient({ url: server.url, token: 'secret', backoff: { firstMs: 1, maxMs: 4 } }) };
}

function message(seq: number, type = 'progress'): string {
  const event = { operation_id: ID, seq, type, attempt: 1, at: '2026-11-22T10:15:00.000Z', data: {} };
  return `id: e${seq}\ndata: ${JSON.stringify(event)}`;
}

const SNAPSHOT = `event: snapshot\nid: e0\ndata: ${JSON.stringify({ operation: operationView() })}`;

/** Reads until the condition holds, then leaves. */
async function read(api: ApiClient, isEnough: (items: readonly StreamItem[]) => boolean, options: StreamOptions = {}) {
  const leaving = new AbortController();
  const items: StreamItem[] = [];
  for await (const item of api.stream({ operationId: ID, signal: leaving.signal, ...options })) {
    items.push(item);
    if (isEnough(items)) leaving.abort();
  }
  return items;
}

const seqs = (items: readonly StreamItem[]) => items.flatMap((item) => (item.kind === 'event' ? [item.event.seq] : []));

describe('stream', () => {
  it('begins with the snapshot and goes on with the events', async () => {
    const { api, server } = await given([events([': keep-alive', SNAPSHOT, message(1), message(2)])]);
    const items = await read(api, (seen) => seen.length === 3);
    expect(items.map(({ kind }) => kind)).toEqual(['snapshot', 'event', 'event']);
    expect(server.requests[0]?.url).toBe(`/events?operation_id=${ID}`);
    expect(server.requests[0]?.headers).toMatchObject({ authorization: 'Bearer secret', accept: 'text/event-stream' });
    expect(server.requests[0]?.headers).not.toHaveProperty('last-event-id');
  });

  it('comes back after a break with the last id, without a gap or a duplicate', async () => {
    const { api, server } = await given([
      events([SNAPSHOT, message(1), message(2)], { ends: true }),
      hangUp,
      problem(503, { code: 'shutting-down' }),
      events([message(2), message(3), message(4)]),
    ]);
    const items = await read(api, (seen) => seqs(seen).includes(4));
    expect(seqs(items)).toEqual([1, 2, 3, 4]);
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'e2', 'e2', 'e2']);
    expect(items.map(({ kind }) => kind).filter((kind) => kind.endsWith('connected'))).toEqual([
      'disconnected',
      'reconnected',
    ]);
  });

  it('survives a server that is stopped and started again', async () => {
    const { api, server } = await given([events([message(1)]), events([message(2)])]);
    const restarted: Promise<unknown>[] = [];
    const items = await read(api, (seen) => {
      if (seqs(seen).length === 1 && restarted.length === 0) restarted.push(server.stop().then(() => server.start()));
      return seqs(seen).includes(2);
    });
    await Promise.all(restarted);
    expect(seqs(items)).toEqual([1, 2]);
  });

  it('takes silence for a broken connection', async () => {
    const { api } = await given([events([message(1)]), events([message(2)])]);
    const items = await read(api, (seen) => seqs(seen).includes(2), { silenceMs: 50 });
    expect(seqs(items)).toEqual([1, 2]);
  });

  it('starts after the message it is told', async () => {
    const { api, server } = await given([events([message(8)])]);
    await read(api, (seen) => seen.length === 1, { lastEventId: 'e7' });
    expect(server.requests[0]?.headers['last-event-id']).toBe('e7');
  });

  it('does not come back when the API refuses', async () => {
    const { api, server } = await given([problem(404, { code: 'operation-not-found', detail: 'There is none' })]);
    await expect(read(api, () => true)).rejects.toThrow(ApiProblemError);
    expect(server.requests).toHaveLength(1);
  });

  it('gives up when nobody answers for too long', async () => {
    const { api, server } = await given([hangUp]);
    await server.stop();
    await expect(read(api, () => false, { giveUpAfterMs: 30 })).rejects.toMatchObject({ code: 'api-unreachable' });
  });

  it('ends quietly when it is aborted while it waits to come back', async () => {
    const { api } = await given([hangUp]);
    const items = await read(api, (seen) => seen.length === 1);
    expect(items.map(({ kind }) => kind)).toEqual(['disconnected']);
  });

  it('puts a message together that arrives in pieces', async () => {
    const letters = message(1).replace('{}', '{"text":"é"}');
    const { api } = await given([
      (_request, response) => {
        const bytes = Buffer.from(`${letters}\n\n`);
        const middle = bytes.indexOf(0xc3) + 1;
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(bytes.subarray(0, middle), () => response.write(bytes.subarray(middle)));
      },
    ]);
    const [item] = await read(api, () => true);
    expect(item?.kind === 'event' && item.event.data).toEqual({ text: 'é' });
  });
});
