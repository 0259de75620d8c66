import { createServer, type Server, type ServerResponse } from 'node:http';
import { DomainError } from '@ktrdr/errors';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { type ProbedWorker, WorkerHealth } from './worker-health.js';
import { workerMetrics } from './worker-metrics.js';

export interface ProbeAddress {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

/** The address of the probe cannot be had. */
class ProbeAddressError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor({ host, port }: ProbeAddress, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      `The worker cannot listen for probes: ${reason}. Give another KTRDR_WORKER_HTTP_PORT or KTRDR_WORKER_HTTP_HOST`,
      { host, port },
      { cause },
    );
  }
}

/** Closes a connection whose request has not arrived by then. */
const REQUEST_WITHIN_MS = 5_000;
const CONNECTIONS = 32;

/** Answers `/health/live`, `/health/ready` and `/metrics`. */
export class ProbeServer {
  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @throws {ProbeAddressError} */
  static async listen(address: ProbeAddress, worker: ProbedWorker, log: Logger): Promise<ProbeServer> {
    const health = new WorkerHealth(worker, log);
    const metrics = workerMetrics(worker);
    const server = createServer(
      { requestTimeout: REQUEST_WITHIN_MS, headersTimeout: REQUEST_WITHIN_MS },
      (request, reply) => {
        request.resume(); // no route reads a body
        const isRead = request.method === 'GET' || request.method === 'HEAD';
        if (!isRead) return send(reply, 405, problem(405, 'Method Not Allowed', 'Probes are read with GET'));
        answer(new URL(request.url ?? '/', 'http://probe').pathname, reply, health, metrics).catch((error: unknown) =>
          send(reply, 500, problem(500, 'Internal Server Error', String(error))),
        );
      },
    );
    server.maxConnections = CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) => reject(new ProbeAddressError(address, error)));
      server.listen(address.port, address.host, resolve);
    });
    log.info({ ...address }, 'probes are answered');
    const bound = server.address();
    return new ProbeServer(server, typeof bound === 'object' && bound ? bound.port : address.port);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

async function answer(path: string, reply: ServerResponse, health: WorkerHealth, metrics: Registry): Promise<void> {
  switch (path) {
    case '/health/live':
      if (health.isLive()) return send(reply, 200, { status: 'ok' });
      return send(reply, 503, problem(503, 'Not live', 'The loop that keeps leases is stuck; restart this worker'));
    case '/health/ready': {
      const { isReady, parts } = await health.readiness();
      if (isReady) return send(reply, 200, { status: 'ok', parts });
      const down = Object.entries(parts).flatMap(([name, part]) =>
        part.status === 'down' ? [`${name} (${part.reason})`] : [],
      );
      return send(reply, 503, { ...problem(503, 'Not ready', `Not ready: ${down.join(', ')}`), parts });
    }
    case '/metrics':
      reply.writeHead(200, { 'content-type': metrics.contentType }).end(await metrics.metrics());
      return;
    default:
      send(reply, 404, problem(404, 'Not Found', 'A worker serves /health/live, /health/ready and /metrics'));
  }
}

function problem(status: number, title: string, detail: string) {
  return { type: 'about:blank', title, status, detail };
}

function send(reply: ServerResponse, status: number, body: object): void {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  reply.writeHead(status, { 'content-type': type }).end(`${JSON.stringify(body)}\n`);
}
