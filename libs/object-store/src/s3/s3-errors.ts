import { ObjectNotFoundError, ObjectStoreUnavailableError, ObjectUnreadableError } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';

const NOT_FOUND: ReadonlySet<string> = new Set(['NoSuchKey', 'NotFound']);
const REASONS: Readonly<Record<string, string>> = {
  CredentialsProviderError: 'there are no credentials for it',
  ECONNREFUSED: 'nothing accepts connections at its endpoint',
  ENOTFOUND: 'the name of its endpoint cannot be resolved',
  NoSuchBucket: 'its bucket does not exist',
  PermanentRedirect: 'its bucket is in another region; set region',
  SlowDown: 'it asks for fewer requests',
  TimeoutError: 'it did not answer in time',
};

/** What a failed request about the object `key` means; what has a meaning already keeps it. */
export function toS3StoreError(error: unknown, url: string, key: string): DomainError {
  if (error instanceof DomainError) return error;
  const { name, status } = factsOf(error);
  if (NOT_FOUND.has(name)) return new ObjectNotFoundError(key, url, { cause: error });
  if (name === 'InvalidObjectState') {
    const reason = 'it is archived; restore it to a storage class that can be read at once';
    return new ObjectUnreadableError(key, url, reason, { cause: error });
  }
  if (status === 404 && name !== 'NoSuchBucket') return new ObjectNotFoundError(key, url, { cause: error });
  return toS3Unavailable(error, url);
}

/** What a failed request says about the store as a whole. */
export function toS3Unavailable(error: unknown, url: string): DomainError {
  if (error instanceof DomainError) return error;
  const { name, code, status, message } = factsOf(error);
  const known = status === 403 ? denied(name) : (REASONS[name] ?? REASONS[code]);
  const said = [name, status ? `HTTP ${status}` : '', message].filter(Boolean).join(', ');
  return new ObjectStoreUnavailableError(url, known ? `${known} (${said})` : said, { cause: error });
}

function denied(name: string): string {
  return name === 'AccessDenied' || name === 'Forbidden' || name === '403'
    ? 'access was denied; the credentials need s3:GetObject, PutObject, DeleteObject and, to distinguish a missing object from a forbidden one, ListBucket'
    : 'access was denied; check the access key and its secret';
}

function factsOf(error: unknown) {
  const { name, code, message, $metadata } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: string;
    readonly code?: string;
    readonly message?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  // The SDK wraps what it does not take for an error, and then the system's code is in the message alone.
  const systemCode = code ?? /\bE[A-Z]{4,}\b/.exec(message ?? '')?.[0] ?? '';
  return {
    name: name && name !== 'Error' ? name : systemCode,
    code: systemCode,
    status: $metadata?.httpStatusCode,
    message: message ?? String(error),
  };
}
