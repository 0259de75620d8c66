import { fileURLToPath } from 'node:url';
import { assertKeyPrefix, type ObjectStore } from '@ktrdr/checkpoint';
import { DomainError } from '@ktrdr/errors';
import { FileObjectStore } from './file/file-object-store.js';
import type { SmallFiles } from './file/small-files.js';
import { type S3Options, S3ObjectStore } from './s3/s3-object-store.js';

const FORMS =
  'file:///absolute/directory or s3://bucket/prefix?endpoint=https://host&region=us-east-1&force_path_style=true';
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const S3_SETTINGS: ReadonlySet<string> = new Set(['endpoint', 'region', 'force_path_style']);

/** The URL names no store. */
export class ConfigurationError extends DomainError {
  readonly code = 'configuration-invalid';
}

export interface OpenOptions {
  /** For `s3://`; without it the SDK looks in its usual places. */
  readonly credentials?: S3Options['credentials'];
  /** For `file://`: reads small files, in a process that reads many at once and has other things to do. */
  readonly smallFiles?: SmallFiles;
}

/**
 * The object store that a URL names: `file:///absolute/directory` or
 * `s3://bucket/prefix?endpoint=…&region=…&force_path_style=true`. Opening touches neither disk nor network.
 * @throws ConfigurationError for anything else.
 */
export function openObjectStore(url: string, options: OpenOptions = {}): ObjectStore {
  const { credentials, smallFiles } = options;
  const parsed = URL.parse(url);
  if (!parsed) throw refusal('it is not a URL');
  if (parsed.username || parsed.password) throw refusal('credentials do not belong into the URL');
  if (parsed.hash) throw refusal('it has a fragment (#)');
  if (parsed.protocol === 'file:') return openFileStore(parsed, smallFiles);
  if (parsed.protocol === 's3:')
    return new S3ObjectStore({ ...toS3Options(parsed), ...(credentials && { credentials }) });
  throw refusal(`it starts with ${parsed.protocol}//, not with file:// or s3://`);
}

/** Why a URL names no store, in words without the URL; null: it can be opened. Touches neither disk nor network. */
export function objectStoreUrlProblem(url: string): string | null {
  try {
    openObjectStore(url);
    return null;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return String(error.details['reason'] ?? error.message);
  }
}

function openFileStore(url: URL, smallFiles: SmallFiles | undefined): FileObjectStore {
  if (url.host) throw refusal(`a file URL has three slashes, and this one names the host ${url.host}`);
  if (url.search) throw refusal('a file URL has no settings');
  const path = toPath(url);
  if (path === '/') throw refusal('the root directory cannot be an object store');
  smallFiles?.start();
  return new FileObjectStore(path.replace(/\/+$/, ''), smallFiles);
}

/** Not every URL is that of a path: a slash can stand in no name, for one. */
function toPath(url: URL): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw refusal(`it names no path: ${(error as Error).message}`);
  }
}

function toS3Options(url: URL): S3Options {
  const unknown = [...url.searchParams.keys()].find((name) => !S3_SETTINGS.has(name));
  if (unknown) throw refusal(`it has the unknown setting ${unknown}`);
  if (!BUCKET.test(url.host)) throw refusal(`${JSON.stringify(url.host)} is not a bucket name`);
  const endpoint = url.searchParams.get('endpoint');
  const region = url.searchParams.get('region');
  const forcePathStyle = url.searchParams.get('force_path_style');
  return {
    bucket: url.host,
    prefix: toPrefix(url.pathname),
    ...(endpoint === null ? {} : { endpoint: toEndpoint(endpoint) }),
    ...(region === null ? {} : { region }),
    ...(forcePathStyle === null ? {} : { forcePathStyle: toFlag(forcePathStyle) }),
  };
}

function toPrefix(pathname: string): string {
  const prefix = pathname.replace(/^\/+|\/+$/g, '');
  try {
    assertKeyPrefix(prefix);
  } catch (error) {
    throw refusal((error as Error).message);
  }
  return prefix;
}

function toEndpoint(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return endpoint;
  throw refusal('its endpoint is not an http:// or https:// URL');
}

function toFlag(value: string): boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  throw refusal('force_path_style is neither true nor false');
}

/** The URL itself stays out of the message, for it may hold a secret. */
function refusal(reason: string): ConfigurationError {
  return new ConfigurationError(`The object store's URL cannot be used: ${reason}. Use ${FORMS}`, { reason });
}
