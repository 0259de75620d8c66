import type { ObjectRegister } from './gc-ports.js';
import { ObjectNotFoundError } from '../errors.js';
import { CHECKPOINT_PREFIX } from '../keys.js';
import type { ObjectStore } from '../ports.js';

/** The object in which a store says which deployment sweeps it. */
export const STORE_OWNER_KEY = 'owner.json';
/** So many manifests are looked at to find out whose a store without an owner is. */
const MANIFESTS_LOOKED_AT = 1000;

/**
 * Why this deployment must not sweep the store; `null`: the store is its own. To a database that does not belong to it,
 * everything in a store is an orphan, so a store belongs to the first deployment that finds it empty or knows some of
 * what is in it.
 * @throws ObjectStoreUnavailableError
 */
export async function whyNotOurs(
  objects: ObjectStore,
  register: Pick<ObjectRegister, 'deploymentId' | 'unnamed'>,
): Promise<string | null> {
  const ours = await register.deploymentId();
  const owner = await ownerOf(objects);
  if (owner === ours) return null;
  if (owner !== null) return `${STORE_OWNER_KEY} says that another deployment (${owner}) sweeps ${objects.url}`;
  const keys: string[] = [];
  for await (const { key } of objects.list(CHECKPOINT_PREFIX)) {
    keys.push(key);
    if (keys.length === MANIFESTS_LOOKED_AT) break;
  }
  if (keys.length > 0 && (await register.unnamed('manifest', keys)).length === keys.length) {
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
