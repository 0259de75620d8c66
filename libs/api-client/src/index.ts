export { ApiClient, type ApiClientOptions, type EventWindow, type OperationFilter } from './api-client.js';
export { type Backoff } from './backoff.js';
export { ApiAddressError, ApiContractError, ApiProblemError, ApiUnreachableError } from './errors.js';
export { type ReadOptions } from './http-transport.js';
export { type StreamItem, type StreamOptions } from './event-stream.js';
