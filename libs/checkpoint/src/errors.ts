import { DomainError } from '@ktrdr/errors';
import type { BadFile } from '@ktrdr/operations';

/** The store answered: it holds no object with this key. */
export class ObjectNotFoundError extends DomainError {
  readonly code = 'object-not-found';
  constructor(key: string, storeUrl: string, options?: ErrorOptions) {
    super(`There is no object ${key} in ${storeUrl}`, { key, store: storeUrl }, options);
  }
}

/** The store could not answer; what it holds is unknown, and probably unharmed. */
export class ObjectStoreUnavailableError extends DomainError {
  readonly code = 'object-store-unavailable';
  constructor(storeUrl: string, reason: string, options?: ErrorOptions) {
    super(`The object store ${storeUrl} is not usable: ${reason}`, { store: storeUrl, reason }, options);
  }
}

/** The store is there, but cannot give back the bytes of this one object: a bad disk sector, an archived object. */
export class ObjectUnreadableError extends DomainError {
  readonly code = 'object-store-unavailable';
  constructor(key: string, storeUrl: string, reason: string, options?: ErrorOptions) {
    super(`Object ${key} in ${storeUrl} cannot be read: ${reason}`, { key, store: storeUrl, reason }, options);
  }
}

/** A key, id or file name that could lead outside the place it belongs to. */
export class UnsafeKeyError extends DomainError {
  readonly code = 'request-invalid';
  constructor(what: string, value: string, rule: string) {
    super(`${JSON.stringify(value.slice(0, 200))} is not a valid ${what}: ${rule}`, { what, rule });
  }
}

/** A local file was not what it had been measured to be. */
export class SourceFileChangedError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(path: string, expectedBytes: number, actualBytes: number) {
    super(
      `${path} has ${actualBytes} bytes, not the ${expectedBytes} expected: it was written to while it was being ` +
        'stored. Save again, and hand over files only when they are complete',
      { expected_bytes: expectedBytes, actual_bytes: actualBytes },
    );
  }
}

/** A local file could not be read or written. The object store has no part in it. */
export class LocalFileError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(action: 'read' | 'write', path: string, cause: unknown) {
    const reason = String(cause).replace(/^Error: /, '');
    super(`Cannot ${action} the local file ${path}: ${reason}`, { reason }, { cause });
  }
}

/** The checkpoint could not be stored. Nothing refers to what was uploaded of it. */
export class CheckpointUploadError extends DomainError {
  readonly code = 'checkpoint-failed';
}

/** The store lacks objects that a checkpoint names. The sender uploads it again. */
export class UploadIncompleteError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(checkpointId: string, missing: readonly string[]) {
    super(`Checkpoint ${checkpointId} is not wholly stored; upload it again: ${missing.join(', ')}`, {
      checkpoint_id: checkpointId,
      missing,
    });
  }
}

/** What the store holds is not what the manifest promises. Nothing was restored. */
export class CheckpointDamagedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(
    readonly manifestKey: string,
    readonly badFiles: readonly BadFile[],
  ) {
    const files = badFiles.map(({ name, problem }) => `${name} (${problem})`).join(', ');
    super(`The checkpoint ${manifestKey} is damaged: ${files}. Resume from an older checkpoint`, {
      manifest_key: manifestKey,
      bad_files: badFiles,
    });
  }
}

/** Bytes of one file are not what the checkpoint says they are. */
export class StoredFileDamagedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(readonly badFile: BadFile) {
    super(
      `${badFile.name} of the checkpoint is damaged (${badFile.problem}): ${badFile.detail}. Use an older checkpoint`,
      {
        bad_files: [badFile],
      },
    );
  }
}

/** An intact manifest of a kind that this version of ktrdr does not understand. */
export class ManifestIncompatibleError extends DomainError {
  readonly code = 'checkpoint-incompatible';
  constructor(reason: string, found: { readonly schemaVersion?: unknown } = {}) {
    super(`This version of ktrdr cannot use the checkpoint manifest: ${reason}`, {
      reason,
      ...(found.schemaVersion === undefined ? {} : { schema_version: found.schemaVersion }),
    });
  }
}
