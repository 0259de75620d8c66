import { Agent, request } from 'node:http';

/** One answer, and how long the client waited for it. */
export type Answer = Readonly<{ status: number; body: unknown; ms: number }>;

/** Requests over connections that stay open. Plain `node:http`: the lighter the client, the more is seen of the server. */
export class HttpClient {
  private readonly agent: Agent;

  constructor(
    private readonly url: string,
    private readonly token: string,
    connections: number,
  ) {
    this.agent = new Agent({ keepAlive: true, maxSockets: connections, maxFreeSockets: connections });
  }

  get(path: string): Promise<Answer> {
    return this.send('GET', path);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.send('POST', path, body === undefined ? undefined : JSON.stringify(body));
  }

  /** The answer's body, or an error that shows what came instead. */
  async expect(status: number, answer: Promise<Answer>): Promise<Record<string, unknown>> {
    const { status: got, body } = await answer;
    if (got !== status) throw new Error(`${this.url} answers ${got} instead of ${status}: ${JSON.stringify(body)}`);
    return body as Record<string, unknown>;
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, body?: string): Promise<Answer> {
    const headers = {
      authorization: `Bearer ${this.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const sent = request(`${this.url}${path}`, { method, agent: this.agent, headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on('data', (chunk: Buffer) => chunks.push(chunk));
        reply.on('error', reject);
        reply.on('end', () => {
          const ms = performance.now() - startedAt;
          const text = Buffer.concat(chunks).toString();
          resolve({ status: reply.statusCode ?? 0, body: text === '' ? null : (JSON.parse(text) as unknown), ms });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
