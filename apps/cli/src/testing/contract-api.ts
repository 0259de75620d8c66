import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ReceivedRequest {
  /** `POST /operations/op_1/pause`, without the query. */
  readonly route: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

type Route = (request: ReceivedRequest, response: ServerResponse) => void;

/** A real HTTP server that answers in the form of the contracts; each test says what. */
export class ContractApi {
  readonly requests: ReceivedRequest[] = [];
  private readonly routes = new Map<string, Route>();
  private readonly arrivals = new Set<() => void>();
  private server: Server | null = null;
  private port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens; on the same port again after a stop. */
  async start(): Promise<this> {
    this.server = createServer((request, response) => void this.dispatch(request, response));
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
    return this;
  }

  /** Breaks every connection. */
  async stop(): Promise<void> {
    const server = this.server;
    this.server = null;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  answer(route: string, body: unknown, status = 200): this {
    return this.on(route, (_request, response) => {
      const type = status >= 400 ? 'application/problem+json' : 'application/json';
      response.writeHead(status, { 'content-type': type });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  }

  refuse(route: string, status: number, code: string, fields: Readonly<Record<string, unknown>> = {}): this {
    const problem = {
      type: `urn:ktrdr:problem:${code}`,
      title: 'Refused',
      status,
      code,
      detail: `It is ${code}`,
      ...fields,
    };
    return this.answer(route, problem, status);
  }

  on(route: string, handler: Route): this {
    this.routes.set(route, handler);
    return this;
  }

  /** Resolves with the request when this many have come in for the route. */
  async received(route: string, times = 1): Promise<ReceivedRequest> {
    for (;;) {
      const request = this.requests.filter((candidate) => candidate.route === route)[times - 1];
      if (request) return request;
      await new Promise<void>((resolve) => this.arrivals.add(resolve));
    }
  }

  private async dispatch(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
    const body = await text(request);
    const received: ReceivedRequest = {
      route: `${request.method} ${pathname}`,
      query: searchParams,
      headers: request.headers,
      body: body === '' ? null : JSON.parse(body),
    };
    const route = this.routes.get(received.route) ?? ContractApi.unknown;
    route(received, response);
    this.requests.push(received);
    for (const resolve of this.arrivals) resolve();
    this.arrivals.clear();
  }

  private static unknown(this: void, { route }: ReceivedRequest, response: ServerResponse): void {
    response.writeHead(404, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: `No ${route}`, status: 404, code: 'object-not-found' }));
  }
}

/** Opens an event stream and sends messages with ids `e1`, `e2` …; the caller keeps the response for more. */
export function openStream(response: ServerResponse, snapshot: unknown): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`: welcome\n\nevent: snapshot\nid: e0\ndata: ${JSON.stringify({ operation: snapshot })}\n\n`);
}

export function sendEvent(response: ServerResponse, event: { readonly seq: number }): void {
  response.write(`id: e${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
}
