import type { BadFile, Checkpoint } from '@ktrdr/operations';

/** What is named by rows: manifests by the checkpoint's own row, blobs by the files of any. */
export type NamedObject = 'manifest' | 'blob';

/** What the database knows about objects. */
export interface ObjectRegister {
  /** Those of `keys` that no row names. */
  unnamed(kind: NamedObject, keys: readonly string[]): Promise<readonly string[]>;
  /**
   * Calls `remove` for those of `keys` that no row names, while no commit can begin to name one.
   * @throws {DomainError} `objects-in-use`, before anything was removed: a commit is under way that may name some of them
   * and does not come to its end. It can be asked for again, and must not be waited for: other commits come first.
   */
  collect(kind: NamedObject, keys: readonly string[], remove: (key: string) => Promise<void>): Promise<void>;
  /** Checkpoints that are neither being deleted nor known to be damaged, in the order of their ids. */
  soundCheckpoints(page: { readonly afterId: string; readonly limit: number }): Promise<readonly Checkpoint[]>;
  /** Has the damage shown, with an event. False: it is known, or the checkpoint is being deleted. */
  markCorrupted(checkpointId: string, badFiles: readonly BadFile[]): Promise<boolean>;
  /** The name of this database, which the stores that belong to it carry. */
  deploymentId(): Promise<string>;
}
