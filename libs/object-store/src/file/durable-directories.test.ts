import { DurableDirectories } from './durable-directories.js';

describe('directories that are known to be durable', () => {
  const given = () => new DurableDirectories('/store');

  it('are none of those above a path at first, whoever made them', () => {
    expect(given().doubtful('/store/blobs/aa/one')).toEqual(['/store/blobs/aa', '/store/blobs']);
    expect(given().doubtful('/store/one')).toEqual([]);
  });

  it('are those that were seen to, for everything below them', () => {
    const directories = given();
    directories.keep(directories.doubtful('/store/blobs/aa/one'));
    expect(directories.doubtful('/store/blobs/aa/two')).toEqual([]);
    expect(directories.doubtful('/store/blobs/bb/one')).toEqual(['/store/blobs/bb']);
  });

  it('are not those that were made anew', () => {
    const directories = given();
    directories.keep(['/store/blobs', '/store/blobs/aa']);
    directories.made('/store/blobs/aa');
    expect(directories.doubtful('/store/blobs/aa/one')).toEqual(['/store/blobs/aa']);
  });

  it('are forgotten before they are too many', () => {
    const directories = given();
    directories.keep(Array.from({ length: 10_001 }, (_, n) => `/store/checkpoints/${n}`));
    directories.keep(['/store/blobs']);
    expect(directories.doubtful('/store/checkpoints/1/manifest.json')).toContain('/store/checkpoints/1');
    expect(directories.doubtful('/store/blobs/one')).toEqual([]);
  });
});
