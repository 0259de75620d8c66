export { ApiClient } from './api-client.js';
export { ApiProblemError, ApiUnreachableError } from './errors.js';
export { type StreamItem } from './event-stream.js';
