import { ApiClient, type ApiClientOptions } from './api-client.js';
import { ApiProblemError, ApiUnreachableError } from './errors.js';
import { operationView } from './testing/operation-fixture.js';
import { problem, ScriptedServer, type Turn } from './testing/scripted-server.js';

const ID = operationView().operation_id;

const servers: ScriptedServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

async function given(turn: Turn, options: Partial<ApiClientOptions> = {}) {
  const server = await new ScriptedServer([turn]).start();
  servers.push(server);
  return { server, api: new ApiClient({ url: server.url, token: 'secret', ...options }) };
}

async function read(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all).toString();
}

describe('a file of a result', () => {
  it('comes as it is, from a path that any name fits into', async () => {
    const { api, server } = await given((_request, response) => response.end('bytes'));
    expect(await read(api.resultFile(ID, 'a b/c'))).toBe('bytes');
    expect(server.requests[0]?.url).toBe(`/operations/${ID}/result/files/a%20b%2Fc`);
    expect(server.requests[0]?.headers.authorization).toBe('Bearer secret');
  });

  it('is refused with the problem of the API', async () => {
    const { api } = await given(problem(404, { code: 'object-not-found', detail: 'No such file' }));
    await expect(read(api.resultFile(ID, 'x'))).rejects.toThrow(ApiProblemError);
  });

  it('is not taken for whole when the connection breaks', async () => {
    const { api } = await given((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('some', () => response.destroy());
    });
    await expect(read(api.resultFile(ID, 'x'))).rejects.toThrow(ApiUnreachableError);
  });

  it('is given up when nothing more comes', async () => {
    const { api } = await given((_request, response) => void response.write('some'), { timeoutMs: 40 });
    await expect(read(api.resultFile(ID, 'x'))).rejects.toThrow('no answer within 0.04 s');
  });

  it('ends with the reason of the signal, which is nothing that the API did', async () => {
    const { api } = await given((_request, response) => void response.write('some'));
    const reason = new Error('Ctrl+C');
    const interrupt = new AbortController();
    const reading = (async () => {
      for await (const _ of api.resultFile(ID, 'x', { signal: interrupt.signal })) interrupt.abort(reason);
    })();
    await expect(reading).rejects.toBe(reason);
  });
});
