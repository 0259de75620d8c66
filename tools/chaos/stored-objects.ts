import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { sha256OfBlobKey } from '@ktrdr/checkpoint';
import { partsOf } from '@ktrdr/operations';
import type { CheckpointRow, OperationRecord } from './operation-record.js';

/** In which a store says which deployment sweeps it. */
const STORE_OWNER = 'owner.json';

interface StoredObject {
  readonly key: string;
  readonly bytes: number;
}

interface Damage {
  readonly operationId: string;
  readonly checkpointId: string;
  readonly detail: string;
}

export interface StoreAudit {
  readonly objects: number;
  readonly bytes: number;
  /** No checkpoint names them: saves that were never committed. */
  readonly orphans: readonly StoredObject[];
  /** Left of writes that were killed. */
  readonly unfinished: readonly StoredObject[];
  /** One sentence for each byte-level fault of a checkpoint that the database knows. */
  readonly damage: readonly Damage[];
}

/** Holds the object store against the database, both ways. Every named object is hashed. */
export async function auditStore(folder: string, records: readonly OperationRecord[]): Promise<StoreAudit> {
  const files = await filesBelow(folder);
  const isHidden = ({ key }: StoredObject): boolean => key.split('/').some((name) => name.startsWith('.'));
  const objects = files.filter((file) => !isHidden(file));
  const checkpoints = records.flatMap(({ checkpoints: rows }) => rows);
  const named = new Set(
    checkpoints.flatMap(({ manifestKey, files: entries }) => [
      manifestKey,
      ...entries.flatMap(partsOf).map(({ blob }) => blob),
    ]),
  );
  const damage: Damage[] = [];
  for (const { id, checkpoints: rows } of records) {
    for (const row of rows) {
      for (const detail of await faultsOf(folder, row)) damage.push({ operationId: id, checkpointId: row.id, detail });
    }
  }
  return {
    objects: objects.length,
    bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0),
    orphans: objects.filter(({ key }) => !named.has(key) && key !== STORE_OWNER),
    unfinished: files.filter(({ key }) => key.endsWith('.tmp')),
    damage,
  };
}

async function faultsOf(folder: string, { id, manifestKey, manifestSha256, files }: CheckpointRow): Promise<string[]> {
  const wanted = [
    { name: 'manifest.json', key: manifestKey, sha256: manifestSha256 },
    ...files.flatMap((file) =>
      partsOf(file).map(({ blob }) => ({ name: file.name, key: blob, sha256: sha256OfBlobKey(blob) })),
    ),
  ];
  const faults: string[] = [];
  for (const { name, key, sha256 } of wanted) {
    const content = await readFile(join(folder, key)).catch(() => undefined);
    if (content === undefined) faults.push(`${name} of checkpoint ${id} is missing (${key})`);
    else if (createHash('sha256').update(content).digest('hex') !== sha256)
      faults.push(`${name} of checkpoint ${id} does not have its hash (${key})`);
  }
  return faults;
}

async function filesBelow(folder: string): Promise<readonly StoredObject[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        const bytes = await stat(path).then(
          ({ size }) => size,
          () => 0,
        );
        return { key: relative(folder, path).split(sep).join('/'), bytes };
      }),
  );
}
