export { QUICK_HASH_LIMIT_BYTES } from '../checkpoint-store.js';
export { STORE_OWNER_KEY } from '../retention/store-owner.js';
export { checkpointDraft } from './checkpoint-draft.js';
export { InMemoryObjectStore } from './in-memory-object-store.js';
export { describeObjectStore } from './object-store.contract.js';
