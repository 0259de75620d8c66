import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readingAgents } from './reading-agents.js';

const BODY = randomBytes(5_000_001);
/** TLS that needs no certificate. */
const ANONYMOUS = {
  ciphers: 'AECDH-AES256-SHA:@SECLEVEL=0',
  maxVersion: 'TLSv1.2',
  rejectUnauthorized: false,
} as const;

const agents = readingAgents({ keepAlive: true, maxSockets: 1 });
let server: http.Server;
afterEach(async () => {
  agents.httpAgent.destroy();
  agents.httpsAgent.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

type Answering = (request: http.IncomingMessage, response: http.ServerResponse) => void;

const SCHEMES = {
  http: {
    serve: (answer: Answering): http.Server => http.createServer(answer),
    get: (port: number) => http.get({ port, host: '127.0.0.1', agent: agents.httpAgent }),
    connect: (port: number) => agents.httpAgent.createConnection({ port, host: '127.0.0.1' })!,
  },
  https: {
    serve: (answer: Answering): http.Server => https.createServer(ANONYMOUS, answer),
    get: (port: number) => https.get({ port, host: '127.0.0.1', agent: agents.httpsAgent, ...ANONYMOUS }),
    connect: (port: number) => agents.httpsAgent.createConnection({ port, host: '127.0.0.1', ...ANONYMOUS })!,
  },
};

describe.each(['http', 'https'] as const)('the agent for %s', (scheme) => {
  const { serve, get, connect } = SCHEMES[scheme];

  async function givenServer(answer: Answering): Promise<number> {
    server = serve(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function responseFrom(port: number): Promise<http.IncomingMessage> {
    const [response] = (await once(get(port), 'response')) as [http.IncomingMessage];
    return response;
  }

  async function bodyOf(response: http.IncomingMessage, betweenChunks?: () => Promise<void>): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      await betweenChunks?.();
    }
    return Buffer.concat(chunks);
  }

  it('gives every byte to who reads at once and to who takes its time, on one connection', async () => {
    const port = await givenServer((_, response) => response.end(BODY));
    const sockets = new Set<Socket>();
    server.on(scheme === 'http' ? 'connection' : 'secureConnection', (socket: Socket) => sockets.add(socket));
    expect((await bodyOf(await responseFrom(port))).equals(BODY)).toBe(true);
    const slowly = async () => {
      for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    };
    expect((await bodyOf(await responseFrom(port), slowly)).equals(BODY)).toBe(true);
    expect((await bodyOf(await responseFrom(port))).equals(BODY)).toBe(true);
    expect(sockets.size).toBe(1);
  });

  it('keeps what has been read until somebody asks for it', async () => {
    const port = await givenServer(() => {});
    const connected = once(server, scheme === 'http' ? 'connection' : 'secureConnection') as Promise<[Socket]>;
    const client = connect(port);
    const [sender] = await connected;
    for (let sent = 1; sent <= 3; sent += 1) {
      sender.write(Buffer.alloc(1_000, sent));
      while (client.readableLength < sent * 1_000) await nextTurn();
    }
    expect(client.read()).toEqual(Buffer.concat([1, 2, 3].map((n) => Buffer.alloc(1_000, n))));
    client.destroy();
  });

  it('says when the connection breaks in the middle of a body', async () => {
    const port = await givenServer((_, response) => {
      response.writeHead(200, { 'content-length': BODY.length });
      response.write(BODY.subarray(0, 1_000_000), () => response.destroy());
    });
    await expect(responseFrom(port).then((response) => bodyOf(response))).rejects.toMatchObject({ code: 'ECONNRESET' });
  });
});
