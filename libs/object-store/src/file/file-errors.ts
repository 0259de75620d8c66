import { fileURLToPath } from 'node:url';
import {
  ObjectNotFoundError,
  ObjectStoreUnavailableError,
  ObjectUnreadableError,
  UnsafeKeyError,
} from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';

const REASONS: Readonly<Record<string, string>> = {
  EDQUOT: 'the disk quota is used up; free some or raise it',
  EMFILE: 'too many files are open; raise the limit on open files',
  ENFILE: 'too many files are open on this machine',
  ENOSPC: 'no space is left on its disk; free some or move the store',
  EROFS: 'it is mounted read-only',
  ESTALE: 'the network file system has lost it; mount it again',
};

const DENIED: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM']);

/** Nothing under this name, or a folder. */
const MISSING: ReadonlySet<string | undefined> = new Set(['ENOENT', 'EISDIR']);

/** Whether a file system call failed because there is no such file. */
export function isMissing(error: unknown): boolean {
  return MISSING.has(codeOf(error)) || codeOf(error) === 'ENOTDIR';
}

/** What a failed file system call on the object `key` means; what has a meaning already keeps it. */
export function toStoreError(error: unknown, url: string, key: string): DomainError {
  if (error instanceof DomainError) return error;
  if (isMissing(error)) return new ObjectNotFoundError(key, url, { cause: error });
  if (codeOf(error) === 'ENAMETOOLONG') return new UnsafeKeyError('object key', key, 'too long for the file system');
  if (codeOf(error) === 'EIO') {
    return new ObjectUnreadableError(key, url, 'the disk reports an input/output error', { cause: error });
  }
  return toUnavailable(error, url);
}

/** What a failed file system call says about the store as a whole. */
export function toUnavailable(error: unknown, url: string): DomainError {
  if (error instanceof DomainError) return error;
  const message = messageOf(error);
  const reason = DENIED.has(codeOf(error)) ? denied(url) : REASONS[codeOf(error) ?? ''];
  return new ObjectStoreUnavailableError(url, reason ? `${reason} (${message})` : message, { cause: error });
}

function denied(url: string): string {
  const user = process.getuid?.();
  const mend =
    user === undefined ? 'give it write access' : `make it the owner: chown -R ${user} ${fileURLToPath(url)}`;
  return `access was denied to the user that ktrdr runs as; ${mend}`;
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}

/** The `code` of a system error. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : undefined;
}
