export { checkpointDraft } from './checkpoint-draft.js';
export { InMemoryObjectRegister } from './in-memory-object-register.js';
export { InMemoryObjectStore } from './in-memory-object-store.js';
export { describeObjectStore } from './object-store.contract.js';
