import 'reflect-metadata';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { CheckpointStore, type ObjectStore } from '@ktrdr/checkpoint';
import { type Failpoints, NO_FAILPOINTS } from '@ktrdr/failpoints';
import { type Checkpoint, ExpireLeases } from '@ktrdr/operations';
import { PrismaCheckpointRepository, PrismaOperationStore } from '@ktrdr/operations-prisma';
import { randomBytes } from 'node:crypto';
import { AppModule } from '../../../../../apps/api/src/app.module.js';
import { readConfig } from '../../../../../apps/api/src/config.js';
import { acceptOnlyJson } from '../../../../../apps/api/src/http/json-body.js';
import { Messaging } from '../../../../../apps/api/src/platform/messaging.js';
import { StoredCheckpoints } from '../../../../../apps/api/src/platform/stored-checkpoints.js';
import { OBJECT_STORE } from '../../../../../apps/api/src/platform/tokens.js';
import { eventually } from '../../../support/eventually.js';
import type { Services } from '../../../support/given-services.js';
import { openSession, witnessUser } from '../../../support/nats-users.js';
import { WorkersOnNats } from '../../../support/workers-on-nats.js';

/** An hour: no lease runs out and nothing is swept but when a test says so. */
const LONG_LEASE = { KTRDR_LEASE_SECONDS: '3600', KTRDR_HEARTBEAT_SECONDS: '600' };
/** A week: nobody looks for damage, nor takes anything away, but who is asked to. */
const NO_COLLECTION = { KTRDR_REVERIFY_SECONDS: '604800', KTRDR_ORPHAN_SWEEP_SECONDS: '604800' };

/** Holds up the verification of checkpoints, so that a test decides what happens while a resume looks at them. */
class VerificationGate {
  private held: { readonly entered: PromiseWithResolvers<void>; readonly open: PromiseWithResolvers<void> } | undefined;

  /** The next verification waits from when `entered` resolves until `open` is called. */
  close(): { readonly entered: Promise<void>; open(): void } {
    const held = { entered: Promise.withResolvers<void>(), open: Promise.withResolvers<void>() };
    this.held = held;
    const open = () => {
      if (this.held === held) this.held = undefined;
      held.open.resolve();
    };
    return { entered: held.entered.promise, open };
  }

  async pass(): Promise<void> {
    const held = this.held;
    this.held = undefined;
    held?.entered.resolve();
    await held?.open.promise;
  }
}

/** Collaborators that a test may break on purpose, to see that the checks notice. */
export interface Breakable {
  readonly store: PrismaOperationStore;
  readonly repository: PrismaCheckpointRepository;
  readonly verifier: StoredCheckpoints;
}

export type ApiInProcess = Awaited<ReturnType<typeof startApiInProcess>>;

/** The whole API on real services and a real socket, in this process, so that its sweeper can be called by a test. */
export async function startApiInProcess(
  services: Services,
  sabotage: (parts: Breakable) => void = () => undefined,
  failpoints: Failpoints = NO_FAILPOINTS,
) {
  const token = `test-${randomBytes(16).toString('hex')}`;
  const config = readConfig({
    ...LONG_LEASE,
    ...NO_COLLECTION,
    KTRDR_DATABASE_URL: services.databaseUrl,
    KTRDR_NATS_URL: services.natsUrl,
    KTRDR_NATS_CREDS_FILE: services.natsCredsFile,
    KTRDR_NATS_SIGNING_KEY_FILE: services.natsSigningKeyFile,
    KTRDR_ENROL_TOKEN: services.enrolToken,
    KTRDR_NATS_PREFIX: services.natsPrefix,
    KTRDR_OBJECT_STORE_URL: services.objectStoreUrl,
    KTRDR_API_TOKEN: token,
    KTRDR_HTTP_PORT: '0',
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'silent',
  });
  const adapter = new FastifyAdapter({ forceCloseConnections: true, routerOptions: { maxParamLength: 300 } });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config, failpoints), adapter, {
    bodyParser: false,
    logger: false,
  });
  acceptOnlyJson(adapter.getInstance());
  const verifier = app.get(StoredCheckpoints);
  sabotage({ store: app.get(PrismaOperationStore), repository: app.get(PrismaCheckpointRepository), verifier });
  const gate = new VerificationGate();
  const verify = verifier.verify.bind(verifier);
  verifier.verify = async (checkpoint: Checkpoint, depth) => {
    await gate.pass();
    return verify(checkpoint, depth);
  };
  app.get(Messaging).connect();
  await app.listen(0, '127.0.0.1');
  services.onClose(() => app.close());
  const url = await app.getUrl();
  await eventually(async () => (await fetch(`${url}/health/ready`)).ok, { what: 'the API is ready' });
  const witness = await openSession({ url: services.natsUrl, prefix: services.natsPrefix }, witnessUser(), 'witness');
  services.onClose(() => witness.close());
  const objects = app.get<ObjectStore>(OBJECT_STORE);
  return {
    url,
    token,
    gate,
    objects,
    /** Hears everything that is said on NATS. */
    witness,
    rpc: new WorkersOnNats(services, { url, token }),
    uploads: new CheckpointStore(objects),
    expire: app.get(ExpireLeases),
  };
}
