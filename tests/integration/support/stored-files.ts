import { type CheckpointFile, partsOf } from '@ktrdr/operations';
import { open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface StoredCheckpoint {
  readonly checkpoint_id: string;
  readonly step: number;
  readonly epoch: number;
  readonly attempt: number;
  readonly manifest_key: string;
  readonly corrupted_at: string | null;
  readonly files: readonly CheckpointFile[];
}

/** Lays hands on the files of a `file://` store, as a bad disk or a careless person would. */
export function storedFilesIn(objectStoreUrl: string) {
  const root = fileURLToPath(objectStoreUrl);
  const pathOf = ({ files, manifest_key }: StoredCheckpoint, name: string): string => {
    if (name === 'manifest.json') return join(root, manifest_key);
    const file = files.find((entry) => entry.name === name);
    const [part] = file ? partsOf(file) : [];
    if (!part) throw new Error(`The checkpoint has no ${name}`);
    return join(root, part.blob);
  };
  return {
    remove: (checkpoint: StoredCheckpoint, name: string) => rm(pathOf(checkpoint, name)),
    async flipByte(checkpoint: StoredCheckpoint, name: string): Promise<void> {
      const file = await open(pathOf(checkpoint, name), 'r+');
      try {
        const { size } = await file.stat();
        const at = Math.floor(size / 2);
        const byte = Buffer.alloc(1);
        await file.read(byte, 0, 1, at);
        byte.writeUInt8(byte.readUInt8(0) ^ 1);
        await file.write(byte, 0, 1, at);
      } finally {
        await file.close();
      }
    },
    cutShort: async (checkpoint: StoredCheckpoint, name: string) => {
      const path = pathOf(checkpoint, name);
      await truncate(path, (await readFile(path)).length - 1);
    },
    /** The document stays well-formed. */
    async alterManifest(checkpoint: StoredCheckpoint): Promise<void> {
      const path = pathOf(checkpoint, 'manifest.json');
      const document = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      await writeFile(path, JSON.stringify({ ...document, step: checkpoint.step + 1 }));
    },
    /** Whether damage to one hurts the other: equal files are stored once. */
    share: (a: StoredCheckpoint, b: StoredCheckpoint, name: string) => pathOf(a, name) === pathOf(b, name),
  };
}
