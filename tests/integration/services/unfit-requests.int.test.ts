import { givenServices, type Services } from '../support/given-services.js';
import { type Http, httpOf } from '../support/http.js';
import { startApi } from '../support/processes.js';
import { smallSpec } from '../support/specs.js';

describe('a request that the database could not keep as it is', () => {
  let services: Services;
  let http: Http;
  beforeAll(async () => {
    services = await givenServices();
    http = httpOf(await startApi(services));
  });
  afterAll(() => services.close());

  it.each([
    ['NUL in a text', 'name', { name: 'a\0', spec: smallSpec() }],
    ['half a surrogate pair', 'name', { name: 'a\ud83d', spec: smallSpec() }],
    ['half a surrogate pair in a label', 'labels.team', { labels: { team: '\udc00' }, spec: smallSpec() }],
    ['half a surrogate pair in the name of a label', 'labels.\ufffd', { labels: { '\ud83d': 'a' }, spec: smallSpec() }],
    ['NUL in a field that is not known', 'colour\\0', { 'colour\0': 'red', spec: smallSpec() }],
    [
      'a seed beyond 2^53',
      'spec.seed',
      JSON.stringify({ spec: smallSpec() }).replace(/"seed":\d+/, `"seed":${2n ** 60n}`),
    ],
  ])('refuses %s, naming %s, with and without a key', async (what, path, body) => {
    for (const headers of [{}, { 'idempotency-key': what }]) {
      const answer = await http.post('/operations', body, headers);
      expect(answer).toMatchObject({ status: 422, body: { code: 'request-invalid', problems: [{ path }] } });
    }
  });

  it('refuses half a surrogate pair in the reason of a pause, and pauses nothing', async () => {
    const { operation_id: id } = (await http.post('/operations', { spec: smallSpec() })).body;
    const { status, body } = await http.post(`/operations/${id}/pause`, { reason: 'cut \ud83d' });
    expect([status, body['problems']]).toEqual([422, [expect.objectContaining({ path: 'reason' })]]);
    expect((await http.get(`/operations/${id}`)).body['status']).toBe('queued');
  });

  it.each([
    ['GET', '/operations?label=a%00'],
    ['GET', '/operations?label=a%3D%00'],
    ['GET', '/operations?text=%00'],
    ['GET', '/operations?cursor=%00'],
    ['GET', '/operations/op%00x'],
    ['GET', '/operations/op_training_20260101_000000_abcdef1234/result/files/%00'],
    ['GET', '/checkpoints/%00'],
    ['GET', '/checkpoints/a%00b/export'],
    ['GET', '/checkpoints/a/files/%00'],
    ['POST', '/checkpoints/%00/pin'],
    ['DELETE', '/checkpoints/%00'],
    ['DELETE', '/webhooks/%00'],
    ['GET', '/webhooks/%00/deliveries'],
    ['POST', '/workers/%00/drain'],
  ])('refuses %s %s', async (method, path) => {
    const { status, headers } = await http.send(method, path, { headers: { 'idempotency-key': path } });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(headers.get('content-type')).toContain('application/problem+json');
  });
});
