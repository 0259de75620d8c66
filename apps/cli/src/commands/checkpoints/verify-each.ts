import { type ApiClient, ApiProblemError } from '@ktrdr/api-client';
import type { ListedCheckpoint, Unsound, Verification } from '../../render/verification.js';

export function newVerification(): Verification {
  return { items: [], unverified: [], deleted: 0, bytes_hashed: 0 };
}

export async function listOf(
  api: ApiClient,
  operationId: string,
  signal: AbortSignal,
): Promise<readonly ListedCheckpoint[]> {
  const { items } = await api.checkpoints(operationId, { signal });
  return items.map(({ checkpoint_id, operation_id, step }) => ({ checkpoint_id, operation_id, step }));
}

/** The most that a page of the API has. */
const PAGE = 200;

/** Every checkpoint of every operation. */
export async function listAll(api: ApiClient, signal: AbortSignal): Promise<readonly ListedCheckpoint[]> {
  const listed: ListedCheckpoint[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await api.list({ limit: PAGE, cursor }, { signal });
    for (const { operation_id: id, latest_checkpoint: latest } of page.items) {
      if (latest) listed.push(...((await unlessDeleted(listOf(api, id, signal))) ?? []));
    }
    if (page.next_cursor === null) return listed;
    cursor = page.next_cursor;
  }
}

/**
 * Has every byte of each hashed again, one after the other, and records the outcome in `verification`.
 * @param report hears of each that is corrupted or not verified
 */
export async function verifyEach(
  listed: readonly ListedCheckpoint[],
  verification: Verification,
  {
    api,
    signal,
    report,
  }: {
    readonly api: ApiClient;
    readonly signal: AbortSignal;
    readonly report: (unsound: Unsound) => void;
  },
): Promise<void> {
  for (const checkpoint of listed) {
    const verified = await unlessDeleted(
      unlessIncompatible(api.verifyCheckpoint(checkpoint.checkpoint_id, {}, { signal })),
    );
    if (!verified) verification.deleted += 1;
    else if ('code' in verified) {
      const unverified = { ...checkpoint, ...verified };
      verification.unverified.push(unverified);
      report(unverified);
    } else {
      const item = { ...verified, operation_id: checkpoint.operation_id, step: checkpoint.step };
      verification.items.push(item);
      verification.bytes_hashed += verified.bytes_hashed;
      if (!verified.valid) report(item);
    }
  }
}

/** Null: it is deleted. */
async function unlessDeleted<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, ['operation-not-found', 'checkpoint-not-found'])) return null;
    throw error;
  }
}

/** One of another version says nothing about the others. */
async function unlessIncompatible<T>(
  answer: Promise<T>,
): Promise<T | { readonly code: string; readonly detail: string }> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error, ['checkpoint-incompatible'])) return { code: error.code, detail: error.message };
    throw error;
  }
}

function isRefusal(error: unknown, codes: readonly string[]): error is ApiProblemError {
  return error instanceof ApiProblemError && codes.includes(error.code);
}
