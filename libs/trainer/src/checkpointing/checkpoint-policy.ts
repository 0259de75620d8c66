import type { CheckpointPolicySpec } from '@ktrdr/specs';
import type { SavePolicy } from './save-policy.js';

/**
 * When a periodic save is due. Steps and epochs are counted from the beginning of the operation, so a resume does not
 * shift them; seconds are counted from the start of the attempt, so the first hour of work is not unprotected either.
 */
export class CheckpointPolicy implements SavePolicy {
  /** A step, the end of an epoch: each can wait for the other. */
  readonly isUrgent = false;
  private lastAt: number;
  private isDue = false;

  constructor(
    private readonly policy: CheckpointPolicySpec,
    /** Monotonic milliseconds. */
    private readonly now: () => number,
  ) {
    this.lastAt = now();
  }

  /** Call after every step and every end of an epoch. What is due stays due until {@link saved}. */
  moved({ step, epoch, samples }: { readonly step: number; readonly epoch: number; readonly samples: number }): void {
    const { every_steps: steps, every_epochs: epochs } = this.policy;
    if (steps !== undefined && step % steps === 0) this.isDue = true;
    if (epochs !== undefined && samples === 0 && epoch % epochs === 0) this.isDue = true;
  }

  get due(): boolean {
    const { every_seconds: seconds } = this.policy;
    return this.isDue || (seconds !== undefined && this.now() - this.lastAt >= seconds * 1000);
  }

  saved(): void {
    this.isDue = false;
    this.lastAt = this.now();
  }
}
