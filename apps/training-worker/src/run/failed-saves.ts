import type { Logger } from 'pino';
import type { Save } from '../checkpoints/checkpoint-uploader.js';
import type { EventRecorder } from '../events/event-recorder.js';
import type { LeasedRpc } from '../api-link/leased-rpc.js';
import type { RunIntent, Wish } from './run-intent.js';
import type { Position } from './trainer-session.js';

/** Makes it known that a checkpoint could not be saved, and gives a pause up that needed it. */
export class FailedSaves {
  constructor(
    private readonly ports: {
      readonly rpc: LeasedRpc;
      readonly intent: RunIntent;
      readonly recorder: EventRecorder;
      readonly log: Logger;
      readonly signal: AbortSignal;
    },
  ) {}

  /** Training goes on, with the checkpoints that there are. */
  report(message: string, at: Position, kind: Save['kind'] = 'periodic'): void {
    this.send(message, at, kind, false);
  }

  /** Something should have stopped there: a pause is given up, a cancel or a shutdown does without. */
  reportStop(message: string, at: Position, wish: Wish): void {
    const isPause = wish.kind === 'pause';
    if (isPause) this.ports.intent.abandonPause();
    this.send(message, at, wish.kind === 'train' ? 'pause' : wish.kind, isPause);
  }

  private send(message: string, { step, epoch }: Position, kind: Save['kind'], pauseAbandoned: boolean): void {
    const { rpc, intent, recorder, log, signal } = this.ports;
    log.warn({ step, reason: message, pauseAbandoned }, 'checkpoint not saved');
    recorder.record({ type: 'warning', code: 'checkpoint-failed', message });
    const answer = intent.answerToNow();
    const error = { code: 'checkpoint-failed', message, details: {} };
    rpc
      .call('checkpoint-failed', { kind, step, epoch, error, pause_abandoned: pauseAbandoned })
      .then(({ directive }) => answer(directive))
      .catch((err: unknown) => {
        if (!signal.aborted) log.warn({ err }, 'failed save not reported');
      });
  }
}
