import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { smallSpec } from '../support/specs.js';

interface Received {
  readonly signature: string;
  readonly body: string;
}

describe('what the API tells others', () => {
  let services: Services;
  let http: Http;
  let receiver: Server;
  let received: Received[];
  let answer: number;
  beforeAll(async () => {
    services = await givenServices();
    http = httpOf(await startApi(services));
  });
  beforeEach(async () => {
    received = [];
    answer = 204;
    receiver = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        received.push({ signature: String(request.headers['ktrdr-signature']), body });
        response.writeHead(answer).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => new Promise((resolve) => receiver.close(resolve)));
  afterAll(() => services.close());

  const url = () => `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`;
  const submit = async () => (await http.post('/operations', { spec: smallSpec() })).body['operation_id'] as string;
  const statusesOf = (id: string) =>
    received
      .map(({ body }) => JSON.parse(body) as { operation_id: string; status: string })
      .filter(({ operation_id }) => operation_id === id)
      .map(({ status }) => status);

  it('tells a webhook every state change once, signed with its secret', async () => {
    const { body: webhook, status } = await http.post('/webhooks', { url: url() });
    expect(status).toBe(201);
    const id = await submit();
    await http.post(`/operations/${id}/pause`);
    await http.post(`/operations/${id}/resume`);
    await http.post(`/operations/${id}/cancel`);
    await eventually(() => statusesOf(id).length >= 4, { what: 'four deliveries' });
    expect(statusesOf(id).toSorted()).toEqual(['cancelled', 'paused', 'queued', 'resuming']);
    for (const { signature, body } of received) {
      const [, seconds = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
      const expected = createHmac('sha256', webhook['secret'] as string)
        .update(`${seconds}.${body}`)
        .digest('hex');
      expect(mac).toBe(expected);
    }
    expect((await http.delete(`/webhooks/${webhook['webhook_id']}`)).status).toBe(204);
  });

  it('tries again until the webhook accepts it, and shows why it has not', async () => {
    answer = 500;
    const { body: webhook } = await http.post('/webhooks', { url: url(), statuses: ['cancelled'] });
    const id = await submit();
    await http.post(`/operations/${id}/cancel`);
    await eventually(() => received.length >= 1, { what: 'the first try' });
    const path = `/webhooks/${webhook['webhook_id']}/deliveries`;
    const first = await eventually(
      async () => (await http.get(path)).body['items'].find((item: { last_error: string | null }) => item.last_error),
      { what: 'the failure is recorded' },
    );
    expect(first).toMatchObject({ operation_id: id, delivered_at: null, last_error: 'it answered 500' });
    answer = 200;
    await eventually(async () => (await http.get(path)).body['items'][0].delivered_at as string | null, {
      what: 'it is delivered',
    });
    expect(statusesOf(id)).toEqual(received.map(() => 'cancelled'));
    await http.delete(`/webhooks/${webhook['webhook_id']}`);
  });

  it('refuses a webhook that is not an http address, and one that is not there', async () => {
    expect((await http.post('/webhooks', { url: 'ftp://example.org/' })).status).toBe(422);
    expect((await http.delete('/webhooks/none')).body['code']).toBe('webhook-not-found');
  });

  it('shows Prometheus what is going on', async () => {
    const id = await submit();
    await http.post(`/operations/${id}/pause`);
    await http.post(`/operations/${id}/pause`);
    const { text } = (await http.get('/metrics')).body as { text: string };
    expect(text).toMatch(/^ktrdr_operations\{pool="default",status="paused"\} [1-9]/m);
    expect(text).toMatch(/^ktrdr_transitions_total\{event="pause",to="paused"\} [1-9]/m);
    expect(text).toMatch(/^ktrdr_transitions_refused_total\{event="pause"\} [1-9]/m);
    for (const name of [
      'ktrdr_queue_depth',
      'ktrdr_events_dropped_total',
      'ktrdr_claim_wait_seconds',
      'ktrdr_checkpoint_save_seconds',
    ])
      expect(text).toContain(`# TYPE ${name} `);
  });

  it('shows an autoscaler every pool and status, zeros too', async () => {
    const pool = 'pool-of-one';
    const figures = async (): Promise<Readonly<Record<string, number>>> => {
      const { text } = (await http.get('/metrics')).body as { text: string };
      const lines = text.split('\n').filter((line) => line.includes(`pool="${pool}"`));
      return Object.fromEntries(
        lines.map((line) => [/status="(\w+)"/.exec(line)?.[1] ?? line.split('{')[0], Number(line.split(' ').at(-1))]),
      );
    };
    expect(await figures()).toEqual({});
    const { body } = await http.post('/operations', { pool, spec: smallSpec() });
    const none = {
      queued: 0,
      running: 0,
      pausing: 0,
      paused: 0,
      resuming: 0,
      cancelling: 0,
      cancelled: 0,
      completed: 0,
    };
    const waiting = await figures();
    expect(waiting).toEqual({
      ...none,
      failed: 0,
      queued: 1,
      ktrdr_queue_depth: 1,
      ktrdr_queue_oldest_seconds: expect.any(Number) as number,
    });
    await http.post(`/operations/${body['operation_id']}/cancel`);
    const idle = { ktrdr_queue_depth: 0, ktrdr_queue_oldest_seconds: 0 };
    expect(await figures()).toEqual({ ...none, failed: 0, cancelled: 1, ...idle });
  });
});
