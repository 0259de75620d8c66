import { randomBytes } from 'node:crypto';
import { NatsSession } from '@ktrdr/messaging-nats';
import { NatsProcess } from './nats-process.js';

export interface GivenMessaging {
  readonly nats: () => NatsProcess;
  /** Of the test that runs; another one's messages are below another prefix. */
  readonly prefix: () => string;
  /** Those of the test that runs. */
  readonly sessions: NatsSession[];
  readonly session: (name?: string) => Promise<NatsSession>;
}

/** A NATS server for the tests of a file, and for each test sessions below a prefix of its own, which end with it. */
export function givenMessaging(): GivenMessaging {
  let nats: NatsProcess;
  let prefix: string;
  const sessions: NatsSession[] = [];
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
  const session = async (name = 'test'): Promise<NatsSession> => {
    const opened = await NatsSession.connect({ servers: nats.url, prefix, name });
    sessions.push(opened);
    return opened;
  };
  return {
    nats: () => nats,
    prefix: () => prefix,
    sessions,
    session,
  };
}
