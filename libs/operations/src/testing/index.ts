export { candidatesFor } from '../checkpoints/latest.js';
export { givenCheckpoint, givenOperation } from './given-operation.js';
