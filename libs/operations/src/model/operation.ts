import type { Figure, Position } from './checkpoint.js';
import type { Checkpointing } from './checkpointing.js';
import type { OperationStatus, PauseCause } from './status.js';

export interface Progress extends Position {
  readonly steps: number;
  readonly epochs: number;
  readonly examplesPerSecond: number | null;
}

export interface BestSoFar extends Position {
  readonly metric: string;
  readonly value: Figure;
}

export interface OperationFailure {
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface OperationWarning {
  readonly code: string;
  readonly message: string;
  readonly at: string;
}

export interface PauseRequest {
  readonly boundary: 'step' | 'epoch';
  readonly cause: PauseCause;
  readonly reason: string | null;
  /** How long it may take to come to a checkpoint; null: the service's own limit. */
  readonly timeoutMs: number | null;
  readonly requestedBy: string;
  readonly requestedAt: string;
}

export interface CancelRequest {
  /** False: the work since the last checkpoint is given up. */
  readonly save: boolean;
  readonly reason: string | null;
  readonly requestedBy: string;
  readonly requestedAt: string;
}

/** A pause as it was carried out. */
export interface PauseRecord extends Position {
  readonly pausedAt: string;
  readonly checkpointId: string;
  readonly remaining: { readonly seconds: number; readonly method: string } | null;
  /** The machine as its worker measured it; null: not measured. */
  readonly snapshot: Readonly<Record<string, unknown>> | null;
}

export const STALL_POLICIES = ['warn', 'pause', 'fail'] as const;

export interface Watchdog {
  readonly seconds: number;
  readonly onStall: (typeof STALL_POLICIES)[number];
}

/** What an operation was made from. */
export type Origin = RetryOrigin | ForkOrigin | ImportOrigin;

/** It continues from a checkpoint that was exported, here or elsewhere. */
interface ImportOrigin {
  readonly kind: 'import';
  /** Those of the exported checkpoint; they need not exist here. */
  readonly operationId: string;
  readonly checkpointId: string;
}

/** It does again what the other one did, from the beginning. */
interface RetryOrigin {
  readonly kind: 'retry';
  readonly operationId: string;
  readonly checkpointId: null;
}

/** It continues from a checkpoint of the other one, which goes its own way. */
export interface ForkOrigin extends Position {
  readonly kind: 'fork';
  readonly operationId: string;
  /** The other's checkpoint. The fork has its own, of the same blobs. */
  readonly checkpointId: string;
  /** The damaged one that was asked for in its place. */
  readonly fellBackFrom: string | null;
  /** What the fork trains differently. */
  readonly changes: readonly SpecDifference[];
}

/** One field of a spec, by its path, as it was and as it is. */
export interface SpecDifference {
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

/** The row, as the domain sees it. */
export interface Operation {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pool: string;
  readonly priority: number;
  readonly status: OperationStatus;
  readonly version: number;
  readonly attempt: number;
  readonly eventSeq: number;
  readonly spec: unknown;
  readonly specSha256: string;
  /** What resumes changed of the spec, all together; null: nothing. */
  readonly overrides: Readonly<Record<string, unknown>> | null;
  /** Hashes of the specs that it was trained under before. */
  readonly formerSpecSha256: readonly string[];
  readonly parentId: string | null;
  readonly origin: Origin | null;
  readonly watchdog: Watchdog | null;
  /** Since when it has made no progress for longer than its watchdog allows. */
  readonly stuckSince: Date | null;
  readonly pauseRecord: PauseRecord | null;
  readonly requirements: readonly string[];
  readonly pinnedBackend: string | null;
  /** Another backend may continue it, within a tolerance rather than bit for bit. */
  readonly backendChangeAllowed: boolean;
  readonly createdBy: string;
  readonly workerId: string | null;
  readonly leaseExpiresAt: Date | null;
  readonly recoveries: number;
  readonly maxRecoveries: number;
  readonly pauseRequest: PauseRequest | null;
  readonly cancelRequest: CancelRequest | null;
  readonly resumeCheckpointId: string | null;
  readonly progress: Progress | null;
  readonly metrics: Readonly<Record<string, Figure>> | null;
  readonly best: BestSoFar | null;
  /** How often it saves by its budget; null: it has none, or has not saved by it yet. */
  readonly checkpointing: Checkpointing | null;
  readonly error: OperationFailure | null;
  readonly warnings: readonly OperationWarning[];
  readonly result: Readonly<Record<string, unknown>> | null;
  readonly createdAt: Date;
  readonly queuedAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly statusSince: Date;
  readonly queuedMs: number;
  readonly activeMs: number;
  readonly pausedMs: number;
}

/** The right of one attempt to write for its operation. */
export interface Lease {
  readonly operationId: string;
  readonly attempt: number;
  readonly workerId: string;
}

/** How long it waited, trained and stood still, in milliseconds up to `nowMs`; pauses are not counted as work. */
export function clocksAt(operation: Operation, nowMs: number) {
  const { status, statusSince, queuedMs, activeMs, pausedMs } = operation;
  const present = Math.max(0, nowMs - statusSince.getTime());
  const in_ = (...statuses: OperationStatus[]) => (statuses.includes(status) ? present : 0);
  return {
    queuedMs: queuedMs + in_('queued', 'resuming'),
    activeMs: activeMs + in_('running', 'pausing', 'cancelling'),
    pausedMs: pausedMs + in_('paused'),
  };
}

export interface RemainingTime {
  readonly seconds: number;
  /** How it was reckoned, in words. */
  readonly method: string;
}

/** How long it would still train, or null when nothing is known yet. */
export function remainingTime(operation: Operation, nowMs: number): RemainingTime | null {
  const { progress } = operation;
  if (!progress || progress.steps <= 0) return null;
  const left = Math.max(0, progress.steps - progress.step);
  const { activeMs } = clocksAt(operation, nowMs);
  if (progress.step <= 0 || activeMs <= 0) return null;
  return {
    seconds: (left * activeMs) / progress.step / 1000,
    method: 'active time per step so far, times the steps that remain',
  };
}
