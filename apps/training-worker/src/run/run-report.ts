import type { ResourceSnapshot } from '@ktrdr/contracts';
import { DomainError } from '@ktrdr/errors';
import type { FailpointName } from '@ktrdr/failpoints';
import type { Logger } from 'pino';
import type { CheckpointCourier, CommittedCheckpoint, Delivery, Save } from '../checkpoints/checkpoint-uploader.js';
import { CheckpointNotStoredError, TrainerProtocolError } from '../errors.js';
import type { LeasedRpc } from '../api-link/leased-rpc.js';
import type { RunIntent, Wish } from './run-intent.js';
import type { ReportedError } from '../trainers/trainer-exit.js';
import type { Ending, Position } from './trainer-session.js';

/** How a run ended, for the log and for the slot. */
export type Outcome =
  | { readonly kind: 'paused' | 'cancelled' | 'released'; readonly checkpointId: string | null }
  | { readonly kind: 'completed' | 'failed' }
  | { readonly kind: 'lease-lost' | 'abandoned' | 'refused'; readonly reason: string };

export interface SettlementPorts {
  readonly rpc: LeasedRpc;
  readonly intent: RunIntent;
  readonly log: Logger;
  readonly reach: (point: FailpointName) => Promise<void>;
  /** Sends what was told so far, which should be recorded before the end is. */
  readonly flushEvents: () => Promise<void>;
  readonly abandonPause: (message: string, at: Position) => void;
  /** What the machine was doing when the trainer ended for a pause. */
  readonly snapshot: () => Promise<ResourceSnapshot | null>;
}

/** Local files that a trainer can continue from, or null for the beginning. */
export interface StartingPoint extends Position {
  readonly dir: string | null;
}

type Next = Outcome | StartingPoint;

/** A crashed trainer's last saves may be worth a wait, but not for ever. */
const SAVES_OF_THE_DEAD_MS = 30_000;

/** Brings the end of a trainer and the wishes of the API together, and reports what came of them. */
export class RunSettlement {
  /** From the moment that an end is reported, its answer decides and nothing else. */
  isReporting = false;
  private courier: CheckpointCourier | undefined;

  constructor(
    private readonly ports: SettlementPorts,
    private readonly start: CommittedCheckpoint | null,
  ) {}

  deliverWith(courier: CheckpointCourier): void {
    this.courier = courier;
  }

  /** The outcome, or where to go on from when nobody wants it to end any more. */
  async settle(ending: Ending, from: StartingPoint): Promise<Next> {
    switch (ending.kind) {
      case 'completed':
        await this.ports.reach('complete.trainer-gone');
        return this.settleCompleted(ending);
      case 'stopped':
        await this.reachStop('trainer-gone', this.ports.intent.wish);
        return this.settleStopped(ending);
      case 'dismissed':
        return this.settleUntrained(from);
      case 'failed':
        await this.lastSaves();
        await this.ports.reach('fail.unreported');
        return this.reportFailed(ending.error);
    }
  }

  /** It was not wanted any more before it had trained. */
  async settleUntrained(at: Position | null): Promise<Outcome> {
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

  private get lastCommitted(): CommittedCheckpoint | null {
    return this.courier?.lastCommitted ?? this.start;
  }

  private async settleCompleted({ event, final }: Extract<Ending, { kind: 'completed' }>): Promise<Outcome> {
    const delivery = final && (await this.courier?.deliveryOf(final.request_id));
    // Without its final checkpoint the work is not safe: it is failed, and continues from the one before.
    if (delivery?.kind === 'given-up') throw new CheckpointNotStoredError(delivery.error);
    // Without one of its own it ends where it began, or saves none.
    const last = this.lastCommitted?.step === event.step ? this.lastCommitted : null;
    const checkpoint = delivery?.kind === 'committed' ? delivery : last;
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

  private async settleStopped({ step, epoch, save }: Extract<Ending, { kind: 'stopped' }>): Promise<Next> {
    const at = { step, epoch };
    for (;;) {
      const { wish } = this.ports.intent;
      if (wish.kind === 'cancel' && !wish.save) {
        this.courier?.discard();
        const next = await this.report(wish, at, null);
        if (next !== 'wanted-again') return next;
        continue;
      }
      if (!save && (wish.kind === 'train' || wish.kind === 'pause')) {
        throw new TrainerProtocolError('The trainer stopped without the save that it was asked for', { ...at });
      }
      if (wish.kind === 'train' && save) return locally(save);
      const delivery = await this.deliveryUnlessChanged(save, wish);
      if (delivery === 'changed') continue;
      const next = await this.settleDelivered(delivery, save, wish, at);
      if (next) return next;
    }
  }

  /** Null: look again at what is wanted. */
  private async settleDelivered(
    delivery: Delivery | null,
    save: Save | null,
    wish: Wish,
    at: Position,
  ): Promise<Next | null> {
    if (delivery?.kind === 'committed') {
      const next = await this.report(wish, at, delivery);
      return next === 'wanted-again' ? null : next;
    }
    if (wish.kind === 'pause') {
      const reason = delivery?.kind === 'given-up' ? delivery.error.message : 'it was not stored';
      this.ports.abandonPause(reason, at);
      return null;
    }
    const next = await this.report(wish, at, this.lastCommitted);
    if (next !== 'wanted-again') return next;
    throw new TrainerProtocolError('The operation was wanted again, but its last state was not saved', { ...at });
  }

  private async deliveryUnlessChanged(save: Save | null, wish: Wish): Promise<Delivery | null | 'changed'> {
    const changed = this.ports.intent.until((now) => now.kind !== wish.kind || now.save !== wish.save);
    const delivery = save ? this.courier?.deliveryOf(save.request_id) : this.courier?.idle().then(() => null);
    try {
      return (await Promise.race([delivery ?? null, changed.reached.then(() => 'changed' as const)])) ?? null;
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
    const { rpc, intent, log } = this.ports;
    const checkpointId = checkpoint?.checkpointId ?? null;
    await this.ports.flushEvents();
    const report = { step: at.step, epoch: at.epoch };
    await this.reachStop('unreported', wish);
    this.isReporting = true;
    try {
      const kind = toStop(wish, intent.isPauseWanted);
      if (kind === 'paused' && checkpointId)
        await this.confirmStop('paused', { ...report, checkpoint_id: checkpointId });
      else if (kind === 'cancelled') await this.confirmStop('cancelled', { ...report, checkpoint_id: checkpointId });
      else await rpc.call('released', { ...report, checkpoint_id: checkpointId, reason: intent.shutdownReason });
      await this.reachStop('reported', wish);
      const outcome = kind === 'paused' && !checkpointId ? 'released' : kind;
      log.info({ ...at, checkpointId, outcome }, 'operation handed back');
      return { kind: outcome, checkpointId };
    } catch (error) {
      if (!(error instanceof StopRefused)) throw error;
      this.isReporting = false;
      if (error.status === 'cancelling') {
        intent.obey({ kind: 'cancel', save: true });
        return this.report(intent.wish, at, checkpoint);
      }
      intent.obey({ kind: 'run' });
      // A shutdown wants it ended all the same, now from another state.
      return intent.wish.kind === 'train' ? 'wanted-again' : this.report(intent.wish, at, checkpoint);
    }
  }

  private async reachStop(how: 'trainer-gone' | 'unreported' | 'reported', wish: Wish): Promise<void> {
    const { intent, reach } = this.ports;
    const kind = toStop(wish, intent.isPauseWanted);
    if (kind !== 'released') await reach(`${kind === 'paused' ? 'pause' : 'cancel'}.${how}`);
  }

  /** @throws StopRefused when the operation has moved on to where it is not to stop, or to stop differently. */
  private async confirmStop(
    method: 'paused' | 'cancelled',
    report: Position & { readonly checkpoint_id: string | null },
  ): Promise<void> {
    let status: unknown;
    try {
      const { checkpoint_id } = report;
      status =
        method === 'paused' && checkpoint_id
          ? (await this.ports.rpc.call('paused', { ...report, checkpoint_id, snapshot: await this.ports.snapshot() }))
              .status
          : (await this.ports.rpc.call('cancelled', report)).status;
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'illegal-transition') throw error;
      status = error.details['status'];
    }
    if (method === 'paused' && (status === 'running' || status === 'cancelling')) throw new StopRefused(status);
  }

  private async lastSaves(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, SAVES_OF_THE_DEAD_MS);
    });
    await Promise.race([this.courier?.idle() ?? Promise.resolve(), late]);
    clearTimeout(timer);
  }
}

class StopRefused extends Error {
  constructor(readonly status: 'running' | 'cancelling') {
    super(`The operation is ${status}`);
  }
}

function toStop(wish: Wish, isPauseWanted: boolean): 'paused' | 'cancelled' | 'released' {
  if (wish.kind === 'cancel') return 'cancelled';
  return isPauseWanted ? 'paused' : 'released';
}

function locally({ dir, step, epoch }: Save): StartingPoint {
  return { dir, step, epoch };
}
