export { ConfigurationError } from './errors.js';
export { FileObjectStore } from './file-object-store.js';
export { objectStoreUrlProblem, openObjectStore, type OpenOptions } from './open-object-store.js';
export { S3ObjectStore, type S3Options } from './s3-object-store.js';
export { SmallFiles } from './small-files.js';
