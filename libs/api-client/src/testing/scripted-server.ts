import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers one request; the last one of a script answers all that follow. */
export type Turn = (request: ReceivedRequest, response: ServerResponse) => void;

/** A real HTTP server on a free port that answers turn by turn and remembers what it was asked. */
export class ScriptedServer {
  readonly requests: ReceivedRequest[] = [];
  private server: Server | null = null;
  private port = 0;

  constructor(private turns: readonly Turn[]) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens; on the same port again after a stop. */
  async start(): Promise<this> {
    this.server = createServer((request, response) => {
      request.on('error', () => response.destroy());
      void this.answer(request, response);
    });
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

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const received = { method, url, headers, body: await text(request) };
    this.requests.push(received);
    const [turn, ...rest] = this.turns;
    if (rest.length > 0) this.turns = rest;
    turn?.(received, response);
  }
}

export function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Turn {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
}

export function problem(status: number, fields: Readonly<Record<string, unknown>>): Turn {
  const body = { type: 'about:blank', title: 'Refused', status, ...fields };
  return json(body, status, { 'content-type': 'application/problem+json' });
}

/** Breaks the connection without an answer. */
export const hangUp: Turn = (_request, response) => response.destroy();

/** Sends these lines as an event stream; `ends` closes it, else it stays open. */
export function events(lines: readonly string[], { ends = false } = {}): Turn {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(lines.map((line) => `${line}\n\n`).join(''));
    if (ends) response.end();
  };
}
