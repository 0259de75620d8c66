/** What runs in a browser too: nothing here imports a module of Node. */
export { ACTIONS } from './actions.js';
export { CHECKPOINT_KINDS, isCheckpointChoice, LARGEST_COUNT, MAX_BLOB_BYTES, partsOf, stepOf } from './checkpoint.js';
export { INTERVAL_REASONS } from './checkpointing.js';
export { describeDrift, DRIFT_KINDS, driftBetween, GUARANTEE_LEVELS } from './drift.js';
export type { BadFile } from './errors.js';
export { STALL_POLICIES } from './operation.js';
export { isLeased, isSettled, OPERATION_STATUSES, type OperationStatus, PAUSE_CAUSES } from './status.js';
export { CLIENT_ACTIONS } from './transitions.js';
export { SUGGESTED_ACTIONS } from './suggestion.js';
export { storableText } from './storable-text.js';
export { isPausable, OPERATION_TYPES, PROGRAM_TYPES, traitsOf } from '../spec/operation-types.js';
