import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import { pino } from 'pino';
import { CheckpointCourier, type Save } from '../checkpoints/checkpoint-uploader.js';
import { LeasedRpc } from '../api-link/leased-rpc.js';
import { PersistentRpc } from '../api-link/reporting-rpc.js';
import { InMemoryApi, InMemoryStorage } from './in-memory-ports.js';

const LEASE = { operationId: 'op_a', attempt: 1 };

/** A courier among in-memory ports, and what it told. */
export class CourierFixture {
  readonly api = new InMemoryApi();
  readonly storage = new InMemoryStorage();
  readonly halt = new AbortController();
  readonly settled: string[] = [];
  readonly troubles: unknown[] = [];
  /** By request: when the state that is now committed was captured. */
  readonly captured = new Map<string, number>();
  confirmLease: () => Promise<void> = () => Promise.resolve();

  private constructor(readonly folder: string) {}

  static async open(): Promise<CourierFixture> {
    return new CourierFixture(await mkdtemp(join(tmpdir(), 'ktrdr-courier-')));
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  givenCourier(): CheckpointCourier {
    let ids = 0;
    const { api, storage, halt, settled, troubles, captured } = this;
    const persistent = new PersistentRpc(api, () => undefined);
    return new CheckpointCourier(
      {
        storage,
        rpc: new LeasedRpc(persistent, LEASE, 'w1', halt.signal, () => undefined),
        confirmLease: () => this.confirmLease(),
        flushEvents: () => Promise.resolve(),
        newId: () => `c${(ids += 1)}`,
        log: pino({ level: 'silent' }),
        failpoints: NO_FAILPOINTS,
        onSettled: (id) => settled.push(id),
        onTrouble: (_, error) => troubles.push(error),
        onCommitted: ({ request_id }, at) => captured.set(request_id, at),
      },
      {
        lease: LEASE,
        started: Promise.resolve(),
        provenance: {
          specSha256: 'abc',
          dataFingerprint: 'd',
          trainer: { name: 't', version: '1' },
          backend: { name: 'cpu', version: '1' },
        },
      },
      null,
      halt.signal,
    );
  }

  save(request_id: string, step: number, kind: Save['kind'] = 'periodic'): Save {
    const best = { step: 2, epoch: 0, metric: 'loss', value: 1 };
    return {
      type: 'saved',
      request_id,
      kind,
      step,
      epoch: 0,
      dir: join(this.folder, request_id),
      files: ['a'],
      stall_ms: 1,
      metrics: {},
      best,
    };
  }

  async seen(isSo: () => boolean): Promise<void> {
    const deadline = performance.now() + 5_000;
    while (!isSo()) {
      if (performance.now() > deadline) throw new Error(`Not seen: ${isSo}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
