import { ObjectNotFoundError } from '../errors.js';
import { CHECKPOINT_PREFIX } from '../keys.js';
import type { ObjectStore } from '../ports.js';
import type { CheckpointGarbage, DeploymentRecords } from './gc-ports.js';

/** Names the deployment that sweeps the store. */
export const STORE_OWNER_KEY = 'owner.json';
/** Of a store without an owner, so many manifests are looked up in the database. */
const MANIFESTS_LOOKED_AT = 1000;

/**
 * Why this deployment must not sweep the store; null: the store is its own. To another deployment's database everything
 * in the store is an orphan. So a store belongs to the first deployment that finds it empty or knows some of its objects.
 * @throws ObjectStoreUnavailableError
 */
export async function checkStoreOwner(
  objects: ObjectStore,
  garbage: Pick<CheckpointGarbage, 'unnamed'>,
  records: Pick<DeploymentRecords, 'deploymentId'>,
): Promise<string | null> {
  const ours = await records.deploymentId();
  const owner = await ownerOf(objects);
  if (owner === ours) return null;
  if (owner !== null) return `${STORE_OWNER_KEY} says that another deployment (${owner}) sweeps ${objects.url}`;
  const keys: string[] = [];
  for await (const { key } of objects.list(CHECKPOINT_PREFIX)) {
    keys.push(key);
    if (keys.length === MANIFESTS_LOOKED_AT) break;
  }
  if (keys.length > 0 && (await garbage.unnamed('manifest', keys)).length === keys.length) {
    return `the database knows none of the checkpoints in ${objects.url}: it may be another deployment's store`;
  }
  await objects.put(STORE_OWNER_KEY, new TextEncoder().encode(JSON.stringify({ deployment_id: ours })));
  return (await ownerOf(objects)) === ours ? null : 'another deployment has just taken it';
}

async function ownerOf(objects: ObjectStore): Promise<string | null> {
  try {
    const content: unknown = JSON.parse(new TextDecoder().decode(await objects.get(STORE_OWNER_KEY)));
    const id = (content as { deployment_id?: unknown } | null)?.deployment_id;
    return typeof id === 'string' ? id : 'unreadable';
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return null;
    if (error instanceof SyntaxError) return 'unreadable';
    throw error;
  }
}
