export { candidatesFor } from '../choose-checkpoint.js';
export { givenCheckpoint, givenOperation } from './given-operation.js';
