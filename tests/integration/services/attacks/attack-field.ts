import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsSession, type NatsUser, WorkerRpcClient, WorkerRpcServer } from '@ktrdr/messaging-nats';
import { headers, type Msg } from '@nats-io/transport-node';
import { NatsProcess } from '../../support/nats-process.js';
import {
  account,
  configFor,
  configWithJetStream,
  openSession,
  testApiUser,
  testWorkerUser,
  witnessUser,
} from '../../support/nats-users.js';
import type { Attack, Targets } from './attack-list.js';
import { StoredStream } from './stored-stream.js';

const PREFIX = 'ktrdr';
const ANSWER_WITHIN_MS = 250;
const ASK = { timeoutMs: 10_000 };
const ANSWERED = { registered: true, draining: false, work_waits: false, directives: [] };

/** A server with an API and two honest workers on it, each of which notes what reaches it. */
export class AttackField {
  private readonly noted: string[] = [];
  private readonly askers = new Map<string, { readonly workerId: string; readonly pool: string }>();
  private attackerKey = '';

  private constructor(
    private readonly nats: NatsProcess,
    private readonly folder: string,
    private readonly stored: StoredStream,
    private readonly sessions: { readonly api: NatsSession; readonly victim: NatsSession; readonly other: NatsSession },
    private readonly witness: NatsSession,
  ) {}

  static async open({ hasJetStream }: { readonly hasJetStream: boolean }): Promise<AttackField> {
    const folder = await mkdtemp(join(tmpdir(), 'ktrdr-attacks-'));
    const config = (port: number): string =>
      hasJetStream ? configWithJetStream(port, PREFIX, join(folder, 'jetstream')) : configFor(port, PREFIX);
    const nats = await NatsProcess.start(config);
    const place = { url: nats.url, prefix: PREFIX };
    const [api, victim, other, witness] = await Promise.all(
      [testApiUser(), testWorkerUser(), testWorkerUser({ pool: 'gpu', name: 'w2' }), witnessUser()].map((user) =>
        openSession(place, user),
      ),
    );
    if (!api || !victim || !other || !witness) throw new Error('Not every session was opened');
    const stored = new StoredStream(hasJetStream ? witness.connection : null, witness.settings.user.inboxPrefix);
    const field = new AttackField(nats, folder, stored, { api, victim, other }, witness);
    field.askers.set(field.keyOf(victim), { workerId: 'victim', pool: 'default' });
    field.askers.set(field.keyOf(other), { workerId: 'other', pool: 'gpu' });
    field.watch();
    await stored.rebuild();
    await field.settle();
    return field;
  }

  /** The worker that has gone over: of a pool of its own, so that what it hears of others counts. */
  async attacker(): Promise<NatsSession> {
    const session = await this.openAs(testWorkerUser({ pool: 'rogue', name: 'rogue' }));
    this.askers.set(this.keyOf(session), { workerId: 'rogue', pool: 'rogue' });
    return session;
  }

  /** Who may do everything: what it does not succeed in shows nothing. */
  control(): Promise<NatsSession> {
    return this.openAs(witnessUser());
  }

  get url(): string {
    return this.nats.url;
  }

  targets(attacker: NatsSession): Targets {
    const { api, victim, other } = this.sessions;
    return {
      prefix: PREFIX,
      own: this.keyOf(attacker),
      victim: this.keyOf(victim),
      other: this.keyOf(other),
      apiInbox: api.settings.user.inboxPrefix,
      account: account(),
      serverId: api.connection.info?.server_id ?? '',
      stream: this.stored.stream,
      consumer: this.stored.consumer,
    };
  }

  /** What the attack has brought about; nothing: it has failed. */
  async effectsOf({ listen, say }: Attack, attacker: NatsSession): Promise<readonly string[]> {
    this.noted.splice(0);
    this.attackerKey = this.keyOf(attacker);
    const effects = listen ? await this.heardOn(listen, attacker) : [];
    if (say) effects.push(...(await this.answersTo(say, attacker)));
    await this.settle();
    effects.push(...this.noted);
    if (await this.stored.hasChanged()) {
      effects.push('what is stored has changed');
      await this.stored.rebuild();
    }
    return effects;
  }

  async close(): Promise<void> {
    const { api, victim, other } = this.sessions;
    await Promise.all([api, victim, other, this.witness].map((session) => session.close()));
    await this.nats.remove();
    await rm(this.folder, { recursive: true, force: true });
  }

  private keyOf(session: NatsSession): string {
    return session.settings.user.key.publicKey;
  }

  private openAs(user: NatsUser): Promise<NatsSession> {
    return openSession({ url: this.nats.url, prefix: PREFIX }, user);
  }

  private watch(): void {
    const { api, victim, other } = this.sessions;
    const note =
      (who: string) =>
      (error: Error | null, { subject }: Msg) => {
        if (!error) this.noted.push(`${who} hears ${subject}`);
      };
    for (const [who, session, pool] of [
      ['the victim', victim, 'default'],
      ['the other worker', other, 'gpu'],
    ] as const) {
      const { connection, settings, subjects } = session;
      connection.subscribe(`${settings.user.inboxPrefix}.t`, { callback: note(who) });
      connection.subscribe(`${settings.user.inboxPrefix}.mux.*`, { callback: note(who) });
      connection.subscribe(subjects.control(this.keyOf(session)), { callback: note(who) });
      connection.subscribe(subjects.work(pool), { queue: 'idle', callback: note(who) });
    }
    api.connection.subscribe(api.subjects.recorded, { callback: note('the API') });
    api.connection.subscribe(`${api.settings.user.inboxPrefix}.t`, { callback: note('the API') });
    const identify = async (nkey: string) => {
      if (nkey !== this.attackerKey) this.noted.push(`the API takes a request for one of ${nkey}`);
      const asker = this.askers.get(nkey);
      if (!asker) throw new Error('No worker has this key');
      return asker;
    };
    const onError = (): void => undefined;
    new WorkerRpcServer(api, { heartbeat: async () => ANSWERED }, { identify, onError }).start();
  }

  /** Hears what is said to others while everybody speaks. */
  private async heardOn(
    { subject, queue }: NonNullable<Attack['listen']>,
    { connection }: NatsSession,
  ): Promise<string[]> {
    const heard = new Set<string>();
    const callback = (error: Error | null, message: Msg): void => void (error ?? heard.add(message.subject));
    const subscription = connection.subscribe(subject, { ...(queue ? { queue } : {}), callback });
    await connection.flush();
    await this.everybodySpeaks();
    await connection.flush();
    subscription.unsubscribe();
    await connection.flush();
    await this.settle();
    this.noted.splice(0); // what the honest have said to each other
    return [...heard].map((each) => `the attacker hears ${each}`);
  }

  private async everybodySpeaks(): Promise<void> {
    const { api, victim, other } = this.sessions;
    for (const worker of [victim, other]) {
      api.connection.publish(api.subjects.control(this.keyOf(worker)), '{}');
      api.connection.publish(`${worker.settings.user.inboxPrefix}.t`, 'x');
    }
    for (const pool of ['default', 'gpu']) api.connection.publish(api.subjects.work(pool));
    api.connection.publish(api.subjects.recorded);
    this.witness.connection.publish(`${api.settings.user.inboxPrefix}.t`, 'x');
    for (const subject of ['anything', '$KV.bucket.key', '$JS.ACK.a.b', '$JS.EVENT.x', '$JS.API.INFO'])
      this.witness.connection.publish(subject, 'x');
    const request = { worker_id: 'victim', free_slots: 1, leases: [] };
    await new WorkerRpcClient(victim).call('heartbeat', request, ASK).catch(() => undefined); // an attacker may answer
    await this.settle();
  }

  private async answersTo(say: NonNullable<Attack['say']>, attacker: NatsSession): Promise<string[]> {
    const { connection, settings } = attacker;
    const isOwnRequest = say.subject.startsWith(`${PREFIX}.rpc.${this.keyOf(attacker)}.`);
    const answered = Promise.withResolvers<void>();
    const answers: string[] = [];
    const inbox = `${settings.user.inboxPrefix}.${randomBytes(6).toString('hex')}`;
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        const isNobody = message.headers?.code === 503;
        if (!error && !isOwnRequest && !isNobody) answers.push(`the attacker is answered on ${say.subject}`);
        answered.resolve();
      },
    });
    const stop = attacker.onStatus(({ kind }) => kind === 'error' && answered.resolve()); // the server refuses it
    const told = headers();
    for (const [name, value] of Object.entries(say.headers ?? {})) told.set(name, value);
    connection.publish(say.subject, say.body, { reply: say.reply ?? inbox, ...(say.headers ? { headers: told } : {}) });
    await connection.flush();
    const late = setTimeout(answered.resolve, ANSWER_WITHIN_MS);
    await answered.promise;
    clearTimeout(late);
    stop();
    subscription.unsubscribe();
    return answers;
  }

  /** Everything that is under way has arrived. */
  private async settle(): Promise<void> {
    const { api, victim, other } = this.sessions;
    await api.connection.flush();
    await new Promise(setImmediate);
    await new Promise(setImmediate); // the API has answered what it had
    for (const { connection } of [api, this.witness, victim, other]) await connection.flush();
  }
}
