import type { Logger } from 'pino';
import type { Save } from '../checkpoints/save-record.js';
import type { EventRecorder } from '../events/event-recorder.js';
import type { ReportingRpc } from '../api-link/reporting-rpc.js';
import type { RunIntent, Wish } from './run-intent.js';
import type { Position } from '../trainers/ports.js';

/** Reports that a checkpoint could not be saved, and abandons a pause that needs it. */
export class FailedSaves {
  constructor(
    private readonly ports: {
      readonly rpc: ReportingRpc;
      readonly intent: RunIntent;
      readonly recorder: EventRecorder;
      readonly log: Logger;
      readonly signal: AbortSignal;
    },
  ) {}

  /** Training goes on with the earlier checkpoints. */
  report(message: string, at: Position, kind: Save['kind'] = 'periodic'): void {
    this.send(message, at, kind, false);
  }

  /** A stop needed this save: a pause is abandoned, a cancel or a shutdown goes on without it. */
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
