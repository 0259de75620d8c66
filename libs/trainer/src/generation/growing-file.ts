import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFolder } from '../checkpointing/checkpoint-files.js';
import { CheckpointWriteError } from '../errors.js';

/** One file in a folder of its own, which gets its name only when the file is whole and on disk. */
export class GrowingFile {
  bytes = 0;
  private readonly hash = createHash('sha256');

  private constructor(
    private readonly dir: string,
    private readonly file: FileHandle,
  ) {}

  /** @throws {CheckpointWriteError} as do all others that write. */
  static create(dir: string, name: string): Promise<GrowingFile> {
    return orWriteError(dir, async () => {
      await mkdir(partial(dir));
      return new GrowingFile(dir, await open(join(partial(dir), name), 'wx'));
    });
  }

  append(text: string): Promise<void> {
    return orWriteError(this.dir, async () => {
      const bytes = Buffer.from(text);
      await this.file.appendFile(bytes);
      this.hash.update(bytes);
      this.bytes += bytes.length;
    });
  }

  /** Syncs the file and gives the folder its name. Returns the file's SHA-256. */
  finish(): Promise<string> {
    return orWriteError(this.dir, async () => {
      await this.file.sync();
      await this.file.close();
      await syncFolder(partial(this.dir));
      await rename(partial(this.dir), this.dir);
      await syncFolder(dirname(this.dir));
      return this.hash.digest('hex');
    });
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.file.close().catch(() => undefined); // it may be closed already
    await rm(partial(this.dir), { recursive: true, force: true });
  }
}

function partial(dir: string): string {
  return `${dir}.partial`;
}

async function orWriteError<T>(dir: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    throw new CheckpointWriteError(dir, cause);
  }
}
