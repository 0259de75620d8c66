import { DomainError } from '@ktrdr/errors';
import { UsageError } from '../errors/errors.js';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'it is on a file system that cannot be written to',
  ENOSPC: 'no space is left on the disk',
  EDQUOT: 'the quota of disk space is used up',
  EFBIG: 'the file system takes no file of this size',
  ENOENT: 'it does not exist',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a directory, not a file',
  EEXIST: 'it is there already',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  EMFILE: 'too many files are open',
  ENOTEMPTY: 'it is there already',
  EIO: 'the disk reports an error',
};

/** What the system said about a file, in plain words. */
export function reasonOfFileError(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

export function codeOfFileError(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * What the system said when files were written below `path`, as an error that says what to do; any other as it is.
 * @param error of the API are never the system's: the client has put them in words of its own.
 */
export function asWriteError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof DomainError || !('syscall' in error)) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(codeOfFileError(error) ?? '');
  const advice = isFull ? 'Make room, or give another place' : 'Give another place, or make this one usable';
  const message = `Cannot write to ${path}: ${reasonOfFileError(error)}. Nothing was kept. ${advice}`;
  return new UsageError(message, { path }, { cause: error });
}
