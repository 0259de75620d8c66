import { blobKey, encodeManifest, type Manifest, sha256Of } from '@ktrdr/checkpoint';
import { type CheckpointExport, EXPORT_FILE } from '@ktrdr/contracts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContractApi } from './contract-api.js';
import { checkpointView, ID } from './fixtures.js';

export const CHECKPOINT = 'ck_01';

/** A file of a checkpoint: whole, or in these parts. */
export type Content = string | readonly string[];

/** What `export` answers about a checkpoint with such files. */
function exportOf(files: Readonly<Record<string, Content>>): CheckpointExport {
  const entries = Object.entries(files).map(([name, content]) => entryOf(name, content));
  const manifest: Manifest = {
    schema_version: 1,
    checkpoint_id: CHECKPOINT,
    operation_id: ID,
    attempt: 1,
    seq: 1,
    kind: 'cancel',
    step: 10,
    epoch: 1,
    created_at: '2026-11-22T10:15:00.000Z',
    spec_sha256: 'ab'.repeat(32),
    data_fingerprint: 'data',
    trainer: { name: 'tensorflow', version: '1' },
    backend: { name: 'cpu', version: '1' },
    metrics: {},
    parent_id: null,
    files: entries,
  };
  return {
    format: 'ktrdr-checkpoint',
    version: 1,
    exported_at: '2026-11-22T10:16:00.000Z',
    operation: {
      operation_id: ID,
      type: 'training',
      name: 'moved',
      labels: {},
      spec: {},
      spec_sha256: 'ab'.repeat(32),
      former_spec_sha256: [],
      requirements: [],
      pinned_backend: null,
      max_recoveries: 10,
      steps: 20,
      epochs: 2,
    },
    manifest: { ...manifest },
    manifest_sha256: sha256Of(encodeManifest(manifest)),
    sha256: 'cd'.repeat(32), // whether it is right, the API tells
  };
}

/** An API that has such a checkpoint; tests replace what goes wrong. */
export function givenCheckpoint(api: ContractApi, files: Readonly<Record<string, Content>>): void {
  const route = `GET /checkpoints/${CHECKPOINT}`;
  api.answer(`${route}/export`, exportOf(files)).answer(route, checkpointView({ checkpoint_id: CHECKPOINT }));
  for (const [name, content] of Object.entries(files)) {
    api.on(`${route}/files/${name}`, (_request, response) => response.end(textOf(content)));
  }
}

/** The folder that an export of such a checkpoint is. */
export async function writeExport(folder: string, files: Readonly<Record<string, Content>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, EXPORT_FILE), JSON.stringify(exportOf(files)));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), textOf(content));
}

function textOf(content: Content): string {
  return typeof content === 'string' ? content : content.join('');
}

function entryOf(name: string, content: Content): Manifest['files'][number] {
  const bytes = textOf(content).length;
  if (typeof content !== 'string') {
    return { name, bytes, parts: content.map((part) => ({ blob: blobKeyOf(part), bytes: part.length })) };
  }
  return { name, bytes, sha256: sha256Of(Buffer.from(content)), blob: blobKeyOf(content) };
}

function blobKeyOf(text: string): string {
  return blobKey(sha256Of(Buffer.from(text)));
}
