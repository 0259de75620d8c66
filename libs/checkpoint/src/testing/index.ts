export { checkpointDraft } from './checkpoint-draft.js';
export { InMemoryObjectStore } from './in-memory-object-store.js';
export { describeObjectStore } from './object-store.contract.js';
