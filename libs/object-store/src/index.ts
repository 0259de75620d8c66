export { objectStoreUrlProblem, openObjectStore } from './open-object-store.js';
export { SmallFiles } from './small-files.js';
