import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { ClaimedOperation, TrainerControl, TrainerEvent } from '@ktrdr/contracts';
import { type Failpoints, NO_FAILPOINTS } from '@ktrdr/failpoints';
import { pino } from 'pino';
import { OperationRun } from '../run/operation-run.js';
import type { RunPorts } from '../run/ports.js';
import { Spool } from '../checkpoints/spool.js';
import {
  InMemoryApi,
  InMemoryEvents,
  InMemoryMeter,
  InMemoryStorage,
  type InMemoryTrainer,
  InMemoryTrainers,
} from './in-memory-ports.js';

export const OPERATION = 'op_training_20261122_101500_k3v9qa';
export const LEASE = { operationId: OPERATION, attempt: 2 };
export const RESUME = { checkpoint_id: 'c1', manifest_key: 'checkpoints/c1', manifest_sha256: 'x', step: 40, epoch: 2 };

/** One run among in-memory ports, and the words to say what its trainer does. */
export class RunFixture {
  readonly api = new InMemoryApi();
  readonly storage = new InMemoryStorage();
  readonly trainers = new InMemoryTrainers();
  readonly events = new InMemoryEvents();
  readonly meter = new InMemoryMeter();
  failpoints: Failpoints = NO_FAILPOINTS;
  resolveData: (source: string) => Promise<string | null> = () => Promise.resolve(null);

  private constructor(readonly folder: string) {}

  static async open(): Promise<RunFixture> {
    return new RunFixture(await mkdtemp(join(tmpdir(), 'ktrdr-run-')));
  }

  close(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  givenRun(operation: Partial<ClaimedOperation> = {}): OperationRun {
    return new OperationRun(this.claimed(operation), this.ports());
  }

  claimed(operation: Partial<ClaimedOperation> = {}): ClaimedOperation {
    return {
      operation_id: OPERATION,
      attempt: 2,
      worker_id: 'w1',
      type: 'training',
      spec: { data: { source: 'dataset:sp500' }, backend: 'auto' },
      spec_sha256: 'abc',
      accepted_spec_sha256: [],
      lease_ms: 6_000,
      pinned_backend: null,
      allow_backend_change: false,
      resume: null,
      fell_back_from: null,
      directive: { kind: 'run' },
      ...operation,
    };
  }

  ports(): RunPorts {
    let ids = 0;
    return {
      rpc: this.api,
      storage: this.storage,
      data: { resolve: (source) => this.resolveData(source) },
      trainers: this.trainers,
      events: this.events,
      spool: new Spool(this.folder),
      meter: this.meter,
      confirmLease: () => Promise.resolve(),
      newId: () => `id${(ids += 1)}`,
      workerId: 'w1',
      failpoints: this.failpoints,
      log: pino({ level: 'silent' }),
    };
  }

  /** Many turns of the event loop: what nobody waits for would have happened by then. */
  async quiet(): Promise<void> {
    for (let turns = 0; turns < 50; turns += 1) await turn();
  }

  async seen<T>(look: () => T | undefined | null | false, what: string): Promise<T> {
    const deadline = performance.now() + 5_000;
    for (;;) {
      const value = look();
      if (value) return value;
      if (performance.now() > deadline)
        throw new Error(`Not seen: ${what}; calls were ${this.api.methods().join(', ')}`);
      await turn();
    }
  }

  /** A trainer that has started and trained to this step. */
  async training(nth = 0, step = 50): Promise<InMemoryTrainer> {
    const trainer = await this.seen(() => this.trainers.taken[nth], `trainer ${nth}`);
    await this.seen(() => trainer.controlsOf('start')[0], 'start');
    trainer.tell({
      type: 'started',
      step,
      epoch: 2,
      steps: 100,
      epochs: 5,
      backend: 'cpu',
      backend_version: '1',
      backend_reason: 'only one',
      data_fingerprint: 'd',
      parameters: 1,
    });
    return trainer;
  }

  saved(request_id: string, kind: 'pause' | 'cancel' | 'shutdown' | 'periodic' | 'final', step: number): TrainerEvent {
    const dir = join(this.folder, request_id);
    return {
      type: 'saved',
      request_id,
      kind,
      step,
      epoch: 2,
      dir,
      files: ['state.json'],
      stall_ms: 1,
      metrics: {},
      best: null,
    };
  }

  async stopAsked(trainer: InMemoryTrainer, nth = 0): Promise<Extract<TrainerControl, { type: 'stop' }>> {
    return this.seen(() => trainer.controlsOf('stop')[nth], `stop ${nth}`);
  }

  /** Does what a stop asks for. */
  async obeysStop(trainer: InMemoryTrainer, step: number, nth = 0): Promise<void> {
    const { save } = await this.stopAsked(trainer, nth);
    if (save) trainer.tell(this.saved(save.request_id, save.kind as 'pause', step));
    trainer.tell({ type: 'stopped', step, epoch: 2 });
    trainer.exit();
  }
}
