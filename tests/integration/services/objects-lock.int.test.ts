import type { Lease } from '@ktrdr/operations';
import { ObjectsInUseError, openDatabase, CheckpointGarbageStore } from '@ktrdr/operations-prisma';
import type pg from 'pg';
import { eventually } from '../support/eventually.js';
import { givenServices, type Services } from '../support/given-services.js';
import { type Saving, savingOver } from '../support/saved-operations.js';

/** Of the hanging commit's end nothing is known before the test ends it. */
const OTHERS_WAIT_AT_MOST_MS = 5_000;
const KEY = 'blobs/sha256/00/nobody-names-it';

describe('a collection of objects, while a commit hangs between its look at the store and its row', () => {
  let services: Services;
  let saving: Saving;
  let database: pg.Client;
  let collection: CheckpointGarbageStore;
  const removed: string[] = [];
  const collect = () => collection.collect('blob', [KEY], async (key) => void removed.push(key));

  beforeAll(async () => {
    services = await givenServices();
    saving = savingOver(services);
    database = await services.database();
    const client = openDatabase({ url: services.databaseUrl, connections: 2 });
    services.onClose(() => client.$disconnect());
    collection = new CheckpointGarbageStore(client);
  });
  afterAll(() => services.close());

  const toDraft = async (lease: Lease, step: number) => {
    const {
      created_at,
      manifest_key,
      manifest_sha256,
      is_best,
      parent_id,
      stall_ms,
      save_ms,
      uploaded_bytes,
      ...rest
    } = await saving.upload(lease, { step, files: { w: `${lease.operationId} ${step}` } });
    return {
      ...rest,
      createdAt: new Date(created_at),
      manifestKey: manifest_key,
      manifestSha256: manifest_sha256,
      isBest: is_best,
      parentId: parent_id,
      stallMs: stall_ms,
      saveMs: save_ms,
      uploadedBytes: uploaded_bytes,
    };
  };
  const isCollectionWaiting = async () => {
    const { rowCount } = await database.query(
      `SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.mode = 'ExclusiveLock' AND NOT l.granted`,
    );
    return rowCount === 1;
  };

  it('holds up no other commit for long, gives up in time, and succeeds when that commit has ended', async () => {
    const [stuck, other] = [await saving.running(), await saving.running()];
    const looked = Promise.withResolvers<void>();
    const store = Promise.withResolvers<void>();
    const hanging = saving.checkpoints.commit(stuck, await toDraft(stuck, 1), () => {
      looked.resolve();
      return store.promise;
    });
    await looked.promise;
    const collecting = collect().catch((error: unknown) => error);
    await eventually(isCollectionWaiting, { what: 'the collection waits for the lock', everyMs: 1 });

    const draft = await toDraft(other, 1);
    const began = performance.now();
    await saving.checkpoints.commit(other, draft, () => Promise.resolve());
    expect(performance.now() - began).toBeLessThan(OTHERS_WAIT_AT_MOST_MS);
    const [committed] = await saving.checkpoints.ofOperation(other.operationId);
    expect(committed?.id).toBe(draft.id);

    expect(await collecting).toBeInstanceOf(ObjectsInUseError);
    expect(removed).toEqual([]);
    store.resolve();
    await hanging;
    await collect();
    expect(removed).toEqual([KEY]);
  });
});
