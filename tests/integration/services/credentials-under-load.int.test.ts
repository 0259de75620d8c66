import {
  NatsSession,
  Nkey,
  RpcError,
  serverSetup,
  WorkerCredentials,
  WorkerRpcClient,
  WorkerRpcServer,
  withNewSigningKey,
  workerUser,
} from '@ktrdr/messaging-nats';
import { eventually } from '../support/eventually.js';
import { NatsProcess } from '../support/nats-process.js';
import { account, openSession, seeds, testApiUser } from '../support/nats-users.js';

const PREFIX = 'ktrdr';
const WORKERS = 6;
const RENEWALS = 10;
const ANSWERED = { registered: true, draining: false, work_waits: false, directives: [] };
const nowSeconds = (): number => Math.floor(Date.now() / 1000);

/** A worker that asks without a pause, and repeats what is lost with its connection, as workers do. */
class BusyWorker {
  readonly key = Nkey.generate('user');
  readonly refusals: string[] = [];
  answered = 0;
  repeated = 0;
  private jwt = '';
  private session: NatsSession | undefined;
  private readonly end = new AbortController();
  private working: Promise<void> = Promise.resolve();

  constructor(
    readonly id: string,
    private readonly url: string,
  ) {}

  async start(issuer: WorkerCredentials): Promise<void> {
    this.renewBy(issuer);
    const user = workerUser(this.key, () => this.jwt);
    this.session = await NatsSession.connect({ servers: this.url, prefix: PREFIX, name: this.id, user });
    this.working = this.work(new WorkerRpcClient(this.session));
  }

  /** Takes a new token, and connects anew with it. */
  async renew(issuer: WorkerCredentials): Promise<void> {
    this.renewBy(issuer);
    await this.session?.reconnect();
    await eventually(() => this.session?.isConnected === true, { what: `${this.id} is back` });
    const { answered } = this;
    await eventually(() => this.answered > answered || this.refusals.length > 0, { what: `${this.id} is answered` });
  }

  async stop(): Promise<void> {
    this.end.abort();
    await this.working;
    await this.session?.close();
  }

  private renewBy(issuer: WorkerCredentials): void {
    this.jwt = issuer.issue({ nkey: this.key.publicKey, pool: 'default', name: this.id, issuedAt: nowSeconds() }).jwt;
  }

  private async work(rpc: WorkerRpcClient): Promise<void> {
    const request = { worker_id: this.id, free_slots: 1, leases: [] };
    while (!this.end.signal.aborted) {
      try {
        await rpc.call('heartbeat', request, { timeoutMs: 10_000 });
        this.answered += 1;
      } catch (error) {
        if (error instanceof RpcError) this.refusals.push(error.code);
        else this.repeated += 1;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
  }
}

describe('honest workers under load', () => {
  let nats: NatsProcess;
  let api: NatsSession;
  let server: WorkerRpcServer;
  const revoked = new Set<string>();
  const workers: BusyWorker[] = [];
  let keys = seeds();
  const issuer = (): WorkerCredentials =>
    new WorkerCredentials(Nkey.fromSeed('account', keys.workerSigning), account());
  const configure = async (): Promise<void> => {
    const listen = `127.0.0.1:${nats.port}`;
    await nats.configure(serverSetup(keys, { listen, prefix: PREFIX, issuedAt: nowSeconds() }).config);
    nats.reload();
  };

  beforeAll(async () => {
    nats = await NatsProcess.start();
    api = await openSession({ url: nats.url, prefix: PREFIX }, testApiUser(), 'api');
    const identify = async (nkey: string) => {
      const worker = workers.find(({ key }) => key.publicKey === nkey);
      if (!worker || revoked.has(nkey)) throw new RpcError('worker-revoked', 'This key is revoked');
      return { workerId: worker.id, pool: 'default' };
    };
    server = new WorkerRpcServer(api, { heartbeat: async () => ANSWERED }, { identify, onError: () => undefined });
    server.start();
    for (let n = 0; n < WORKERS; n += 1) workers.push(new BusyWorker(`w${n}`, nats.url));
    await Promise.all(workers.map((worker) => worker.start(issuer())));
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.stop()));
    await server.stop();
    await api.close();
    await nats.remove();
  });
  const refusals = (): string[] => workers.flatMap((worker) => worker.refusals);
  const answered = (): number => workers.reduce((sum, worker) => sum + worker.answered, 0);
  const renewAll = (): Promise<void[]> => Promise.all(workers.map((worker) => worker.renew(issuer())));

  it('are refused nothing while they renew their tokens', async () => {
    for (let n = 0; n < RENEWALS; n += 1) await renewAll();
    const repeated = workers.reduce((sum, worker) => sum + worker.repeated, 0);
    process.stderr.write(
      `credentials: ${WORKERS * RENEWALS} renewals, ${answered()} requests answered, ${repeated} repeated\n`,
    );
    expect(refusals()).toEqual([]);
  });

  it('are refused nothing while the key that signs their tokens is rotated', async () => {
    keys = withNewSigningKey(keys);
    await configure(); // both keys count
    await renewAll();
    const { formerWorkerSigning: _former, ...last } = keys;
    keys = last;
    await configure(); // only the new one
    await renewAll();
    const before = answered();
    await eventually(() => answered() > before + 100, { what: 'all go on' });
    expect(refusals()).toEqual([]);
  });

  it('are refused nothing while another one is revoked, which is', async () => {
    const [gone] = workers;
    revoked.add(gone?.key.publicKey ?? '');
    await eventually(() => (gone?.refusals.length ?? 0) > 10, { what: 'it is refused' });
    expect(new Set(gone?.refusals)).toEqual(new Set(['worker-revoked']));
    expect(workers.slice(1).flatMap((worker) => worker.refusals)).toEqual([]);
  });
});
