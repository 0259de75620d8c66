import { DomainError } from '@ktrdr/errors';

/** The API does not know the key of this worker, and nothing says how to become one. */
export class EnrolmentMissingError extends DomainError {
  readonly code = 'worker-unknown';
  constructor(nkey: string) {
    super(
      `No worker has the key ${nkey}, and there is no enrolment token. Set KTRDR_ENROL_TOKEN_FILE to a file with one ` +
        'that `ktrdr workers enrol` has made',
      { nkey },
    );
  }
}

export class EnrolmentTokenUnreadableError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(path: string, reason: string) {
    super(`The enrolment token cannot be read from ${path} (KTRDR_ENROL_TOKEN_FILE): ${reason}`, { path });
  }
}

/** The file holds no key. Its content is never shown. */
export class IdentityKeyDamagedError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor(path: string, options: ErrorOptions) {
    super(
      `${path} holds no key of a worker. Remove it, and enrol this worker again with a token of \`ktrdr workers enrol\``,
      { path },
      options,
    );
  }
}

/** The key is another worker than the configuration says. */
export class OtherWorkerError extends DomainError {
  readonly code = 'configuration-invalid';
  constructor({ wanted, known }: { readonly wanted: string; readonly known: string }) {
    super(
      `The key in this folder is the worker ${known}, and KTRDR_WORKER_ID says ${wanted}. Set it to ${known}, or give ` +
        'this worker a folder of its own (KTRDR_WORKER_DIR)',
      { wanted, known },
    );
  }
}
