import { FileEntry } from './worker-rpc.js';

const MOST = 64 * 1024 * 1024;
const whole = (bytes: number) => ({ name: 'weights', bytes, sha256: 'a'.repeat(64), blob: 'blobs/aa/a' });
const inParts = (...bytes: number[]) => ({
  name: 'weights',
  bytes: bytes.reduce((sum, part) => sum + part),
  parts: bytes.map((part) => ({ blob: 'blobs/aa/a', bytes: part })),
});

describe('a file of a committed checkpoint', () => {
  it.each([
    ['in one blob', whole(MOST), true],
    ['in one blob that no memory holds', whole(MOST + 1), false],
    ['in parts', inParts(MOST, 1), true],
    ['in a part that no memory holds', inParts(MOST + 1, 1), false],
    ['in neither', { name: 'weights', bytes: 1 }, false],
    ['in both', { ...whole(2), ...inParts(1, 1) }, false],
  ])('%s is taken or refused', (_, entry, expected) => {
    expect(FileEntry.safeParse(entry).success).toBe(expected);
  });
});
