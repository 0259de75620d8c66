import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Asker, isProofOf, readProof, signNatsJwt, Nkey } from '@ktrdr/messaging-nats';
import { account, signingSeed } from './nats-users.js';

/** The part of the API that lets workers in, kept in memory. What it issues counts on every server of the tests. */
export class ScriptedCredentials {
  /** Requests that were answered with credentials. */
  issued: { readonly workerId: string; readonly how: 'enrolled' | 'renewed' }[] = [];
  /** What it refuses with instead. */
  refusal: { readonly status: number; readonly code: string; readonly detail: string } | null = null;
  /** Of what it issues from now on. */
  lifetimeSeconds = 3_600;
  isAway = false;
  private readonly workers = new Map<string, Asker>();

  private constructor(
    private readonly server: Server,
    private readonly natsUrl: string,
    readonly token: string,
  ) {
    server.on('request', (request, response) => void this.answer(request, response));
  }

  static async start(natsUrl: string, token = 'kte_scripted-credentials'): Promise<ScriptedCredentials> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedCredentials(server, natsUrl, token);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get environment() {
    return { KTRDR_API_URL: this.url, KTRDR_ENROL_TOKEN: this.token };
  }

  readonly identify = async (nkey: string): Promise<Asker> => {
    const worker = this.workers.get(nkey);
    if (!worker) throw new Error(`No worker has the key ${nkey}`);
    return worker;
  };

  keyOf(workerId: string): string {
    for (const [nkey, worker] of this.workers) if (worker.workerId === workerId) return nkey;
    throw new Error(`No worker is called ${workerId}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.isAway) return void request.socket.destroy();
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const problem = (status: number, code: string, detail: string): void => {
      response.writeHead(status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify({ type: 'about:blank', title: 'Refused', status, code, detail }));
    };
    if (this.refusal) return problem(this.refusal.status, this.refusal.code, this.refusal.detail);
    const renewed = /^\/workers\/identities\/(\w+)\/credentials$/.exec(request.url ?? '')?.[1];
    const authorization = request.headers.authorization ?? '';
    const { nkey, worker_id } = (renewed ? { nkey: renewed } : JSON.parse(body)) as { nkey: string; worker_id: string };
    if (renewed) {
      const proof = readProof(authorization.replace('Nkey ', ''));
      if (!proof || !isProofOf(nkey, proof)) return problem(401, 'unauthorized', 'The proof is none');
      if (!this.workers.has(nkey)) return problem(401, 'worker-unknown', 'No worker has this key');
    } else {
      if (authorization !== `Bearer ${this.token}`) return problem(401, 'enrolment-refused', 'The token is not known');
      this.workers.set(nkey, { workerId: worker_id, pool: 'default' });
    }
    const worker = await this.identify(nkey);
    this.issued.push({ workerId: worker.workerId, how: renewed ? 'renewed' : 'enrolled' });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(this.credentials(nkey, worker)));
  }

  private credentials(nkey: string, { workerId, pool }: Asker) {
    const issuedAt = Math.floor(Date.now() / 1000);
    const expiresAt = issuedAt + this.lifetimeSeconds;
    const nats = { type: 'user', issuer_account: account(), tags: [`pool:${pool}`] };
    const claims = { subject: nkey, name: workerId, issuedAt, expiresAt, nats };
    const jwt = signNatsJwt(claims, Nkey.fromSeed('account', signingSeed()));
    const expires_at = new Date(expiresAt * 1000).toISOString();
    return { jwt, expires_at, nats_url: this.natsUrl, pool, worker_id: workerId };
  }
}
