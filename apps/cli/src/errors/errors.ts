import type { VerifyView } from '@ktrdr/contracts';
import type { BadFile } from '@ktrdr/operations/model';
import { DomainError, type ErrorCode } from '@ktrdr/errors';

/** There is no token to show to the API. */
export class NotLoggedInError extends DomainError {
  readonly code = 'unauthorized';
  constructor(reason: string) {
    super(`${reason}. Run "ktrdr login", or give --api-token or KTRDR_API_TOKEN`);
  }
}

/** No key that counts is this worker. */
export class KeylessWorkerError extends DomainError {
  readonly code = 'worker-not-found';
  constructor(workerId: string) {
    super(`No key is the worker ${workerId}: it has not enrolled, or was revoked already`, { worker_id: workerId });
  }
}

/** Something on the command line, in a file it names or in the environment cannot be used. */
export class UsageError extends DomainError {
  readonly code: ErrorCode = 'request-invalid';
}

/** The specification cannot be read or parsed. `problems` says where. */
export class SpecFileError extends UsageError {}

/** Files of an exported checkpoint are not what its description says. Nothing was kept, nothing was imported. */
export class ExportDamagedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(where: string, badFiles: readonly BadFile[]) {
    const names = badFiles.map(({ name, problem }) => `${name} (${problem})`).join(', ');
    const isThere = badFiles.every(({ problem }) => problem === 'unreadable');
    const advice = isThere
      ? `cannot be read: ${names}. See that it can be read, or export it again`
      : `is not as it was: ${names}. Export it again`;
    super(`The exported checkpoint in ${where} ${advice}`, { bad_files: badFiles });
  }
}

/** Files of a checkpoint are damaged where the API stores them. Nothing of it was kept here. */
export class CheckpointDamagedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor({
    checkpointId,
    operationId,
    badFiles,
    remedy,
  }: {
    readonly checkpointId: string;
    readonly operationId: string;
    readonly badFiles: VerifyView['bad_files'];
    readonly remedy: string;
  }) {
    const names = badFiles.map(({ name, problem }) => `${name} (${problem})`).join(', ');
    super(`Checkpoint ${checkpointId} is damaged where it is stored: ${names}. Nothing was kept; ${remedy}`, {
      checkpoint_id: checkpointId,
      operation_id: operationId,
      bad_files: badFiles,
    });
  }
}

/** The connection broke while a file of a sound checkpoint was on its way. Nothing of it was kept. */
export class DownloadBrokenError extends DomainError {
  readonly code = 'api-unreachable';
  constructor(name: string, cause: DomainError) {
    const reason = String(cause.details['reason']);
    super(
      `The download of ${name} broke off (${reason}), though the API answers and the checkpoint itself is sound. ` +
        'Nothing was kept. Try again',
      { ...cause.details, file: name },
      { cause },
    );
  }
}

/** A file arrived with other bytes than the API describes. Nothing was kept. */
export class DownloadCorruptedError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(badFile: BadFile, details: { readonly operation_id: string }) {
    super(
      `${badFile.name} of ${details.operation_id} did not arrive as the API describes it: ${badFile.problem}. ` +
        'Nothing was kept. Try again; if the problem persists, the stored file is damaged',
      { ...details, bad_files: [badFile] },
    );
  }
}
