import { ApiClient } from '@ktrdr/api-client';
import type { WorkerRpcMethod, WorkerRpcReply, WorkerRpcRequest } from '@ktrdr/contracts';
import { NatsSession, Nkey, WorkerRpcClient, workerUser } from '@ktrdr/messaging-nats';
import { enrolTokenFor } from '../../../tools/stack/services.js';
import type { Services } from './given-services.js';

export interface WorkerOnNats {
  readonly key: Nkey;
  readonly jwt: string;
  readonly session: NatsSession;
  readonly rpc: WorkerRpcClient;
}

/** Workers of one test, each with a key and a connection of its own. They enrol when they first ask. */
export class WorkersOnNats {
  private readonly workers = new Map<string, Promise<WorkerOnNats>>();
  private readonly tokens = new Map<string, Promise<string>>();

  constructor(
    private readonly services: Services,
    private readonly api: { readonly url: string; readonly token: string },
  ) {
    services.onClose(async () => {
      const workers = await Promise.all(this.workers.values());
      await Promise.all(workers.map(({ session }) => session.close()));
    });
  }

  /** As the worker that the request names. */
  async call<M extends WorkerRpcMethod>(
    method: M,
    request: WorkerRpcRequest<M>,
    options: { readonly timeoutMs: number },
  ): Promise<WorkerRpcReply<M>> {
    const { worker_id: workerId, pool } = request as { readonly worker_id: string; readonly pool?: string };
    return (await this.of(workerId, pool)).rpc.call(method, request, options);
  }

  of(workerId: string, pool = 'default'): Promise<WorkerOnNats> {
    const known = this.workers.get(workerId) ?? this.enrol(workerId, pool);
    this.workers.set(workerId, known);
    return known;
  }

  private async enrol(workerId: string, pool: string): Promise<WorkerOnNats> {
    const key = Nkey.generate('user');
    const enrolling = new ApiClient({ url: this.api.url, token: await this.tokenOf(pool) });
    const { jwt, nats_url } = await enrolling.enrolWorker({ nkey: key.publicKey, worker_id: workerId });
    const user = workerUser(key, () => jwt);
    const prefix = this.services.natsPrefix;
    const session = await NatsSession.connect({ servers: nats_url, prefix, name: workerId, user });
    return { key, jwt, session, rpc: new WorkerRpcClient(session) };
  }

  private tokenOf(pool: string): Promise<string> {
    if (pool === 'default') return Promise.resolve(this.services.enrolToken);
    const token = this.tokens.get(pool) ?? enrolTokenFor(pool, { apiUrl: this.api.url, token: this.api.token });
    this.tokens.set(pool, token);
    return token;
  }
}
