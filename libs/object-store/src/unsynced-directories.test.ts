import { UnsyncedDirectories } from './unsynced-directories.js';

describe('directories that are not synced yet', () => {
  const namesOf = (noted: ReadonlyMap<string, unknown>) => [...noted.keys()];

  it('concern everybody who writes below them', () => {
    const unsynced = new UnsyncedDirectories();
    unsynced.add('/store');
    unsynced.add('/store/blobs');
    expect(namesOf(unsynced.above('/store/blobs/aa/one'))).toEqual(['/store/blobs', '/store']);
    expect(namesOf(unsynced.above('/store/checkpoints/one'))).toEqual(['/store']);
    expect(namesOf(unsynced.above('/elsewhere/one'))).toEqual([]);
  });

  it('concern nobody any more when they were synced', () => {
    const unsynced = new UnsyncedDirectories();
    unsynced.add('/store/blobs');
    const noted = unsynced.above('/store/blobs/aa/one');
    unsynced.remove(noted);
    expect(namesOf(unsynced.above('/store/blobs/aa/two'))).toEqual([]);
  });

  it('still concern who made another in them meanwhile, and who writes into that one', () => {
    const unsynced = new UnsyncedDirectories();
    unsynced.add('/store/blobs');
    const first = unsynced.above('/store/blobs/aa/one');
    unsynced.add('/store/blobs'); // bb
    const second = unsynced.above('/store/blobs/bb/two');
    unsynced.remove(first);
    expect(namesOf(unsynced.above('/store/blobs/bb/three'))).toEqual(['/store/blobs']);
    unsynced.remove(second);
    expect(namesOf(unsynced.above('/store/blobs/bb/three'))).toEqual([]);
  });
});
