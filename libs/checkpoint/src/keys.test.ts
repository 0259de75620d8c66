import fc from 'fast-check';
import { UnsafeKeyError } from './errors.js';
import { assertCheckpointFileName, assertObjectKey, blobKey, manifestKey, parseManifestKey } from './keys.js';

const LOCATION = { operationId: 'op_training_20261122_101500_k3v9qa', attempt: 3, seq: 12, checkpointId: '01JD5M9W7X' };

describe('keys', () => {
  it('put a blob under its hash and a manifest under its place', () => {
    expect(blobKey('ab'.repeat(32))).toBe(`blobs/sha256/ab/${'ab'.repeat(32)}`);
    expect(manifestKey(LOCATION)).toBe('checkpoints/op_training_20261122_101500_k3v9qa/3-12-01JD5M9W7X/manifest.json');
  });

  it('of manifests say what they are for', () => {
    expect(parseManifestKey(manifestKey(LOCATION))).toEqual(LOCATION);
  });

  it.each([
    { ...LOCATION, operationId: '../op' },
    { ...LOCATION, operationId: '' },
    { ...LOCATION, checkpointId: 'a/b' },
    { ...LOCATION, checkpointId: '..' },
    { ...LOCATION, attempt: -1 },
    { ...LOCATION, seq: 1.5 },
    { ...LOCATION, attempt: NaN },
  ])('are not made from %j', (location) => {
    expect(() => manifestKey(location)).toThrow(UnsafeKeyError);
  });

  it.each(['AB'.repeat(32), '', '../'.repeat(21), 'a'.repeat(63)])('are not made from the hash %j', (hash) => {
    expect(() => blobKey(hash)).toThrow(UnsafeKeyError);
  });

  it.each(['../x', 'a/b', 'a\\b', '.', '..', '.hidden', 'a..b', '', 'a\0', 'a'.repeat(201)])(
    'do not let %j name a file of a checkpoint',
    (name) => {
      expect(() => assertCheckpointFileName(name)).toThrow(UnsafeKeyError);
    },
  );

  it('that are accepted never leave the directory they are joined to', () => {
    const part = fc.constantFrom('a', 'B9', '_', '.', '..', '...', '', '-', '=', '\0', '\\', ' ', '%2e', 'ä', '~');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.constantFrom('/', ''), (parts, separator) => {
        const key = parts.join(separator);
        const accepted = (() => {
          try {
            assertObjectKey(key);
            return true;
          } catch {
            return false;
          }
        })();
        if (accepted) expect(new URL(key, 'file:///root/').pathname).toBe(`/root/${key}`);
      }),
    );
  });
});
