import type { Confusion } from '../tensorflow/evaluation.js';
import type { Best, EpochRecord } from './training-state.js';

/** What a completed operation answers with. Equal for runs that differ only in how often they were interrupted. */
export interface TrainingResult {
  /** SHA-256 of the final checkpoint's `weights.safetensors`. */
  readonly weights_sha256: string;
  /** SHA-256 of its `best.safetensors`. */
  readonly best_weights_sha256: string | null;
  readonly epochs_run: number;
  readonly steps: number;
  readonly stopped_early: boolean;
  readonly final: Pick<EpochRecord, 'loss' | 'accuracy' | 'val_loss' | 'val_accuracy'>;
  readonly best: Best | null;
  /** Null when the split has no test part. */
  readonly test: {
    readonly weights: 'best' | 'final';
    readonly loss: number;
    readonly accuracy: number;
    readonly count: number;
    readonly confusion: Confusion;
  } | null;
  readonly backend: { readonly name: string; readonly version: string };
  readonly data_fingerprint: string;
  /** One digest over which samples every epoch consumed, in which order. */
  readonly ledger_sha256: string;
}
