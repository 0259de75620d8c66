import type { CheckpointStore, ObjectStore } from '@ktrdr/checkpoint';
import type { CheckpointRecord } from '@ktrdr/contracts';
import { partsOf } from '@ktrdr/operations';
import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GrantedLease, SavedCheckpoint } from './action.js';

/** Checkpoints of simulated workers: tiny, but really stored. No two have the same bytes. */
export class Uploads {
  private readonly records = new Map<string, CheckpointRecord>();

  constructor(
    private readonly store: CheckpointStore,
    private readonly objects: ObjectStore,
    private readonly folder: string,
  ) {}

  recordOf(checkpointId: string): CheckpointRecord {
    const record = this.records.get(checkpointId);
    if (!record) throw new Error(`nothing was uploaded as ${checkpointId}`);
    return record;
  }

  /** @param isStored false: its bytes are taken away again, as if the upload had not come to its end */
  async upload({ operationId, attempt }: GrantedLease, checkpoint: SavedCheckpoint, isStored: boolean): Promise<void> {
    const { id, seq, step, isBest } = checkpoint;
    const dir = join(this.folder, id);
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'weights.safetensors'), randomUUID());
    const position = { seq, kind: 'periodic' as const, step, epoch: Math.floor(step / 10) };
    const createdAt = new Date().toISOString();
    const uploaded = await this.store.upload({
      ...position,
      checkpoint_id: id,
      operation_id: operationId,
      attempt,
      created_at: createdAt,
      spec_sha256: 'a'.repeat(64),
      data_fingerprint: 'f',
      trainer: { name: 'simulated', version: '1' },
      backend: { name: 'wasm', version: '1' },
      metrics: {},
      parent_id: null,
      dir,
      files: ['weights.safetensors'],
    });
    await rm(dir, { recursive: true });
    this.records.set(id, {
      ...position,
      id,
      created_at: createdAt,
      manifest_key: uploaded.manifestKey,
      manifest_sha256: uploaded.manifestSha256,
      bytes: uploaded.bytes,
      files: uploaded.manifest.files.map((file) => ({ ...file })),
      metrics: {},
      is_best: isBest,
      parent_id: null,
      stall_ms: 1,
      save_ms: 1,
      uploaded_bytes: uploaded.uploadedBytes,
    });
    if (!isStored) await this.spoil(id, 'blob-missing');
  }

  /** Whether all of it is there, by size; what a commit looks at. */
  async isStored(checkpointId: string): Promise<boolean> {
    const { files, manifest_key: manifest } = this.recordOf(checkpointId);
    const blobs = await Promise.all(
      files.flatMap(partsOf).map(async ({ blob, bytes }) => (await this.objects.head(blob))?.bytes === bytes),
    );
    return (await this.objects.head(manifest)) !== null && blobs.every(Boolean);
  }

  async spoil(checkpointId: string, how: Damage): Promise<void> {
    const { files, manifest_key: manifest } = this.recordOf(checkpointId);
    const blob = files.flatMap(partsOf)[0]?.blob ?? manifest;
    if (how === 'blob-missing') await this.objects.delete(blob);
    else if (how === 'manifest-missing') await this.objects.delete(manifest);
    else await this.objects.put(blob, new TextEncoder().encode(randomUUID()));
  }
}

export const DAMAGES = ['blob-missing', 'manifest-missing', 'blob-changed'] as const;
export type Damage = (typeof DAMAGES)[number];
