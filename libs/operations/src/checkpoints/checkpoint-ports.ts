import type { Checkpoint, CheckpointDraft, Provenance } from '../model/checkpoint.js';
import type { BadFile } from '../model/errors.js';
import type { Lease, Operation } from '../model/operation.js';

export interface CheckpointRepository {
  /**
   * Makes an uploaded checkpoint exist, if the lease still stands. Idempotent by id. `assertStored` runs first, while
   * no blob can be collected, and throws when one is missing.
   * @throws {LeaseLostError}
   */
  commit(lease: Lease, draft: CheckpointDraft, assertStored: () => Promise<void>): Promise<void>;
  /** @throws {CheckpointNotFoundError} */
  get(id: string): Promise<Checkpoint>;
  /** In order. */
  ofOperation(operationId: string): Promise<readonly Checkpoint[]>;
  setPinned(id: string, pinned: boolean): Promise<Checkpoint>;
  /**
   * With an event. False: it is known already, and only the time when it was last found is noted; or the checkpoint is
   * being deleted.
   */
  markCorrupted(id: string, badFiles: readonly BadFile[]): Promise<boolean>;
  /**
   * Marks the row under the operation's lock unless `whyKept` names a reason for the state found there: the operation
   * and its checkpoints, newest first.
   * @throws {CheckpointNotFoundError} @throws {CheckpointInUseError}
   */
  markDeleting(
    id: string,
    whyKept: (operation: Operation, siblings: readonly Checkpoint[]) => string | null,
  ): Promise<void>;
  removeRow(id: string): Promise<void>;
  /** Rows marked for deletion whose objects may still exist. */
  deleting(limit: number): Promise<readonly Checkpoint[]>;
  stats(): Promise<{
    readonly count: number;
    readonly logicalBytes: number;
    readonly storedBytes: number;
    readonly oldestAt: Date | null;
    readonly operations: readonly { readonly operationId: string; readonly count: number; readonly bytes: number }[];
  }>;
  /** The latest one of each operation that has any; see `latestOf` for which it is. */
  latestOf(operationIds: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>>;
  byIds(ids: readonly string[]): Promise<ReadonlyMap<string, Checkpoint>>;
}

/** `quick`: the presence and size of everything, and the bytes of small files. `deep`: every byte. */
export type VerificationDepth = 'quick' | 'deep';

/** Compares a checkpoint's bytes with its manifest. An unreachable store throws; it is no verdict. */
export interface CheckpointVerifier {
  verify(
    checkpoint: Checkpoint,
    depth: VerificationDepth,
  ): Promise<{
    readonly badFiles: readonly BadFile[];
    readonly filesChecked: number;
    readonly bytesHashed: number;
    /** Null when the manifest itself cannot be read. */
    readonly provenance: Provenance | null;
  }>;
}
