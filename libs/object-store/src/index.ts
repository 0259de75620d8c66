export { objectStoreUrlProblem, openObjectStore } from './open-object-store.js';
export { SmallFiles } from './file/small-files.js';
