import type { ResourceSnapshot } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { FailpointName } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import type { CheckpointUploader, CommittedCheckpoint, UploadResult } from '../checkpoints/checkpoint-uploader.js';
import type { Save } from '../checkpoints/save-record.js';
import { CheckpointNotStoredError, TrainerProtocolError } from '../errors.js';
import { sleep } from '../api-link/backoff.js';
import type { ReportingRpc } from '../api-link/reporting-rpc.js';
import type { FailedSaves } from './failed-saves.js';
import type { RunIntent, Wish } from './run-intent.js';
import type { ReportedError } from '../trainers/trainer-exit.js';
import type { LocalCheckpoint, Position } from '../trainers/ports.js';
import type { Ending } from './trainer-session.js';

/** How a run ended, for the log and for the slot. */
export type Outcome =
  | { readonly kind: 'paused' | 'cancelled' | 'released'; readonly checkpointId: string | null }
  | { readonly kind: 'completed' | 'failed' }
  | { readonly kind: 'lease-lost' | 'abandoned' | 'refused'; readonly reason: string };

export interface ReportPorts {
  readonly rpc: ReportingRpc;
  readonly intent: RunIntent;
  readonly uploader: CheckpointUploader;
  readonly failedSaves: FailedSaves;
  readonly log: Logger;
  readonly reach: (point: FailpointName) => Promise<void>;
  /** Sends the earlier events, which should be recorded before the end. */
  readonly flushEvents: () => Promise<void>;
  /** The machine when the trainer ended for a pause. */
  readonly snapshot: () => Promise<ResourceSnapshot | null>;
}

/** The outcome, or the checkpoint to continue from. */
type Next = Outcome | LocalCheckpoint;

/** The last saves of a crashed trainer are worth a bounded wait. */
const DRAIN_AFTER_CRASH_MS = 30_000;
const RELEASE_WITHIN_MS = 2_000;

/** Reports how a run ended, from the end of its trainer and the newest directive of the API. */
export class RunReport {
  /** An end is being reported: only the answer to it decides. */
  isReporting = false;

  constructor(private readonly ports: ReportPorts) {}

  /** The outcome, or where to go on from when the stop was withdrawn. */
  async finish(ending: Ending, from: Position | null): Promise<Next> {
    switch (ending.kind) {
      case 'completed':
        await this.ports.reach('complete.trainer-gone');
        return this.finishCompleted(ending);
      case 'stopped':
        await this.reachStop('trainer-gone', this.ports.intent.wish);
        return this.finishStopped(ending);
      case 'untrained':
        return this.finishUntrained(from);
      case 'failed':
        await this.drainUploads();
        await this.ports.reach('fail.unreported');
        return this.reportFailed(ending.error);
    }
  }

  /** The operation was stopped before it had trained. */
  async finishUntrained(at: Position | null): Promise<Outcome> {
    const position = { step: at?.step ?? 0, epoch: at?.epoch ?? 0 };
    const next = await this.report(this.ports.intent.wish, position, this.lastCommitted);
    if (next !== 'wanted-again') return next;
    throw new TrainerProtocolError('The operation was wanted again after its trainer had been ended');
  }

  async reportFailed(error: ReportedError): Promise<Outcome> {
    await this.ports.flushEvents();
    this.isReporting = true;
    await this.ports.rpc.call('failed', { error, checkpoint_id: this.lastCommitted?.checkpointId ?? null });
    this.ports.log.warn({ code: error.code, reason: error.message }, 'operation failed');
    return { kind: 'failed' };
  }

  /** Hands the operation back at its last committed checkpoint. One try: its lease expires anyway. */
  async releaseUnsaved(reason: string): Promise<Outcome> {
    const { rpc, log } = this.ports;
    const { checkpointId = null, step = 0, epoch = 0 } = this.lastCommitted ?? {};
    try {
      await rpc.callOnce('released', { step, epoch, checkpoint_id: checkpointId, reason }, RELEASE_WITHIN_MS);
      return { kind: 'released', checkpointId };
    } catch (err) {
      log.warn({ err }, 'not released, its lease expires instead');
      return { kind: 'abandoned', reason };
    }
  }

  private get lastCommitted(): CommittedCheckpoint | null {
    return this.ports.uploader.lastCommitted;
  }

  private async finishCompleted({ event, final }: Extract<Ending, { kind: 'completed' }>): Promise<Outcome> {
    const uploaded = final && (await this.ports.uploader.resultOf(final.request_id));
    // Without its final checkpoint the work is not safe: it is failed, and continues from the one before.
    if (uploaded?.kind === 'given-up') throw new CheckpointNotStoredError(uploaded.error);
    // Without one of its own it ends where it began, or saves none.
    const last = this.lastCommitted?.step === event.step ? this.lastCommitted : null;
    const checkpoint = uploaded?.kind === 'committed' ? uploaded : last;
    await this.ports.flushEvents();
    await this.ports.reach('complete.unreported');
    this.isReporting = true;
    const { step, epoch, result } = event;
    const checkpointId = checkpoint?.checkpointId ?? null;
    await this.ports.rpc.call('completed', { step, epoch, result, checkpoint_id: checkpointId });
    await this.ports.reach('complete.reported');
    this.ports.log.info({ step, epoch }, 'operation completed');
    return { kind: 'completed' };
  }

  private async finishStopped({ step, epoch, save }: Extract<Ending, { kind: 'stopped' }>): Promise<Next> {
    const at = { step, epoch };
    for (;;) {
      const { wish } = this.ports.intent;
      if (wish.kind === 'cancel' && !wish.save) {
        this.ports.uploader.discard();
        const next = await this.report(wish, at, null);
        if (next !== 'wanted-again') return next;
        continue;
      }
      if (!save && (wish.kind === 'train' || wish.kind === 'pause')) {
        throw new TrainerProtocolError('The trainer stopped without the save that it was asked for', { ...at });
      }
      if (wish.kind === 'train' && save) return { dir: save.dir, step: save.step, epoch: save.epoch };
      const result = await this.resultUnlessChanged(save, wish);
      if (result === 'changed') continue;
      const next = await this.finishUploaded(result, save, wish, at);
      if (next) return next;
    }
  }

  /** Null: look again at what is wanted. */
  private async finishUploaded(
    result: UploadResult | null,
    save: Save | null,
    wish: Wish,
    at: Position,
  ): Promise<Next | null> {
    if (result?.kind === 'committed') {
      const next = await this.report(wish, at, result);
      return next === 'wanted-again' ? null : next;
    }
    if (wish.kind === 'pause') {
      const reason = result?.kind === 'given-up' ? result.error.message : 'it was not stored';
      this.ports.failedSaves.reportStop(reason, at, this.ports.intent.wish);
      return null;
    }
    const next = await this.report(wish, at, this.lastCommitted);
    if (next !== 'wanted-again') return next;
    throw new TrainerProtocolError('The operation was wanted again, but its last state was not saved', { ...at });
  }

  private async resultUnlessChanged(save: Save | null, wish: Wish): Promise<UploadResult | null | 'changed'> {
    const changed = this.ports.intent.until((now) => now.kind !== wish.kind || now.save !== wish.save);
    const result = save ? this.ports.uploader.resultOf(save.request_id) : this.ports.uploader.idle().then(() => null);
    try {
      return (await Promise.race([result ?? null, changed.reached.then(() => 'changed' as const)])) ?? null;
    } finally {
      changed.end();
    }
  }

  /** Reports a stop. When the operation is wanted again, the intent says so from then on. */
  private async report(
    wish: Wish,
    at: Position,
    checkpoint: CommittedCheckpoint | null,
  ): Promise<Outcome | 'wanted-again'> {
    const { rpc, intent, log, snapshot } = this.ports;
    const checkpointId = checkpoint?.checkpointId ?? null;
    const report = { step: at.step, epoch: at.epoch };
    await this.ports.flushEvents();
    await this.reachStop('unreported', wish);
    this.isReporting = true;
    const stop = toStop(wish, intent.isPauseWanted);
    const kind = stop === 'paused' && checkpointId === null ? 'released' : stop;
    if (stop === 'paused' && checkpointId !== null) {
      const paused = { ...report, checkpoint_id: checkpointId, snapshot: await snapshot() };
      const status = await statusAfter(rpc.call('paused', paused));
      if (status === 'running' || status === 'cancelling') return this.withdrawn(status, at, checkpoint);
    } else if (stop === 'cancelled')
      await statusAfter(rpc.call('cancelled', { ...report, checkpoint_id: checkpointId }));
    else await rpc.call('released', { ...report, checkpoint_id: checkpointId, reason: intent.shutdownReason });
    await this.reachStop('reported', wish);
    log.info({ ...at, checkpointId, outcome: kind }, 'operation handed back');
    return { kind, checkpointId };
  }

  /** The pause was withdrawn, or a cancel came, before it was reported. */
  private async withdrawn(
    status: 'running' | 'cancelling',
    at: Position,
    checkpoint: CommittedCheckpoint | null,
  ): Promise<Outcome | 'wanted-again'> {
    const { intent } = this.ports;
    this.isReporting = false;
    intent.obey(status === 'cancelling' ? { kind: 'cancel', save: true } : { kind: 'run' });
    // A shutdown still ends it, now from another status.
    return intent.wish.kind === 'train' ? 'wanted-again' : this.report(intent.wish, at, checkpoint);
  }

  private async reachStop(how: 'trainer-gone' | 'unreported' | 'reported', wish: Wish): Promise<void> {
    const { intent, reach } = this.ports;
    const kind = toStop(wish, intent.isPauseWanted);
    if (kind !== 'released') await reach(`${kind === 'paused' ? 'pause' : 'cancel'}.${how}`);
  }

  private async drainUploads(): Promise<void> {
    const done = new AbortController();
    const drained = this.ports.uploader.idle().finally(() => done.abort());
    await Promise.race([drained, sleep(DRAIN_AFTER_CRASH_MS, done.signal)]);
  }
}

/** The status of the operation after a stop was reported, also when it has moved on and the stop is refused. */
async function statusAfter(reply: Promise<{ readonly status: unknown }>): Promise<unknown> {
  try {
    return (await reply).status;
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'illegal-transition') throw error;
    return error.details['status'];
  }
}

function toStop(wish: Wish, isPauseWanted: boolean): 'paused' | 'cancelled' | 'released' {
  if (wish.kind === 'cancel') return 'cancelled';
  return isPauseWanted ? 'paused' : 'released';
}
