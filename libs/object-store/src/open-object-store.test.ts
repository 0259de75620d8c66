import { ConfigurationError, openObjectStore } from './open-object-store.js';
import { FileObjectStore } from './file/file-object-store.js';
import { S3ObjectStore } from './s3/s3-object-store.js';

describe('openObjectStore', () => {
  it('opens a directory by its file URL', () => {
    const store = openObjectStore('file:///var/lib/ktrdr%20data/');
    expect(store).toBeInstanceOf(FileObjectStore);
    expect(store.url).toBe('file:///var/lib/ktrdr%20data');
  });

  it('opens a bucket with a prefix and keeps settings and credentials out of its name', () => {
    const store = openObjectStore(
      's3://training/a/b/?endpoint=http://127.0.0.1:9000&region=eu-west-1&force_path_style=true',
      { credentials: { accessKeyId: 'id', secretAccessKey: 'secret' } },
    );
    expect(store).toBeInstanceOf(S3ObjectStore);
    expect(store.url).toBe('s3://training/a/b/');
  });

  it.each([
    ['not a url', 'not a URL'],
    ['/var/lib/ktrdr', 'not a URL'],
    ['https://bucket.s3.amazonaws.com', 'https'],
    ['file://relative/dir', 'three slashes'],
    ['file:///', 'root directory'],
    ['file:///data%2Fobjects', 'it names no path'],
    ['file:///100%', 'it names no path'],
    ['file:///dir?region=x', 'no settings'],
    ['s3://', 'bucket name'],
    ['s3://UPPER', 'bucket name'],
    ['s3://bucket/.hidden', 'object key'],
    ['s3://bucket?acl=public', 'unknown setting acl'],
    ['s3://bucket?endpoint=127.0.0.1:9000', 'endpoint'],
    ['s3://bucket?force_path_style=yes', 'force_path_style'],
    ['s3://id:secret@bucket', 'credentials'],
  ])('refuses %s', (url, reason) => {
    expect(() => openObjectStore(url)).toThrow(ConfigurationError);
    expect(() => openObjectStore(url)).toThrow(reason);
    expect(() => openObjectStore(url)).not.toThrow('id:secret');
  });
});
