import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_FAILPOINTS } from '@ktrdr/failpoints';
import { pino } from 'pino';
import { CheckpointUploader } from '../checkpoints/checkpoint-uploader.js';
import type { Save } from '../checkpoints/save-record.js';
import { ReportingRpc } from '../api-link/reporting-rpc.js';
import { InMemoryApi, InMemoryStorage } from './in-memory-ports.js';

const LEASE = { operationId: 'op_a', attempt: 1 };

/** An uploader among in-memory ports, and its calls. */
export class UploaderFixture {
  readonly api = new InMemoryApi();
  readonly storage = new InMemoryStorage();
  readonly halt = new AbortController();
  readonly settled: string[] = [];
  readonly troubles: unknown[] = [];
  /** When each committed state was captured. */
  readonly captured: number[] = [];
  confirmLease: () => Promise<void> = () => Promise.resolve();

  private constructor(readonly folder: string) {}

  static async open(): Promise<UploaderFixture> {
    return new UploaderFixture(await mkdtemp(join(tmpdir(), 'ktrdr-uploader-')));
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  givenUploader(): CheckpointUploader {
    let ids = 0;
    const { api, storage, halt, settled, troubles, captured } = this;
    const log = pino({ level: 'silent' });
    const { signal } = halt;
    const noted = (): undefined => undefined;
    const rpc = new ReportingRpc({
      rpc: api,
      lease: LEASE,
      workerId: 'w1',
      signal,
      onRetry: noted,
      onLeaseLost: noted,
    });
    const uploader = new CheckpointUploader({
      ...{ lease: LEASE, storage, rpc, log, signal, failpoints: NO_FAILPOINTS },
      confirmLease: () => this.confirmLease(),
      flushEvents: () => Promise.resolve(),
      unsaved: { begin: noted, committed: (at) => captured.push(at) },
      newId: () => `c${(ids += 1)}`,
      onSettled: (id) => settled.push(id),
      onTrouble: (error) => troubles.push(error),
      onGivenUp: noted,
    });
    const version = '1';
    uploader.begin(
      {
        specSha256: 'abc',
        dataFingerprint: 'd',
        trainer: { name: 't', version },
        backend: { name: 'cpu', version },
      },
      Promise.resolve(),
    );
    return uploader;
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
