import { DomainError } from '@ktrdr/errors';

/** The checkpoint is whole, but it belongs to another spec, backend, model or format. */
export class CheckpointIncompatibleError extends DomainError {
  readonly code = 'checkpoint-incompatible';
  constructor(what: string, found: unknown, expected: unknown, advice: string) {
    super(`The checkpoint's ${what} is ${String(found)}, but ${String(expected)} is needed; ${advice}`, {
      what,
      found,
      expected,
    });
  }
}

/** A file of the checkpoint does not say what it must. */
export class CheckpointFileError extends DomainError {
  readonly code = 'checkpoint-corrupted';
  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`${file} cannot be used: ${problem}; resume from an older checkpoint`, { file, problem }, options);
  }
}

/** The training data is not what the checkpoint was trained on. */
export class DataChangedError extends DomainError {
  readonly code = 'data-changed';
  constructor(found: string, expected: string) {
    super(
      `The data has changed since the checkpoint: its fingerprint is ${found}, the checkpoint's ${expected}; ` +
        'restore the original data, or start a new operation on the new data',
      { found, expected },
    );
  }
}

/** Training state could not be written to the spool directory. Training can go on. */
export class CheckpointWriteError extends DomainError {
  readonly code = 'checkpoint-failed';
  constructor(dir: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`Saving to ${dir} failed: ${reason}; check free space and permissions`, { dir, reason }, { cause });
  }
}

/** No TensorFlow.js backend can do what was asked. */
export class BackendUnavailableError extends DomainError {
  readonly code = 'backend-unavailable';
  constructor(backend: string, reasons: readonly string[], advice: string) {
    super(`Backend ${backend} is unavailable: ${reasons.join('; ')}. ${advice}`, { backend, reasons });
  }
}

/** The model has a layer where this trainer has no use for it. */
export class LayerUnsupportedError extends DomainError {
  readonly code = 'layer-unsupported';
  constructor(layer: string, reason: string) {
    super(`Layer ${layer} cannot be built: ${reason}`, { layer, reason });
  }
}

/** A figure or a weight is no longer a number. */
export class TrainingDivergedError extends DomainError {
  readonly code = 'training-diverged';
  constructor(at: { readonly step: number; readonly epoch: number; readonly figure: string; readonly value: number }) {
    super(
      `Training diverged at step ${at.step} (epoch ${at.epoch}): ${at.figure} is ${at.value}; ` +
        'lower the learning rate or check the data',
      { ...at, value: String(at.value) },
    );
  }
}

/** The document is not a training spec. */
export class SpecInvalidError extends DomainError {
  readonly code = 'spec-invalid';
  constructor(issues: readonly { readonly path: string; readonly message: string }[]) {
    super(`The spec is invalid: ${issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`, { issues });
  }
}

/** Another program than this trainer is needed. */
export class OperationTypeError extends DomainError {
  readonly code = 'spec-invalid';
  constructor(type: string, known: readonly string[]) {
    super(
      `This trainer cannot run operations of type ${type}, only ${known.join(' and ')}; ` +
        'submit it to a pool whose workers can',
      { type, known },
    );
  }
}

/** The supervisor said something that the protocol does not know, or at the wrong time. */
export class TrainerProtocolError extends DomainError {
  readonly code = 'trainer-protocol-violated';
  constructor(problem: string, line?: string) {
    super(`The control channel broke the trainer protocol: ${problem}`, {
      problem,
      ...(line === undefined ? {} : { line: line.slice(0, 200) }),
    });
  }
}

/** The engine found that it has broken a promise of its own. */
export class TrainerInvariantError extends DomainError {
  readonly code = 'internal';
}
