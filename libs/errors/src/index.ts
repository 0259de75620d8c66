export { DomainError, ERROR_CODES, type ErrorCode, type ErrorDetails, isErrorCode } from './domain-error.js';
