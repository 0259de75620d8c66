import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { type RunningApi, startApi } from '../support/processes.js';
import { smallSpec } from '../support/specs.js';
import { eventually } from '../support/eventually.js';

describe('the HTTP API', () => {
  let services: Services;
  let api: RunningApi;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    api = await startApi(services);
    http = httpOf(api);
  });
  afterAll(() => services.close());

  const submit = async (extra: Record<string, unknown> = {}) =>
    (await http.post('/operations', { spec: smallSpec(), ...extra })).body;

  it('stores a submission and says where it stands', async () => {
    const { status, body } = await http.post('/operations', { name: 'first', spec: smallSpec(), pool: 'http' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: 'first',
      status: 'queued',
      queue_position: 1,
      attempt: 0,
      allowed_actions: ['pause', 'cancel'],
    });
    expect(body['spec']).toMatchObject({ seed: 7, normalization: 'standard' });
    expect(body['spec_sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(body['actions']).toEqual(
      expect.arrayContaining([
        { action: 'cancel', allowed: true, code: null, reason: null },
        expect.objectContaining({ action: 'resume', allowed: false, code: 'illegal-transition' }),
      ]),
    );
    const shown = await http.get(`/operations/${body['operation_id']}`);
    expect({ ...shown.body, queued_seconds: 0 }).toEqual({ ...body, queued_seconds: 0 });
  });

  it('names every offending path of a bad spec at once and stores nothing', async () => {
    const before = (await http.get('/operations')).body['total'];
    const spec = smallSpec({ epochs: 0, batch_size: 'many', surprise: 1, model: { layers: [{ kind: 'conv' }] } });
    const { status, body, headers } = await http.post('/operations', { spec });
    expect(status).toBe(422);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ code: 'spec-invalid', status: 422, type: 'urn:ktrdr:problem:spec-invalid' });
    const paths = (body['problems'] as { path: string }[]).map(({ path }) => path);
    expect(paths.toSorted()).toEqual(['batch_size', 'epochs', 'model.layers.0.kind', 'surprise']);
    const problem = { path: 'epochs', message: 'must be at least 1' };
    expect(body['problems']).toEqual(expect.arrayContaining([problem]));
    expect((await http.get('/operations')).body['total']).toBe(before);
  });

  it.each([
    ['no token', { authorization: '' }],
    ['a wrong token', { authorization: 'Bearer wrong-token-0123456789' }],
    ['another scheme', { authorization: 'Basic abc' }],
  ])('refuses %s with 401', async (_name, headers) => {
    const { status, body, headers: sent } = await http.send('GET', '/operations', { headers });
    expect(status).toBe(401);
    expect(body['code']).toBe('unauthorized');
    expect(sent.get('www-authenticate')).toBe('Bearer');
  });

  it('goes on accepting its own token when another replica starts with another one', async () => {
    const other = await startApi(services);
    const warning = 'the replica that started before has another api token';
    await eventually(async () => (await other.logs()).includes(warning), { what: 'the other one warns' });
    const answers = await Promise.all([
      httpOf(other).get('/operations'),
      http.get('/operations'),
      httpOf({ ...api, token: other.token }).get('/operations'), // so that clients can change before this one does
      httpOf({ ...other, token: api.token }).get('/operations'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401]);
    await other.stop();
  });

  it.each([
    ['malformed JSON', 400, () => http.post('/operations', '{"spec":')],
    [
      'another content type',
      415,
      () => http.send('POST', '/operations', { body: 'a: 1', headers: { 'content-type': 'text/yaml' } }),
    ],
    ['a body over 1 MiB', 413, () => http.post('/operations', { spec: 'x'.repeat(1_100_000) })],
    ['a bad cursor', 400, () => http.get('/operations?cursor=nonsense')],
    ['an unknown status', 422, () => http.get('/operations?status=sleeping')],
    ['an unknown query field', 422, () => http.get('/operations?colour=red')],
    ['an id that cannot be', 404, () => http.get('/operations/..%2F..%2Fetc')],
    ['an unknown operation', 404, () => http.get('/operations/op_training_20260101_000000_abcdef1234')],
    ['an unknown checkpoint', 404, () => http.get('/checkpoints/none')],
    ['an unknown route', 404, () => http.get('/nothing/here')],
  ])('answers %s with %i as a problem', async (_name, expected, ask) => {
    const { status, body, headers } = await ask();
    expect(status).toBe(expected);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body).toMatchObject({ status: expected, title: expect.any(String), code: expect.any(String) });
    expect(JSON.stringify(body)).not.toMatch(/\.ts:|at .*\(/);
  });

  it('refuses to resume what is queued, naming the state and what it allows', async () => {
    const { operation_id: id } = await submit();
    const { status, body } = await http.post(`/operations/${id}/resume`);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'illegal-transition',
      operation_status: 'queued',
      allowed_actions: ['pause', 'cancel'],
    });
  });

  it('cancels, pauses and resumes what no worker holds at once', async () => {
    const { operation_id: id } = await submit();
    expect((await http.post(`/operations/${id}/pause`, { reason: 'lunch' })).body['status']).toBe('paused');
    expect((await http.get(`/operations/${id}`)).body['pause']).toMatchObject({ reason: 'lunch' });
    const resumed = await http.post(`/operations/${id}/resume`);
    expect(resumed).toMatchObject({ status: 202, body: { status: 'resuming', resumed_from: null, lost_steps: 0 } });
    expect((await http.post(`/operations/${id}/cancel`, { reason: 'wrong data' })).body['status']).toBe('cancelled');
    const history = (await http.get(`/operations/${id}/history`)).body['items'] as { event: string; actor: string }[];
    expect(history.map(({ event }) => event)).toEqual(['submit', 'pause', 'resume', 'cancel']);
    expect(history.every(({ actor }) => actor === 'client:bootstrap')).toBe(true);
  });

  it('says in a dry run what a resume would do, and changes nothing', async () => {
    const { operation_id: id } = await submit();
    await http.post(`/operations/${id}/cancel`);
    const before = (await http.get(`/operations/${id}`)).body;
    const { status, body } = await http.post(`/operations/${id}/resume`, { dry_run: true });
    expect([status, body['dry_run'], body['status']]).toEqual([202, true, 'cancelled']);
    expect((await http.get(`/operations/${id}`)).body).toEqual(before);
  });

  it('gives a repeated keyed request its first answer, with one effect', async () => {
    const request = { spec: smallSpec(), name: 'keyed' };
    const headers = { 'idempotency-key': 'k-1' };
    const answers = [];
    for (let i = 0; i < 3; i += 1) answers.push(await http.post('/operations', request, headers));
    const [first] = answers;
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body['operation_id'])).size).toBe(1);
    expect(answers[2]?.body).toEqual(first?.body);
    expect(answers[2]?.headers.get('idempotency-replayed')).toBe('true');
    expect((await http.get('/operations?text=keyed')).body['total']).toBe(1);

    const other = await http.post('/operations', { ...request, name: 'another' }, headers);
    expect([other.status, other.body['code']]).toEqual([422, 'idempotency-key-reused']);
  });

  it('gives a repeated keyed refusal the same refusal', async () => {
    const { operation_id: id } = await submit();
    const headers = { 'idempotency-key': 'k-2' };
    const first = await http.post(`/operations/${id}/resume`, {}, headers);
    await http.post(`/operations/${id}/cancel`);
    const again = await http.post(`/operations/${id}/resume`, {}, headers);
    expect([first.status, again.status]).toEqual([409, 409]);
    expect(again.body['operation_status']).toBe('queued');
  });

  it('has one effect for twenty concurrent requests with one key', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        http.post('/operations', { spec: smallSpec(), name: 'raced' }, { 'idempotency-key': 'k-3' }),
      ),
    );
    expect((await http.get('/operations?text=raced')).body['total']).toBe(1);
    const statuses = answers.map(({ status }) => status);
    expect(statuses).toContain(201);
    expect(statuses.filter((status) => status !== 201 && status !== 409)).toEqual([]);
  });

  it('pages through a list without losing or repeating one', async () => {
    for (let i = 0; i < 7; i += 1) await submit({ name: `page-${i}` });
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Awaited<ReturnType<Http['get']>> = await http.get(
        `/operations?text=page-&limit=3${cursor ? `&cursor=${cursor}` : ''}`,
      );
      seen.push(...(page.body['items'] as { name: string }[]).map(({ name }) => name));
      cursor = page.body['next_cursor'] as string | null;
    }
    expect(seen).toEqual(['page-6', 'page-5', 'page-4', 'page-3', 'page-2', 'page-1', 'page-0']);
  });

  it('deletes what is settled and refuses what is not', async () => {
    const { operation_id: id } = await submit();
    expect((await http.delete(`/operations/${id}`)).status).toBe(409);
    await http.post(`/operations/${id}/cancel`);
    expect((await http.delete(`/operations/${id}`)).status).toBe(204);
    expect((await http.get(`/operations/${id}`)).status).toBe(404);
    expect((await http.delete(`/operations/${id}`)).status).toBe(404);
  });

  it('explains why an operation waits', async () => {
    const { operation_id: id } = await submit({ pool: 'nobody' });
    const { body } = await http.get(`/operations/${id}/explain`);
    expect(body['reasons']).toContain('no worker of pool nobody is alive');
  });

  it('says at once that no live worker can take what was submitted', async () => {
    const lack = 'no worker of pool nobody is alive';
    const submitted = await submit({ pool: 'nobody' });
    expect(submitted).toMatchObject({ no_fitting_worker: lack });
    const id = String(submitted['operation_id']);
    expect((await http.get(`/operations/${id}`)).body['no_fitting_worker']).toBe(lack);
    await http.post(`/operations/${id}/pause`);
    expect((await http.get(`/operations/${id}`)).body['no_fitting_worker']).toBeNull();
    expect((await http.post(`/operations/${id}/resume`)).body['no_fitting_worker']).toBe(lack);
  });

  it('describes every route that it has, and no other', async () => {
    const { body } = await http.get('/openapi.json');
    const documented = Object.entries(body['paths'] as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(documented).toContain('POST /operations/{id}/resume');
    for (const route of documented.filter((name) => !name.includes('/events'))) {
      const [method = '', path = ''] = route.split(' ');
      const { status, body: answer } = await http.send(method, path.replaceAll(/\{\w+\}/g, 'x'));
      expect([route, status === 404 && answer['code'] === 'not-found']).toEqual([route, false]);
    }
    expect((await http.get('/schemas/training-spec.json')).body['properties']).toHaveProperty('early_stopping');
  });

  it('streams a snapshot, then every change, and continues behind Last-Event-ID', async () => {
    const { operation_id: id } = await submit();
    const first = await follow(`/events?operation_id=${id}`);
    await eventually(() => first.events.length >= 1, { what: 'the snapshot' });
    expect(first.events[0]).toMatchObject({ event: 'snapshot', id: '1' });
    await http.post(`/operations/${id}/pause`);
    await eventually(() => first.events.length >= 2, { what: 'the pause' });
    first.close();
    await http.post(`/operations/${id}/resume`);
    await http.post(`/operations/${id}/cancel`);
    const second = await follow(`/events?operation_id=${id}`, { 'last-event-id': first.events.at(-1)?.id ?? '' });
    await eventually(() => second.events.filter(({ event }) => event === 'status').length >= 2, { what: 'the rest' });
    second.close();
    const ids = [...first.events, ...second.events].filter(({ event }) => event === 'status').map(({ id: seq }) => seq);
    expect(ids).toEqual(['2', '3', '4']);
  });

  async function follow(path: string, headers: Record<string, string> = {}) {
    const abort = new AbortController();
    const reply = await fetch(`${api.url}${path}`, {
      headers: { authorization: `Bearer ${api.token}`, ...headers },
      signal: abort.signal,
    });
    const events: { id: string; event: string; data: unknown }[] = [];
    void (async () => {
      let text = '';
      for await (const chunk of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        text += chunk;
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const fields = Object.fromEntries(
            text
              .slice(0, end)
              .split('\n')
              .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
          );
          text = text.slice(end + 2);
          if (fields['id'] && fields['event'])
            events.push({ id: fields['id'], event: fields['event'], data: JSON.parse(fields['data'] ?? 'null') });
        }
      }
    })().catch(() => undefined); // aborted by close()
    return { events, close: () => abort.abort() };
  }
});
