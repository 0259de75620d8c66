import { DomainError } from '@ktrdr/errors';

/** A setting that cannot be used as it is. */
export class ConfigurationError extends DomainError {
  readonly code = 'configuration-invalid';
}
