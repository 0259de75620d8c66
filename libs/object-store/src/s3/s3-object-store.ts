import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import {
  assertKeyPrefix,
  assertObjectKey,
  digestOf,
  type ListedObject,
  type ObjectDigest,
  type ObjectHead,
  ObjectNotFoundError,
  type ObjectStore,
  ObjectStoreUnavailableError,
} from '@ktrdr/checkpoint';
import { freeChunks, sendInPieces } from './bounded-memory.js';
import { readingAgents } from './reading-agents.js';
import { toS3StoreError, toS3Unavailable } from './s3-errors.js';
import { streamToFile } from '../stream-to-file.js';

const DOWNLOAD_ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 3_000;
const IDLE_TIMEOUT_MS = 30_000;
/** Keys never start with a dot, so listing can leave it out. */
const CHECK_NAME = '.ktrdr-object-store';

export interface S3Options {
  readonly bucket: string;
  /** Key prefix without slashes at its ends, or ''. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region?: string;
  readonly forcePathStyle?: boolean;
  /** Without them the SDK looks in its usual places: environment, profile, instance role. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** How often a request is sent before it counts as failed. */
  readonly maxAttempts?: number;
}

/** Objects in an S3 bucket, or in anything that speaks S3. */
export class S3ObjectStore implements ObjectStore {
  readonly url: string;
  private readonly client: S3Client;
  private readonly bucket: string;
  private readonly prefix: string;

  constructor({ bucket, prefix, ...connection }: S3Options) {
    this.bucket = bucket;
    this.prefix = prefix === '' ? '' : `${prefix}/`;
    this.url = `s3://${bucket}/${this.prefix}`;
    this.client = new S3Client(toClientConfig(connection));
    sendInPieces(this.client);
  }

  async put(key: string, body: Uint8Array): Promise<void> {
    await this.ask(key, () =>
      this.client.send(new PutObjectCommand({ ...this.locate(key), Body: body, ContentLength: body.length })),
    );
  }

  async get(key: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    await this.download(key, async (body) => {
      chunks.length = 0;
      for await (const chunk of body) chunks.push(chunk);
    });
    return new Uint8Array(Buffer.concat(chunks));
  }

  async read(key: string, into: Uint8Array): Promise<number> {
    return this.download(key, async (body) => {
      let bytes = 0;
      for await (const chunk of freeChunks(body)) {
        if (bytes < into.length) into.set(chunk.subarray(0, into.length - bytes), bytes);
        bytes += chunk.length;
      }
      return bytes;
    });
  }

  async getToFile(key: string, path: string): Promise<ObjectDigest> {
    return this.download(key, (body) => streamToFile(freeChunks(body), path));
  }

  async hash(key: string): Promise<ObjectDigest> {
    return this.download(key, (body) => digestOf(freeChunks(body)));
  }

  async head(key: string): Promise<ObjectHead | null> {
    try {
      const found = await this.ask(key, () => this.client.send(new HeadObjectCommand(this.locate(key))));
      return { bytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) };
    } catch (error) {
      if (error instanceof ObjectNotFoundError) return null;
      throw error;
    }
  }

  async delete(key: string): Promise<void> {
    try {
      await this.ask(key, () => this.client.send(new DeleteObjectCommand(this.locate(key))));
    } catch (error) {
      if (!(error instanceof ObjectNotFoundError)) throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<ListedObject> {
    assertKeyPrefix(prefix);
    const request = { Bucket: this.bucket, Prefix: `${this.prefix}${prefix}` };
    try {
      for await (const page of paginateListObjectsV2({ client: this.client }, request)) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          const key = Key?.slice(this.prefix.length) ?? '';
          if (key === '' || key.startsWith('.')) continue;
          yield { key, bytes: Size ?? 0, modifiedAt: LastModified ?? new Date(0) };
        }
      }
    } catch (error) {
      throw toS3Unavailable(error, this.url);
    }
  }

  async check(): Promise<void> {
    const location = { Bucket: this.bucket, Key: `${this.prefix}${CHECK_NAME}` };
    try {
      await this.client.send(new PutObjectCommand({ ...location, Body: 'ktrdr was here\n' }));
      await this.client.send(new HeadObjectCommand(location));
    } catch (error) {
      throw toS3Unavailable(error, this.url);
    }
  }

  /** Closes its connections. */
  close(): void {
    this.client.destroy();
  }

  private locate(key: string): { Bucket: string; Key: string } {
    assertObjectKey(key);
    return { Bucket: this.bucket, Key: `${this.prefix}${key}` };
  }

  private async ask<Reply>(key: string, send: () => Promise<Reply>): Promise<Reply> {
    try {
      return await send();
    } catch (error) {
      throw toS3StoreError(error, this.url, key);
    }
  }

  /** A body that breaks off is read again from its start: the SDK repeats only what failed before the first byte. */
  private async download<Result>(
    key: string,
    read: (body: AsyncIterable<Uint8Array>) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      const reply = await this.ask(key, () => this.client.send(new GetObjectCommand(this.locate(key))));
      try {
        return await read(this.bodyOf(reply, key));
      } catch (error) {
        if (!(error instanceof ObjectStoreUnavailableError) || attempt >= DOWNLOAD_ATTEMPTS) throw error;
      }
    }
  }

  private async *bodyOf(
    reply: { readonly Body?: unknown; readonly ContentLength?: number | undefined },
    key: string,
  ): AsyncIterable<Uint8Array> {
    let bytes = 0;
    try {
      for await (const chunk of reply.Body as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw toS3StoreError(error, this.url, key);
    }
    if (reply.ContentLength !== undefined && bytes !== reply.ContentLength) {
      const reason = `the connection ended after ${bytes} of the ${reply.ContentLength} bytes of ${key}`;
      throw new ObjectStoreUnavailableError(this.url, reason);
    }
  }
}

function toClientConfig({
  endpoint,
  region,
  forcePathStyle,
  credentials,
  maxAttempts = 4,
}: Omit<S3Options, 'bucket' | 'prefix'>): S3ClientConfig {
  return {
    ...(endpoint === undefined ? {} : { endpoint, region: 'us-east-1', forcePathStyle: true }),
    ...(region === undefined ? {} : { region }),
    ...(forcePathStyle === undefined ? {} : { forcePathStyle }),
    ...(credentials === undefined ? {} : { credentials }),
    maxAttempts,
    // Every byte is checked against its SHA-256 by the reader.
    responseChecksumValidation: 'WHEN_REQUIRED',
    // With agents that are not its own the SDK would announce that it waits for the server's word, and not wait.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
      ...readingAgents({ keepAlive: true, maxSockets: 64 }),
    },
  };
}
