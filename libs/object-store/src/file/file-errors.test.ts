import {
  ObjectNotFoundError,
  ObjectStoreUnavailableError,
  ObjectUnreadableError,
  UnsafeKeyError,
} from '@ktrdr/checkpoint';
import { toStoreError } from './file-errors.js';

const failure = (code: string) => Object.assign(new Error(`${code}: open '/store/key'`), { code });

describe('toStoreError', () => {
  it.each([
    ['ENOENT', ObjectNotFoundError, 'no object key'],
    ['EISDIR', ObjectNotFoundError, 'no object key'],
    ['ENOTDIR', ObjectNotFoundError, 'no object key'],
    ['EIO', ObjectUnreadableError, 'input/output error'],
    ['ENAMETOOLONG', UnsafeKeyError, 'too long'],
    ['ENOSPC', ObjectStoreUnavailableError, 'no space is left'],
    ['EDQUOT', ObjectStoreUnavailableError, 'quota'],
    ['EACCES', ObjectStoreUnavailableError, `chown -R ${process.getuid?.()} /store`],
    ['EPERM', ObjectStoreUnavailableError, 'access was denied'],
    ['EROFS', ObjectStoreUnavailableError, 'read-only'],
    ['ESTALE', ObjectStoreUnavailableError, 'mount it again'],
    ['ESOMETHING', ObjectStoreUnavailableError, 'ESOMETHING'],
  ])('makes of %s a %p', (code, kind, words) => {
    const error = toStoreError(failure(code), 'file:///store', 'key');
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(words);
    expect(error.message).toContain('file:///store'.slice(code === 'ENAMETOOLONG' ? 13 : 0));
  });

  it('keeps an error that has a meaning already', () => {
    const error = new ObjectNotFoundError('key', 'file:///store');
    expect(toStoreError(error, 'file:///store', 'key')).toBe(error);
  });
});
