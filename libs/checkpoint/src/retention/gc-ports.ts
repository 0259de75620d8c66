import type { BadFile, Checkpoint, OperationWithCheckpoints } from '@ktrdr/operations';

/** What rows name: manifests by the checkpoint's own row, blobs by the files of any. */
export type NamedObject = 'manifest' | 'blob';

interface Page {
  readonly afterId: string;
  readonly limit: number;
}

/** Rows that may go, and objects that no row names. */
export interface CheckpointGarbage {
  /** Operations that have checkpoints, in the order of their ids. */
  withCheckpoints(page: Page): Promise<readonly OperationWithCheckpoints[]>;
  /** Of those, the ones that may have more than their own limits keep. */
  beyondKeepLast(page: Page): Promise<readonly OperationWithCheckpoints[]>;
  ofOperation(operationId: string): Promise<OperationWithCheckpoints | null>;
  /**
   * Marks what `choose` names, decided under the operation's lock.
   * @returns what was marked: nothing that was pinned or marked meanwhile.
   */
  markDeleting(
    operationId: string,
    choose: (found: OperationWithCheckpoints) => readonly string[],
  ): Promise<readonly Checkpoint[]>;
  /** Removes marked rows. */
  removeRows(ids: readonly string[]): Promise<void>;
  /** Bytes of the blobs that no row names once these rows are gone. */
  bytesFreedBy(ids: readonly string[]): Promise<number>;
  /** Replaces the operation's warning of expiry. False: it was warned of each of these before. */
  warnOfExpiry(operationId: string, ids: readonly string[], message: string): Promise<boolean>;
  forgetExpiryWarnings(except: readonly string[]): Promise<void>;
  /** Ids of checkpoints whose expiry was announced at least so long ago. */
  warnedOfExpiry(agoMs: number): Promise<ReadonlySet<string>>;
  /** Those of `keys` that no row names. */
  unnamed(kind: NamedObject, keys: readonly string[]): Promise<readonly string[]>;
  /**
   * Calls `remove` for those of `keys` that no row names, while no commit can begin to name one.
   * @throws {DomainError} `objects-in-use`, before anything is removed: a commit that may name some of them does not end.
   * Call again later rather than wait: other commits come first.
   */
  collect(kind: NamedObject, keys: readonly string[], remove: (key: string) => Promise<void>): Promise<void>;
  /** Checkpoints that are neither being deleted nor known to be damaged, in the order of their ids. */
  soundCheckpoints(page: Page): Promise<readonly Checkpoint[]>;
}

/** Records damage, with an event. */
export interface DamageRecorder {
  /** False: it is known, or the checkpoint is being deleted. */
  markCorrupted(checkpointId: string, badFiles: readonly BadFile[]): Promise<boolean>;
}

/** What the replicas of a deployment remember and agree on. */
export interface DeploymentRecords {
  /** Names this database; stores that belong to it carry the name. */
  deploymentId(): Promise<string>;
  read(name: string): Promise<{ readonly value: unknown; readonly at: Date } | null>;
  write(name: string, value: unknown): Promise<void>;
  /** Milliseconds since it was written; `Infinity`: never. */
  ageMs(name: string): Promise<number>;
  /** Does the work unless another replica does it; then null. */
  alone<Result>(what: 'orphan-sweep', work: () => Promise<Result>): Promise<Result | null>;
}
