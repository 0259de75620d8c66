import { randomBytes } from 'node:crypto';
import { type Asker, type NatsSession, type NatsUser } from '@ktrdr/messaging-nats';
import { NatsProcess } from './nats-process.js';
import { openSession, testApiUser, testWorkerUser } from './nats-users.js';

export interface GivenMessaging {
  readonly nats: () => NatsProcess;
  /** Of the test that runs; another one's messages are below another prefix. */
  readonly prefix: () => string;
  /** Those of the test that runs. */
  readonly sessions: NatsSession[];
  readonly apiSession: () => Promise<NatsSession>;
  readonly workerSession: (asker?: Partial<Asker>) => Promise<NatsSession>;
  readonly sessionOf: (user: NatsUser) => Promise<NatsSession>;
  /** Which worker a key is that `workerSession` has made. */
  readonly identify: (nkey: string) => Promise<Asker>;
}

/** A NATS server for the tests of a file, and for each test sessions below a prefix of its own, which end with it. */
export function givenMessaging(): GivenMessaging {
  let nats: NatsProcess;
  let prefix: string;
  const sessions: NatsSession[] = [];
  const askers = new Map<string, Asker>();
  beforeAll(async () => {
    nats = await NatsProcess.start();
  });
  beforeEach(() => {
    prefix = `t${randomBytes(4).toString('hex')}`;
  });
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()));
  });
  afterAll(() => nats.remove());
  const sessionOf = async (user: NatsUser): Promise<NatsSession> => {
    const opened = await openSession({ url: nats.url, prefix }, user);
    sessions.push(opened);
    return opened;
  };
  return {
    nats: () => nats,
    prefix: () => prefix,
    sessions,
    sessionOf,
    apiSession: () => sessionOf(testApiUser()),
    workerSession: ({ workerId = 'w1', pool = 'default' } = {}) => {
      const user = testWorkerUser({ pool, name: workerId });
      askers.set(user.key.publicKey, { workerId, pool });
      return sessionOf(user);
    },
    identify: async (nkey) => {
      const asker = askers.get(nkey);
      if (!asker) throw new Error(`No worker has the key ${nkey}`);
      return asker;
    },
  };
}
