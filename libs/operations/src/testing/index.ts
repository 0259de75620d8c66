export { givenCheckpoint, givenOperation } from './given-operation.js';
